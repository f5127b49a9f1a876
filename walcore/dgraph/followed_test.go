//go:build unix

package dgraph

import (
	"bytes"
	"fmt"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/walfs/walfs/test/fixture"

	"github.com/walfs/walfs/test/raftdir"
	"github.com/walfs/walfs/walcore"
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

// refreshUntilUnchanged takes looks until there is nothing new.
func (f *followed) refreshUntilUnchanged() {
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
		case f.w.TermOf(e.Index) == e.Term && findNative(f.r.native, e.File.Name) != nil && findNative(f.r.native, e.File.Name).f == fileOf(e.File):
			f.t.Fatalf("before, entry %d, which is still there: %v", e.Index, err)
		}
	}
}

// fileOf is the open file that a log file is read from.
func fileOf(f *walcore.File) file {
	if lazy, ok := f.Source.(*lazyFile); ok {
		return lazy.f
	}
	return f.Source.(*LogFile).f
}
