package dgraph

import (
	"bytes"
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

// followed is a directory that is being written, and the newest reader of it.
type followed struct {
	t *testing.T
	w *raftdir.Writer
	r *Reader
	o raftdir.Options
}

func follow(t *testing.T, o raftdir.Options) *followed {
	t.Helper()
	f := &followed{t: t, o: o, w: raftdir.Create(filepath.Join(t.TempDir(), "w"), o)}
	t.Cleanup(f.w.Close)
	f.w.Append(185)
	f.w.Rewind(185)
	f.w.Append(10)
	f.w.CommitTo(100)
	f.r = f.open()
	t.Cleanup(func() { f.r.Close() })
	return f
}

func (f *followed) open() *Reader {
	f.t.Helper()
	r, err := OpenReader(f.w.Dir(), ReaderOptions{Key: f.o.Key})
	fixture.Must(f.t, err)
	return r
}

// refresh takes one look.
func (f *followed) refresh() {
	f.t.Helper()
	next, err := f.r.refresh()
	fixture.Must(f.t, err)
	f.r = next
}

// settle takes looks until there is nothing new.
func (f *followed) settle() {
	f.t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		before := f.r
		if f.refresh(); f.r == before {
			return
		}
		if time.Now().After(end) {
			f.t.Fatal("each look finds something new")
		}
	}
}

// shown is all that a reader tells but its payloads.
func shown(r *Reader) map[string]any {
	all := map[string]any{"ignored": r.ignored, "problems": r.Problems(), "terms": r.Terms(), "count": walcore.Count(r),
		"hard state": fmt.Sprint(r.meta.HardState), "snapshot": fmt.Sprint(r.meta.Snapshot), "checkpoint": *r.meta.CheckpointIndex}
	var native []string
	for _, n := range r.Native() {
		native = append(native, fmt.Sprint(n.Name, n.Attr.Size))
	}
	all["native"] = native
	first, _ := r.FirstIndex()
	last, _ := r.LastIndex()
	all["bounds"] = [2]uint64{first, last}
	var entries []walcore.Entry
	for e := range r.Entries(0) {
		e.File = &walcore.File{Name: e.File.Name}
		entries = append(entries, e)
	}
	all["entries"] = entries
	return all
}

// check compares the newest reader with a new one, and the payloads of both
// readers with what was written: those of the one before are old, or not to be
// had.
func (f *followed) check(before *Reader) {
	f.t.Helper()
	fresh := f.open()
	defer fresh.Close()
	got, want := shown(f.r), shown(fresh)
	for what := range want {
		if !reflect.DeepEqual(got[what], want[what]) {
			f.t.Errorf("%s: got %.300v, want %.300v", what, got[what], want[what])
		}
	}
	next := f.w.First
	for e := range f.r.Entries(0) {
		data, err := e.Data()
		if e.Index != next || e.Term != f.w.TermOf(e.Index) || err != nil || !bytes.Equal(data, raftdir.Payload(e.Index, e.Term)) {
			f.t.Fatalf("entry %d, term %d: %v; want entry %d, term %d", e.Index, e.Term, err, next, f.w.TermOf(next))
		}
		next++
	}
	if next != f.w.Last+1 {
		f.t.Errorf("the log ends before %d, the writer's at %d", next, f.w.Last)
	}
	if before == nil {
		return
	}
	for e := range before.Entries(0) {
		data, err := e.Data()
		switch {
		case err == nil && bytes.Equal(data, raftdir.Payload(e.Index, e.Term)):
		case err == nil:
			f.t.Fatalf("before, entry %d, term %d: other bytes", e.Index, e.Term)
		case f.w.TermOf(e.Index) == e.Term && findNative(f.r.native, e.File.Name) != nil && findNative(f.r.native, e.File.Name).f == e.File.Source.(*LogFile).f:
			f.t.Fatalf("before, entry %d, which is still there: %v", e.Index, err)
		}
	}
}

func TestRefresh(t *testing.T) {
	for name, key := range map[string][]byte{"plain": nil, "sealed": []byte("0123456789abcdef")} {
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
				f.settle()
				f.check(nil)
				before := f.r
				test.change(f.w)
				f.refresh()
				if f.r == before {
					t.Error("one look sees nothing new")
				}
				f.check(before)
				f.settle()
				f.check(nil)
			})
		}
	}
}

// TestRefreshSharesFiles: a look opens nothing that is open already, and a
// file that is gone is closed.
func TestRefreshSharesFiles(t *testing.T) {
	f := follow(t, raftdir.Options{Slots: 80})
	f.settle()
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
	for seed := range uint64(8) {
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
	f.settle()
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
			f.settle()
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
			f.settle()
			f.check(nil)
		}))
	}
}

// TestRefreshDirectoryGone: the reader goes on as it is, and sees what is new
// when the directory is back.
func TestRefreshDirectoryGone(t *testing.T) {
	f := follow(t, raftdir.Options{Slots: 80})
	f.settle()
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
	f.settle()
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
		f.settle()
		fixture.WriteFile(t, name, checkpoint(n+1)) // in place
		want(n + 1)
	}
}

// TestWatchSeesAppends: what is written between two looks is there at the next.
func TestWatchSeesAppends(t *testing.T) {
	f := follow(t, raftdir.Options{Slots: 80})
	f.settle()
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
