//go:build linux

package fusefs

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/walfs/walfs/fsview"
	"github.com/walfs/walfs/test/child"
	"github.com/walfs/walfs/test/raftdir"
)

// livedLog begins a log of 195 entries in three files of 80 slots: term 1 up
// to 185, then term 2, committed up to 120.
func livedLog(t testing.TB, key []byte) *raftdir.Writer {
	t.Helper()
	w := raftdir.Create(filepath.Join(t.TempDir(), "w"), raftdir.Options{Slots: 80, Key: key, KeepKeyID: true, NewDataKey: 1})
	t.Cleanup(w.Close)
	w.Append(185)
	w.Rewind(185)
	w.Append(10)
	w.CommitTo(120)
	return w
}

// What a node does to it.

func appends(w *raftdir.Writer)  { w.Append(10) }
func rotates(w *raftdir.Writer)  { w.Append(60) }
func commits(w *raftdir.Writer)  { w.CommitTo(150) }
func rewrites(w *raftdir.Writer) { rewind(w, 175) }

// reachesBack rewrites from an earlier file on.
func reachesBack(w *raftdir.Writer) { rewind(w, 120) }

// empties leaves more entries without payload each time.
func empties(w *raftdir.Writer) {
	w.Append(1)
	w.Empty(w.Last - 60)
}

func rewind(w *raftdir.Writer, index uint64) {
	w.Rewind(index)
	w.Append(10)
	w.CommitTo(w.Commit)
}

// compacts takes a snapshot that needs a larger wal.meta, and drops two files.
func compacts(w *raftdir.Writer) {
	w.CommitTo(190)
	w.Snapshot(bigBlob(w, 165))
}

// bigBlob is the first index, from one on, of which a snapshot takes many READs.
func bigBlob(w *raftdir.Writer, index uint64) uint64 {
	for len(raftdir.Blob(index, w.TermOf(index))) < 1<<20 {
		index++
	}
	return index
}

func entryName(index uint64) string { return fmt.Sprintf("%020d", index) }

// namesOf are all the paths of an entry.
func namesOf(index, term uint64, file string) (paths []string) {
	for _, name := range []string{fmt.Sprint(index), entryName(index)} {
		paths = append(paths, "entries/"+name, "files/"+file+"/"+name, "decoded/"+name+".json",
			"types/"+[]string{"normal", "conf_change", "conf_change_v2"}[raftdir.TypeOf(index)]+"/"+name,
			fmt.Sprintf("terms/%d/%s", term, name), "terms/"+entryName(term)+"/"+name)
	}
	return paths
}

// invalidation is a change, and what a kernel has cached that it makes wrong.
type invalidation struct {
	name   string
	change func(*raftdir.Writer)
	looks  []look
}

