//go:build unix

package dgraph

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/raftdir"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

func TestRefresh(t *testing.T) {
	for name, key := range map[string][]byte{"plain": nil, "encrypted": []byte("0123456789abcdef")} {
		for _, test := range []struct {
			name   string
			change func(w *raftdir.Writer)
		}{
			{"an entry", func(w *raftdir.Writer) { w.Append(1) }},
			{"entries", func(w *raftdir.Writer) { w.Append(30) }},
			{"entries of a new term", func(w *raftdir.Writer) { w.Rewind(w.Last); w.Append(3) }},
			{"a file is full", func(w *raftdir.Writer) { w.Append(45) }},
			{"a new file", func(w *raftdir.Writer) { w.Append(46) }},
			{"new files", func(w *raftdir.Writer) { w.Append(200) }},
			{"a rewrite, as long", func(w *raftdir.Writer) { w.Rewind(180); w.Append(15) }},
			{"a rewrite, shorter", func(w *raftdir.Writer) { w.Rewind(180); w.Append(5) }},
			{"a rewrite, longer", func(w *raftdir.Writer) { w.Rewind(180); w.Append(25) }},
			{"a rewrite of the last entry", func(w *raftdir.Writer) { w.Rewind(194); w.Append(1) }},
			{"the end is cut off", func(w *raftdir.Writer) { w.Rewind(180) }},
			{"the newest file is emptied", func(w *raftdir.Writer) { w.Rewind(160) }},
			{"two rewrites", func(w *raftdir.Writer) { w.Rewind(180); w.Append(15); w.Rewind(170); w.Append(25) }},
			{"back into an earlier file", func(w *raftdir.Writer) { w.Rewind(120); w.Append(5) }},
			{"back into an earlier file, as long", func(w *raftdir.Writer) { w.Rewind(120); w.Append(40) }},
			{"back, and on into a file of the same name", func(w *raftdir.Writer) { w.Rewind(120); w.Append(75) }},
			{"back to another end of the same file", func(w *raftdir.Writer) { w.Rewind(159); w.Append(36) }},
			{"a snapshot, no file goes", func(w *raftdir.Writer) { w.Snapshot(50) }},
			{"compaction", func(w *raftdir.Writer) { w.Snapshot(100) }},
			{"compaction to the last file", func(w *raftdir.Writer) { w.Snapshot(190) }},
			{"compaction and entries", func(w *raftdir.Writer) { w.Snapshot(190); w.Append(70) }},
			{"a hard state", func(w *raftdir.Writer) { w.CommitTo(150) }},
			{"a checkpoint", func(w *raftdir.Writer) { w.Checkpoint(7) }},
			{"a larger wal.meta", func(w *raftdir.Writer) {
				index := uint64(20)
				for len(raftdir.Blob(index, 1)) < 1<<20 {
					index++
				}
				w.Snapshot(index)
			}},
		} {
			t.Run(name+", "+test.name, func(t *testing.T) {
				t.Parallel()
				f := follow(t, raftdir.Options{Slots: 80, Key: key, KeepKeyID: true, NewDataKey: 1})
				f.refreshUntilUnchanged()
				f.check(nil)
				before := f.r
				test.change(f.w)
				f.refresh()
				if f.r == before {
					t.Error("one look sees nothing new")
				}
				f.check(before)
				f.refreshUntilUnchanged()
				f.check(nil)
			})
		}
	}
}

// TestRefreshSharesFiles: a look opens nothing that is open already, and a
// file that is gone is closed.
func TestRefreshSharesFiles(t *testing.T) {
	f := follow(t, raftdir.Options{Slots: 80})
	f.refreshUntilUnchanged()
	old := f.r
	f.w.Append(100)
	f.refresh()
	for _, n := range old.native {
		if now := findNative(f.r.native, n.Name); now == nil || now.f != n.f {
			// Rotation has cut the file, which was opened anew.
			if n.Name != "00003.wal" {
				t.Errorf("%s was opened again", n.Name)
			}
		}
	}
	middle := f.r
	f.w.Snapshot(170)
	f.refresh()
	if n := findNative(middle.native, "00001.wal"); findNative(f.r.native, n.Name) != nil {
		t.Errorf("%s is still there", n.Name)
	} else if _, err := n.ReadAt(make([]byte, 1), 0); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("%s: %v, want that it is closed", n.Name, err)
	}
}

