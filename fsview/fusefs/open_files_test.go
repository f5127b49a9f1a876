//go:build linux

package fusefs

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/raftdir"
)

// openFile is a file that was opened before a change, and what was in it then.
type openFile struct{ name, want string }

// open opens a file and reads so many bytes of it.
func (l *liveMount) open(path, want string, read int) openFile {
	l.t.Helper()
	f := openFile{fmt.Sprintf("%s, %d read", path, read), want}
	if said := l.Do("open", f.name, path); said != "" {
		l.t.Fatalf("%s: %s", path, said)
	}
	if read > 0 {
		if got := l.Looker.Do("read", f.name, "0", fmt.Sprint(read)); got != want[:min(read, len(want))] {
			l.t.Fatalf("%s: got %s", f.name, short(got))
		}
	}
	return f
}

// isGone reports whether a look has said what is said of a file that no longer exists.
func isGone(said string) bool {
	return said == syscall.EIO.Error() || said == syscall.ESTALE.Error() || said == syscall.ENOENT.Error()
}

// wantOld reads open files, from the end and from the beginning, and wants the old bytes or
// an error.
func (l *liveMount) wantOld(all []openFile) {
	l.t.Helper()
	const request = 128 << 10
	for _, f := range all {
		if said := l.Looker.Do("size", f.name); !isGone(said) && !strings.HasPrefix(said, fmt.Sprintf("size %d,", len(f.want))) {
			l.t.Errorf("%s: %s, want size %d", f.name, said, len(f.want))
		}
		for off := len(f.want) / request * request; off >= 0; off -= request {
			want := f.want[off:min(off+request, len(f.want))]
			got := l.Looker.Do("read", f.name, fmt.Sprint(off), fmt.Sprint(request))
			if got != want && !isGone(got) {
				l.t.Errorf("%s at %d: got %s, want %s or an error", f.name, off, short(got), short(want))
			}
		}
		if got := l.Looker.Do("read", f.name, "0", fmt.Sprint(len(f.want)+1)); got != f.want && !isGone(got) {
			l.t.Errorf("%s: got %s, want %s or an error", f.name, short(got), short(f.want))
		}
	}
}

// TestOpenFiles: a file that is open while its entry is overwritten, cut off or compacted
// goes on giving the old bytes, or an error.
func TestOpenFiles(t *testing.T) {
	for name, key := range map[string][]byte{"plain": nil, "encrypted": []byte("0123456789abcdef")} {
		for _, test := range []struct {
			name    string
			changes []func(*raftdir.Writer)
			indexes []uint64
		}{
			{"appended", []func(*raftdir.Writer){appends}, []uint64{100, 180, 190, 195}},
			{"rewritten", []func(*raftdir.Writer){rewrites}, []uint64{175, 176, 177, 180, 182, 185, 190, 195}},
			{"rewritten in an earlier file", []func(*raftdir.Writer){reachesBack}, []uint64{120, 121, 122, 125, 130, 150, 180, 190}},
			{"compacted", []func(*raftdir.Writer){compacts}, []uint64{1, 50, 80, 120, 160, 161}},
			{"emptied", []func(*raftdir.Writer){empties, empties}, []uint64{1, 2, 80, 81, 120, 140, 141, 190}},
			{"rewritten again and again", []func(*raftdir.Writer){rewrites, rewrites, appends, reachesBack, rotates, compacts},
				[]uint64{50, 122, 130, 176, 180, 190}},
		} {
			t.Run(name+", "+test.name, func(t *testing.T) {
				w := livedLog(t, key)
				l := serveLive(t, w, key)
				var all []openFile
				for k, index := range test.indexes {
					term := w.TermOf(index)
					want := string(raftdir.Payload(index, term))
					file := fmt.Sprintf("%05d.wal", (index-1)/80+1)
					for _, path := range namesOf(index, term, file) {
						if text := strings.HasPrefix(path, "decoded/"); text && k%2 == 1 {
							all = append(all, l.open(path, l.see(look{"head", path}), 1))
						} else if !text {
							// Of every other entry nothing is read, under any name.
							all = append(all, l.open(path, want, k%2*len(want)))
						}
					}
				}
				for _, path := range []string{"jsonl/00001.wal.jsonl", "jsonl/00002.wal.jsonl", "jsonl/00003.wal.jsonl"} {
					all = append(all, l.open(path, l.see(look{"head", path}), 1))
				}
				for _, path := range []string{"status.json", "meta/last_index", "meta/hard_state/commit"} {
					all = append(all, l.open(path, l.see(look{"head", path}), 0))
				}
				for _, change := range test.changes {
					change(w)
					l.wantOld(all) // the tree may be old or new
					l.awaitTree()
					l.wantOld(all)
					// The names lead to the new entries now.
					l.wantAll(looks("head", "entries/180", fmt.Sprintf("entries/%d", w.Last)), l.fresh())
					l.wantOld(all)
				}
				for _, f := range all {
					l.Looker.Do("close", f.name)
				}
			})
		}
	}
}

