package fsview

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/walfs/walfs/test/memlog"
	"github.com/walfs/walfs/walcore"
)

// describe prints a tree: every path with its time, links and what it holds. Of README and
// status.json it prints the name.
func describe(t *testing.T, tree *Tree) string {
	t.Helper()
	var b strings.Builder
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil || d.IsDir() {
			fmt.Fprintf(&b, "%s/\n", name)
			return err
		}
		fmt.Fprintf(&b, "%s", name)
		data, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		switch {
		case name == "README" || name == "status.json":
		case info.Sys().(*Attr).Links > 1 || strings.HasPrefix(name, "replaced/"):
			fmt.Fprintf(&b, " %s x%d %q", info.ModTime().UTC().Format("2006-01-02T15:04:05.000000000"), info.Sys().(*Attr).Links, data)
		default:
			fmt.Fprintf(&b, " %q", data)
		}
		b.WriteByte('\n')
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestAnySystem: a tree shows all of a log of another system, which has other habits.
func TestAnySystem(t *testing.T) {
	tree := New(memlog.Sample("/var/lib/memory"), nil)
	want, err := os.ReadFile("testdata/any_system.txt")
	if err != nil {
		t.Fatal(err)
	}
	if got := describe(t, tree); got != string(want) {
		t.Errorf("the tree is\n%s\nwant\n%s", got, want)
	}
	if err := fstest.TestFS(tree, "types/log_barrier/00000000000000000008", "replaced/00000000000000000009-00000000000000000001",
		"terms/00000000000000000005/00000000000000000012", "meta/last_index"); err != nil {
		t.Error(err)
	}
	checkTree(t, tree)
}

// TestWhatASystemLacks: what a system does not keep does not exist, and what is damaged
// gives another error.
func TestWhatASystemLacks(t *testing.T) {
	tree := New(memlog.Sample("/var/lib/memory"), nil)
	for name, want := range map[string]error{
		"meta/hard_state":      fs.ErrNotExist,
		"meta/raft_id":         fs.ErrNotExist,
		"entries/6":            fs.ErrNotExist,
		"replaced/9-2":         fs.ErrNotExist,
		"replaced/8-1":         fs.ErrNotExist,
		"entries/10":           walcore.ErrDamaged,
		"decoded/10.json":      walcore.ErrDamaged,
		"snapshots/latest":     fs.ErrNotExist,
		"native/00001.wal":     fs.ErrNotExist,
		"types/conf_change/12": fs.ErrNotExist,
	} {
		if _, err := fs.Stat(tree, name); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
}

// TestNumbersWithoutNode: entries and terms beyond what a node has room for are not listed,
// and a look-up gives an error: it never leads to another entry's file, whose index or term
// has the same lower bits.
func TestNumbersWithoutNode(t *testing.T) {
	const beyond, twoTo59 = maxNumber + 1, 1 << argBits
	one := func(term, index uint64) memlog.Entry {
		return memlog.Entry{Term: term, Index: index, Data: fmt.Sprint(term, index), File: "a"}
	}
	replaced := func(e memlog.Entry) memlog.Entry {
		e.Replaced = true
		return e
	}
	tree := New(memlog.New("/var/lib/memory", []memlog.Entry{
		one(1, 7), replaced(one(2, 7)), one(3, 9), one(beyond+1, maxNumber), one(beyond+1, beyond+7),
		one(beyond+3, beyond+8), one(twoTo59+1, beyond+9), replaced(one(2, beyond+7)),
	}), nil)
	for folder, want := range map[string][]uint64{
		"entries": {7, 9}, "types/normal": {7, 9}, "files/a": {7, 9}, "decoded": {7, 9},
		"terms": {1, 3}, "terms/3": {9}, "replaced": {7},
	} {
		list, err := fs.ReadDir(tree, folder)
		if err != nil || len(list) != len(want) {
			t.Errorf("%s lists %v, %v, want %d names", folder, list, err, len(want))
			continue
		}
		for i, e := range list {
			if !strings.HasPrefix(e.Name(), numberName(want[i])) {
				t.Errorf("%s lists %v, want %d", folder, e.Name(), want[i])
			}
			if _, err := fs.Stat(tree, folder+"/"+e.Name()); err != nil {
				t.Error(err)
			}
		}
	}
	for _, folder := range []string{"entries", "types/normal", "files/a", "terms/3", "decoded"} {
		suffix := ""
		if folder == "decoded" {
			suffix = decodedSuffix
		}
		wantError(t, tree, fmt.Sprintf("%s/%d%s", folder, uint64(maxNumber), suffix), walcore.ErrDamaged)
		for index := uint64(beyond + 7); index <= beyond+9; index++ {
			wantError(t, tree, fmt.Sprintf("%s/%d%s", folder, index, suffix), walcore.ErrDamaged)
		}
		if _, err := fs.Stat(tree, fmt.Sprintf("%s/%d%s", folder, uint64(twoTo59+7), suffix)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: an index that the log does not have: %v", folder, err)
		}
	}
	wantError(t, tree, fmt.Sprint("terms/", uint64(beyond+1)), walcore.ErrDamaged)
	wantError(t, tree, fmt.Sprint("terms/", uint64(twoTo59+1)), walcore.ErrDamaged)
	wantError(t, tree, "replaced/"+pairName(beyond+7, 2), walcore.ErrDamaged)
}

// TestLogFileWithoutNode: the same of a log file's id.
func TestLogFileWithoutNode(t *testing.T) {
	log := memlog.Sample("/var/lib/memory")
	files := log.Files()
	files[1].ID = files[0].ID + 1<<argBits
	tree := New(log, nil)
	list, err := fs.ReadDir(tree, "files")
	if err != nil || len(list) != 1 || list[0].Name() != files[0].Name {
		t.Errorf("files/ lists %v, %v", list, err)
	}
	if got, err := fs.ReadFile(tree, "files/"+files[0].Name+"/7"); err != nil || string(got) != "the first" {
		t.Errorf("an entry of the other file: %q, %v", got, err)
	}
	wantError(t, tree, "files/"+files[1].Name, walcore.ErrDamaged)
}

// TestNoSnapshotKept: a snapshot of a system that keeps none does not exist, and is not
// damaged.
func TestNoSnapshotKept(t *testing.T) {
	log := memlog.Sample("/var/lib/memory")
	log.Meta().Snapshot = nil
	tree := New(log, nil)
	for _, name := range []string{"snapshots/latest", "snapshots/" + pairName(1, 2), "meta/conf_state"} {
		if _, err := fs.Stat(tree, name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v, want that it does not exist", name, err)
		}
	}
}
