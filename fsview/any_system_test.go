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

// describe prints a tree: every path with its time, links and what it holds, the
// README and status.json but by name.
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

// TestAnyLog shows a log that is not Dgraph's and has other habits, all of it.
func TestAnyLog(t *testing.T) {
	tree := New(memlog.Sample("/var/lib/memory"), nil)
	want, err := os.ReadFile("testdata/anylog.txt")
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

// TestWhatAnyLogLacks: what a system does not keep is not there, and what is
// damaged is an error of its own.
func TestWhatAnyLogLacks(t *testing.T) {
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
