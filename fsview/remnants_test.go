package fsview

import (
	"errors"
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/walfs/walfs/test/memlog"
)

// TestRemnants: payloads without an entry stand behind the entries in replaced/, and
// nowhere else.
func TestRemnants(t *testing.T) {
	tree := New(memlog.New("/var/lib/memory", []memlog.Entry{
		{Term: 1, Index: 7, Data: "the first", File: "00001.wal"},
		{Term: 1, Index: 8, Data: "replaced", File: "00001.wal", Replaced: true},
		{Data: "only its bytes are left", File: "00001.wal", Remnant: true},
		{Data: "and another's", File: "00001.wal", Remnant: true},
		{Term: 2, Index: 8, Data: "the second", File: "00001.wal"},
	}), nil)
	const first, second = "00001.wal-00000000000000000017", "00001.wal-00000000000000000040"
	if err := fstest.TestFS(tree, "replaced/"+first, "replaced/"+second, "replaced/"+pairName(8, 1)); err != nil {
		t.Error(err)
	}
	list, err := fs.ReadDir(tree, "replaced")
	if err != nil || len(list) != 3 || list[1].Name() != first || list[2].Name() != second {
		t.Errorf("%v, %v", list, err)
	}
	for name, want := range map[string]string{first: "only its bytes are left", "00001.wal-40": "and another's"} {
		if got, err := fs.ReadFile(tree, "replaced/"+name); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for _, name := range []string{"00001.wal-16", "00002.wal-17", "00001.wal-", "00001.wal", "-17", "00001.wal--17"} {
		if _, err := fs.Stat(tree, "replaced/"+name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
	folder, _ := tree.Lookup(Root, "replaced")
	for name, short := range map[string]bool{first: false, "00001.wal-17": true} {
		if n, err := tree.Lookup(folder, name); err != nil || IsShortName(n, name) != short {
			t.Errorf("%s: %v, short %v", name, err, !short)
		}
	}
	checkTree(t, tree)
	changes := map[string]bool{}
	for c := range Changes(tree, tree) {
		if c.Folder == folder {
			changes[c.Name] = true
		}
	}
	if !changes[first] || !changes[second] || !changes[pairName(8, 1)] || !changes[""] {
		t.Errorf("changes in replaced/: %v", changes)
	}
}