// TestRefreshRandomly: any changes in any order, each seen by one look.
func TestRefreshRandomly(t *testing.T) {
	for seed := range fixture.Size(uint64(4), 16) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			o := raftdir.Options{Slots: 60}
			if seed%2 == 1 {
				o.Key, o.KeepKeyID, o.NewDataKey = []byte("0123456789abcdef"), true, 2
			}
			f := follow(t, o)
			rng := rand.New(rand.NewPCG(seed, 0))
			between := func(a, b uint64) uint64 { return a + rng.Uint64N(b-a+1) }
			for step := range 40 {
				before := f.r
				did := ""
				for range 1 + rng.IntN(3) {
					w := f.w
					switch rng.IntN(6) {
					case 0:
						n := 1 + rng.IntN(150)
						did += fmt.Sprintf("append %d; ", n)
						w.Append(n)
					case 1:
						to := between(max(w.Commit, w.First), w.Last)
						did += fmt.Sprintf("rewind to %d and append; ", to)
						w.Rewind(to)
						w.Append(1 + rng.IntN(30))
					case 2:
						did += "commit; "
						w.CommitTo(between(max(w.Commit, w.First), w.Last))
					case 3:
						if w.Commit > w.First && w.Commit <= w.Last {
							to := between(w.First, w.Commit)
							did += fmt.Sprintf("snapshot at %d; ", to)
							w.Snapshot(to)
						}
					case 4:
						did += "one by halves; "
						w.HalfSlot()()
					}
				}
				f.refresh()
				f.check(before)
				if before != f.r {
					checkUnchanged(t, before.log, f.r.log)
				}
				if t.Failed() {
					t.Fatalf("step %d: %s", step, did)
				}
			}
		})
	}
}

// checkUnchanged compares unchanged with each entry of both logs.
func checkUnchanged(t *testing.T, before, after *log) {
	t.Helper()
	first, last := unchanged(before, after)
	terms := map[uint64]uint64{}
	for s := range before.Outline(0) {
		terms[s.Index] = s.Term
	}
	for s := range after.Outline(0) {
		same := terms[s.Index] == s.Term
		if in := s.Index >= first && s.Index <= last; in != same {
			t.Errorf("entry %d, term %d and then %d: the range that is unchanged is %d to %d", s.Index, terms[s.Index], s.Term, first, last)
			return
		}
	}
}

// TestRefreshNothing: where nothing has changed, the reader is the same.
func TestRefreshNothing(t *testing.T) {
	f := follow(t, raftdir.Options{Slots: 80})
	f.refreshUntilUnchanged()
	before := f.r
	for range 100 {
		if f.refresh(); f.r != before {
			t.Fatal("nothing has changed, but there is a new reader")
		}
	}
}

// TestRefreshHalfSlot: what a writer has half done is left out. When nothing
// comes of it, it is a problem, until something does.
func TestRefreshHalfSlot(t *testing.T) {
	for _, rotate := range []bool{false, true} {
		t.Run(fmt.Sprintf("in a new file %t", rotate), withTestClock(func(t *testing.T) {
			f := follow(t, raftdir.Options{Slots: 80})
			if rotate {
				f.w.Append(45)
			}
			f.refreshUntilUnchanged()
			before := shown(f.r)["entries"]
			finish := f.w.HalfSlot()
			for range 3 {
				f.refresh()
				if problems := f.r.Problems(); len(problems) > 0 {
					t.Errorf("problems: %v", problems)
				}
				if !reflect.DeepEqual(shown(f.r)["entries"], before) {
					t.Error("the entries are others")
				}
			}
			time.Sleep(2 * settlingTime)
			for range 3 {
				f.refresh()
				problems := f.r.Problems()
				if len(problems) != 1 || problems[0].Kind != walcore.KindOffset || problems[0].Index != f.w.Last+1 {
					t.Errorf("problems: %v, want one of entry %d", problems, f.w.Last+1)
				}
				if !reflect.DeepEqual(shown(f.r)["entries"], before) {
					t.Error("the entries are others")
				}
			}
			finish()
			f.refresh()
			f.check(nil)
			f.refreshUntilUnchanged()
			f.check(nil)
		}))
	}
}