func invalidations() []invalidation {
	const term1, term2 = "00000000000000000001", "00000000000000000002"
	var many []look
	for index := uint64(115); index <= 195; index++ {
		many = append(many, looks("stat", "entries/"+entryName(index), "terms/1/"+entryName(index),
			"types/normal/"+entryName(index), "decoded/"+entryName(index)+".json")...)
	}
	metaTexts := []string{"status.json", "meta/checkpoint_index", "meta/last_index", "meta/first_index",
		"meta/snapshot_index", "meta/snapshot_term", "meta/hard_state/term", "meta/hard_state/commit",
		"meta/conf_state/voters", "meta/members"}
	lines := looks("list", "jsonl")
	for _, file := range []string{"jsonl/00001.wal.jsonl", "jsonl/00002.wal.jsonl", "jsonl/00003.wal.jsonl", "jsonl/00004.wal.jsonl"} {
		lines = append(lines, looks("stat", file)...)
		lines = append(lines, looks("head", file)...)
	}
	return []invalidation{
		{"a list, names come", appends, looks("list", "entries", "types/normal", "types/conf_change", "terms/2",
			"terms/"+term2, "files/00003.wal", "decoded")},
		{"a list, names of files come", rotates, looks("list", "files", "native", "files/00003.wal")},
		{"a list, names go", rewrites, looks("list", "entries", "types/normal", "terms/1", "terms/"+term1,
			"files/00003.wal", "decoded")},
		{"a list, names of terms come and go", rewrites, looks("list", "terms")},
		{"a list, names go in an earlier file", reachesBack, looks("list", "entries", "types/normal", "terms", "terms/1",
			"files", "files/00002.wal", "decoded", "native")},
		{"a list, compacted names go", compacts, looks("list", "entries", "types/normal", "terms/1", "terms/"+term1,
			"files", "decoded", "native", "snapshots")},

		{"no such file, then an entry", appends, looks("stat", append(namesOf(196, 2, "00003.wal"), namesOf(199, 2, "00003.wal")...)...)},
		{"no such file, then a file", rotates, looks("stat", append(namesOf(250, 2, "00004.wal"),
			"files/00004.wal", "native/00004.wal")...)},
		{"no such file, then a term", rewrites, looks("stat", "terms/3", "terms/00000000000000000003", "terms/3/180", "terms/3/"+entryName(180))},
		{"no such file, then a snapshot", compacts, looks("stat", "snapshots/latest", "snapshots/latest/data")},

		{"a name goes", rewrites, looks("stat", append(namesOf(190, 2, "00003.wal"), "terms/2", "terms/"+term2)...)},
		{"a name in an earlier file goes", reachesBack, looks("stat", append(namesOf(140, 1, "00002.wal"),
			"files/00003.wal", "native/00003.wal", "files/00003.wal/180", "entries/180")...)},
		{"many names go", reachesBack, many},
		{"a committed name goes", compacts, looks("stat", append(namesOf(50, 1, "00001.wal"), "files/00001.wal", "native/00001.wal")...)},

		{"pages", rewrites, looks("head", append(namesOf(180, 1, "00003.wal"), namesOf(182, 1, "00003.wal")...)...)},
		{"pages of an earlier file's", reachesBack, looks("head", namesOf(125, 1, "00002.wal")...)},
		{"size and inode", rewrites, looks("stat", append(namesOf(180, 1, "00003.wal"), namesOf(182, 1, "00003.wal")...)...)},
		{"size and inode of an earlier file's", reachesBack, looks("stat", namesOf(125, 1, "00002.wal")...)},

		{"meta/, appended", appends, looks("head", metaTexts...)},
		{"meta/, committed", commits, looks("head", metaTexts...)},
		{"meta/, rewritten", rewrites, looks("head", metaTexts...)},
		{"meta/, compacted", compacts, append(looks("head", metaTexts...), looks("head", "snapshots/latest/data",
			"snapshots/latest/metadata.json", "snapshots/latest/snapshot.pb", "snapshots/latest/decoded.json")...)},
		{"meta/, sizes", compacts, looks("stat", metaTexts...)},
		{"meta/, a snapshot after another", func(w *raftdir.Writer) { w.Snapshot(bigBlob(w, 170)) },
			append(looks("link", "snapshots/latest"), looks("head", "snapshots/latest/data", "snapshots/latest/metadata.json")...)},

		{"jsonl/, appended", appends, lines},
		{"jsonl/, rotated", rotates, lines},
		{"jsonl/, rewritten", rewrites, lines},
		{"jsonl/, rewritten from an earlier file on", reachesBack, lines},
		{"jsonl/, compacted", compacts, lines},
		{"jsonl/, emptied", empties, lines},

		{"native/, pages", appends, looks("head", "native/00003.wal", "native/wal.meta")},
		{"native/, pages, rewritten", rewrites, looks("head", "native/00003.wal")},
		{"native/, pages, an earlier file", reachesBack, looks("head", "native/00002.wal", "native/00003.wal")},
		{"native/, pages, cut", rotates, looks("head", "native/00003.wal", "native/KEYREGISTRY")},
		{"native/, size, cut", rotates, looks("stat", "native/00003.wal", "native/KEYREGISTRY")},
		{"native/, size, grown", compacts, looks("stat", "native/wal.meta", "native/00001.wal")},
	}
}

// TestInvalidated: the kernel shows the log as it is after each change, though it has cached
// what it was, for good as far as it knows.
func TestInvalidated(t *testing.T) {
	for i, test := range invalidations() {
		if child.Race && i%3 > 0 {
			continue // all have the same goroutines
		}
		t.Run(test.name, func(t *testing.T) {
			key := []byte("0123456789abcdef")
			w := livedLog(t, key)
			if test.name == "meta/, a snapshot after another" {
				w.CommitTo(190)
				w.Snapshot(100)
			}
			l := serveLive(t, w, key)
			before := l.cached(test.looks)
			old := l.fresh()
			for i, k := range test.looks {
				if want := k.in(old); before[i] != want {
					t.Fatalf("%s %s, before: got %s, want %s", k.op, k.path, short(before[i]), short(want))
				}
			}
			test.change(w)
			l.awaitTree()
			now := l.fresh()
			l.wantAll(test.looks, now)
			changed := 0
			for i, k := range test.looks {
				if before[i] != k.in(now) {
					changed++
				}
			}
			if changed == 0 {
				t.Error("the change changes nothing of this")
			}
		})
	}
}

// wantAll looks until all looks show what a tree has.
func (l *liveMount) wantAll(all []look, tree *fsview.Tree) {
	l.t.Helper()
	for end := time.Now().Add(hangsAfter); len(all) > 0; {
		var differ []look
		for _, k := range all {
			if got, want := l.see(k), k.in(tree); got != want {
				differ = append(differ, k)
				if time.Now().After(end) {
					l.t.Errorf("%s %s: got %s, want %s", k.op, k.path, short(got), short(want))
				}
			}
		}
		if time.Now().After(end) {
			return
		}
		all = differ
	}
}