// TestOpenFilesInParts: some READs of a long payload come before it is gone, the others
// after.
func TestOpenFilesInParts(t *testing.T) {
	const index = 5000 // a long one
	for name, key := range map[string][]byte{"plain": nil, "encrypted": []byte("0123456789abcdef")} {
		for _, test := range []struct {
			name   string
			change func(*raftdir.Writer)
		}{
			// At the same place in the file, as long as it was.
			{"overwritten", func(w *raftdir.Writer) { w.Rewind(index - 1); w.Append(1) }},
			{"overwritten by what is longer", func(w *raftdir.Writer) { w.Rewind(index - 2); w.Append(30) }},
			{"cut off", func(w *raftdir.Writer) { w.Rewind(index - 1) }},
			{"cut off, in a file that goes", func(w *raftdir.Writer) { w.Rewind(3000); w.Append(10) }},
			{"emptied", func(w *raftdir.Writer) { w.Empty(index + 1) }},
			{"compacted", func(w *raftdir.Writer) {
				w.Append(3000)
				w.CommitTo(w.Last)
				w.Snapshot(w.Last)
			}},
		} {
			// All names of an entry share the kernel's pages, so that each
			// amount needs a mount of its own.
			for _, read := range fixture.Size([]int{128 << 10}, []int{0, 128 << 10, 200_000}) {
				t.Run(fmt.Sprintf("%s, %s, %d read", name, test.name, read), func(t *testing.T) {
					w := raftdir.Create(t.TempDir()+"/w", raftdir.Options{Slots: 2000, Key: key, KeepKeyID: true})
					t.Cleanup(w.Close)
					w.Append(index)
					l := serveLive(t, w, key)
					want := string(raftdir.Payload(index, 1))
					if len(want) < 2*128<<10 {
						t.Fatalf("a payload of %d bytes only", len(want))
					}
					all := []openFile{l.open("entries/5000", want, read), l.open("terms/1/"+entryName(index), want, read)}
					test.change(w)
					l.wantOld(all)
					l.awaitTree()
					l.wantOld(all)
					l.wantAll(looks("head", "entries/5000"), l.fresh())
					l.wantOld(all)
				})
			}
		}
	}
}

// TestOpenSnapshot: the same of a snapshot that takes many READs. The snapshots after it
// overwrite it in place.
func TestOpenSnapshot(t *testing.T) {
	for _, read := range []int{0, 1, 500_000} {
		t.Run(fmt.Sprintf("%d read", read), func(t *testing.T) {
			w := livedLog(t, nil)
			w.CommitTo(w.Last)
			first := bigBlob(w, 10)
			w.Snapshot(first)
			l := serveLive(t, w, nil)
			want := string(raftdir.Blob(first, w.TermOf(first)))
			folder := fmt.Sprintf("snapshots/%s-%s/", entryName(1), entryName(first))
			all := []openFile{l.open("snapshots/latest/data", want, read), l.open(folder+"data", want, read),
				l.open(folder+"metadata.json", l.see(look{"head", folder + "metadata.json"}), 0)}
			for _, next := range []uint64{bigBlob(w, first+1), bigBlob(w, first+40)} {
				w.Snapshot(next)
				l.wantOld(all)
				l.awaitTree()
				l.wantOld(all)
				l.wantAll(append(looks("link", "snapshots/latest"), looks("head", "snapshots/latest/data", folder+"data")...), l.fresh())
				l.wantOld(all)
			}
		})
	}
}