// TestRefreshDirectoryGone: the reader goes on as it is, and sees what is new
// when the directory is back.
func TestRefreshDirectoryGone(t *testing.T) {
	f := follow(t, raftdir.Options{Slots: 80})
	f.refreshUntilUnchanged()
	before := shown(f.r)
	fixture.Must(t, os.Rename(f.w.Dir(), f.w.Dir()+".away"))
	f.w.Append(5)
	for range 3 {
		if r, err := f.r.refresh(); r != nil || !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("got a reader (%t), %v, want %v", r != nil, err, fs.ErrNotExist)
		}
		if !reflect.DeepEqual(shown(f.r), before) {
			t.Error("it shows something else")
		}
	}
	fixture.Must(t, os.Rename(f.w.Dir()+".away", f.w.Dir()))
	f.refresh()
	f.check(nil)
}

// TestRefreshMetaReplaced: our own writer renames a new wal.meta over the old
// one. The new one is followed from then on.
func TestRefreshMetaReplaced(t *testing.T) {
	f := follow(t, raftdir.Options{Slots: 80})
	f.refreshUntilUnchanged()
	name := filepath.Join(f.w.Dir(), format.MetaName)
	data := fixture.ReadFile(t, name)
	checkpoint := func(n uint64) []byte {
		data := slices.Clone(data)
		binary.BigEndian.PutUint64(data[16:], n)
		return data
	}
	want := func(n uint64) {
		t.Helper()
		f.refresh()
		if got := *f.r.meta.CheckpointIndex; got != n {
			t.Errorf("checkpoint %d, want %d", got, n)
		}
		f.check(nil)
	}
	for _, n := range []uint64{1000, 2000} {
		fixture.WriteFile(t, name+".new", checkpoint(n))
		fixture.Must(t, os.Rename(name+".new", name))
		want(n)
		f.refreshUntilUnchanged()
		fixture.WriteFile(t, name, checkpoint(n+1)) // in place
		want(n + 1)
	}
}

// TestWatchSeesAppends: what is written between two looks is there at the next.
func TestWatchSeesAppends(t *testing.T) {
	f := follow(t, raftdir.Options{Slots: 80})
	f.refreshUntilUnchanged()
	last, looks := f.w.Last, 0
	for r, err := range walcore.Watch(t.Context(), f.r) {
		fixture.Must(t, err)
		f.r = r.(*Reader)
		if got, _ := r.LastIndex(); got != last {
			t.Fatalf("look %d: the last entry is %d, want %d", looks, got, last)
		}
		if looks++; looks == 6 {
			break
		}
		f.w.Append(30) // into new files, too
		last = f.w.Last
	}
}

// TestSnapshotHalfStored: the first look falls into the moment in which a node stores a
// snapshot. Then the node does nothing more.
func TestSnapshotHalfStored(t *testing.T) {
	withTestClock(snapshotHalfStored)(t)
}

func snapshotHalfStored(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "w")
	w := raftdir.Create(dir, raftdir.Options{Slots: 30})
	w.Append(60)
	w.CommitTo(60)
	w.Snapshot(50)
	w.Close()
	const at = 1040 + 4 // behind the snapshot's length
	f := fixture.Edit(t, filepath.Join(dir, "wal.meta"))
	whole := f.Read(at, 8)
	f.Write(at, make([]byte, 8))
	r, err := OpenReader(dir, ReaderOptions{})
	fixture.Must(t, err)
	defer r.Close()
	if !r.meta.SnapshotDamaged() {
		t.Fatal("the snapshot is not damaged")
	}
	for range 3 { // until it is taken as it is
		time.Sleep(2 * settlingTime)
		r, err = r.refresh()
		fixture.Must(t, err)
	}
	f.Write(at, whole)
	next, err := r.Refresh()
	fixture.Must(t, err)
	if s := next.Meta().Snapshot; s == nil || s.Index != 50 || len(next.Problems()) > 0 {
		t.Errorf("snapshot %+v, problems %v", s, next.Problems())
	}
}
