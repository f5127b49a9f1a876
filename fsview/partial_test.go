//go:build unix

package fsview

import (
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/raftdir"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/status"
)

// manyFiles writes a log of 40 log files with four entries each.
func manyFiles(t *testing.T) (dir string) {
	dir = filepath.Join(t.TempDir(), "w")
	w := raftdir.Create(dir, raftdir.Options{Slots: 4})
	w.Append(160)
	w.CommitTo(160)
	w.Close()
	return dir
}

func openLazily(t *testing.T, dir string) *dgraph.Reader {
	r, err := dgraph.OpenReader(dir, dgraph.ReaderOptions{Lazy: true})
	fixture.Must(t, err)
	t.Cleanup(func() { r.Close() })
	return r
}

// TestStatusOfAPartialLog: what is not known is null. When all files were looked at, the next tree says
// what one says that has read all from the beginning, and a cache of the text is told.
func TestStatusOfAPartialLog(t *testing.T) {
	dir := manyFiles(t)
	r := openLazily(t, dir)
	tree := New(r, nil)
	s := statusOf(t, tree)
	if s.Checked != status.CheckedEnds || s.Bytes != nil || s.Types != nil || s.Entries != 160 || *s.LastIndex != 160 || len(s.Files) != 40 || len(s.Problems) > 0 {
		t.Errorf("%+v", s)
	}
	for r.CheckNext() {
	}
	next, err := r.Refresh()
	fixture.Must(t, err)
	eager, err := dgraph.OpenReader(dir, dgraph.ReaderOptions{})
	fixture.Must(t, err)
	defer eager.Close()
	got, err := status.New(next).JSON()
	fixture.Must(t, err)
	want, err := status.New(eager).JSON()
	fixture.Must(t, err)
	if string(got) != string(want) {
		t.Errorf("got %s, want %s", got, want)
	}
	told := false
	for c := range Changes(tree, tree.next(next, nil)) {
		told = told || c.Folder == Root && c.Name == "status.json"
		if c.Index > 0 {
			t.Errorf("entry %d is the same", c.Index)
		}
		if c.Name == "" && c.Folder != Root && c.Folder != node(kindFolder, folderReplaced) && c.Folder != 0 {
			t.Errorf("the list of folder %#x is the same", uint64(c.Folder))
		}
	}
	if !told {
		t.Error("status.json says something else, and nobody is told")
	}
}

// TestChangesOfAFailedPresumption: names that were given, and that the log does not have once all was read, are
// among the changes.
func TestChangesOfAFailedPresumption(t *testing.T) {
	dir := manyFiles(t)
	// Two slots of the fifth file hold indexes of the fourth in another term: neither is an entry.
	from, to := fixture.Edit(t, filepath.Join(dir, "00004.wal")), fixture.Edit(t, filepath.Join(dir, "00005.wal"))
	to.Write(32, from.Read(32, 64))
	to.Set(1, fixture.Term, 2)
	to.Set(2, fixture.Term, 2)
	tree := New(openLazily(t, dir), nil)
	names := func(tree *Tree) map[string]bool {
		all := map[string]bool{}
		fixture.Must(t, tree.List(node(kindFolder, folderEntries), 0, func(d Dirent) bool {
			all[d.Name] = true
			return true
		}))
		return all
	}
	if _, err := tree.Lookup(node(kindFolder, folderEntries), "15"); err != nil {
		t.Fatal(err)
	}
	given := names(tree)
	next, err := tree.log.(*dgraph.Reader).Refresh()
	fixture.Must(t, err)
	after := tree.next(next, nil)
	left := names(after)
	changed := map[string]bool{}
	for c := range Changes(tree, after) {
		changed[c.Name] = true
	}
	gone := 0
	for name := range given {
		if !left[name] {
			if gone++; !changed[name] {
				t.Errorf("%s is gone, and nobody is told", name)
			}
		}
	}
	if s := statusOf(t, after); s.Checked != status.CheckedSlots || len(s.Problems) == 0 || gone == 0 {
		t.Errorf("%d are gone; %+v", gone, s.Problems)
	}
}
