package fsview

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
	"github.com/walfs/walfs/walcore/status"
)

// damaged opens the tree of a fixture that edit has damaged.
func damaged(t *testing.T, name string, edit func(log fixture.File, dir string)) *Tree {
	t.Helper()
	dir := fixture.Dir(t, name)
	edit(fixture.Edit(t, filepath.Join(dir, "00001.wal")), dir)
	tree := openDir(t, dir, fixture.Key(name))
	checkTree(t, tree)
	return tree
}

// wantError reads a path, and wants an error that is not fs.ErrNotExist.
func wantError(t *testing.T, tree *Tree, path string, want error) {
	t.Helper()
	_, err := fs.ReadFile(tree, path)
	if !errors.Is(err, want) || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s: got %v, want %v", path, err, want)
	}
}

func has(t *testing.T, tree *Tree, folder, name string) bool {
	t.Helper()
	list, err := fs.ReadDir(tree, folder)
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(list, func(e fs.DirEntry) bool { return e.Name() == name })
}

func statusOf(t *testing.T, tree *Tree) (s status.Status) {
	t.Helper()
	b, err := fs.ReadFile(tree, "status.json")
	if err == nil {
		err = json.Unmarshal(b, &s)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestDamagedEntry: a damaged entry is listed nowhere, and every path to it gives an error.
func TestDamagedEntry(t *testing.T) {
	for _, test := range []struct {
		name string
		edit func(log fixture.File, dir string)
		want walcore.Problem
	}{
		{"length", func(log fixture.File, _ string) { log.SetLength(100, 1<<32-1) },
			walcore.Problem{File: "00001.wal", Slot: 100, Offset: 1065142, Index: 101, Kind: walcore.KindLength}},
		{"offset", func(log fixture.File, _ string) { log.Set(100, fixture.Offset, 8) },
			walcore.Problem{File: "00001.wal", Slot: 100, Offset: 8, Index: 101, Kind: walcore.KindOffset}},
		{"index", func(log fixture.File, _ string) { log.Set(100, fixture.Index, 5) },
			walcore.Problem{File: "00001.wal", Slot: 100, Offset: 1065142, Index: 5, Kind: walcore.KindOrder}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			tree := damaged(t, "alpha", test.edit)
			const name = "00000000000000000101"
			for _, folder := range []string{"entries", "terms/2", "terms/00000000000000000002", "types/normal", "files/00001.wal"} {
				if has(t, tree, folder, name) {
					t.Errorf("%s lists the damaged entry", folder)
				}
				wantError(t, tree, folder+"/"+name, walcore.ErrDamaged)
				wantError(t, tree, folder+"/101", walcore.ErrDamaged)
				if !has(t, tree, folder, "00000000000000000102") {
					t.Errorf("%s does not list the entry behind", folder)
				}
			}
			s := statusOf(t, tree)
			if s.Entries != 974 || len(s.Problems) == 0 || !strings.Contains(s.Problems[0].Message, " ") {
				t.Fatalf("status: %d entries, problems %v", s.Entries, s.Problems)
			}
			got := s.Problems[0]
			got.Message = ""
			if got != test.want {
				t.Errorf("problem: got %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestUnknownTypeIsNotUnderTypes(t *testing.T) {
	tree := damaged(t, "alpha", func(log fixture.File, _ string) { log.Set(100, fixture.Type, 7) })
	info, err := fs.Stat(tree, "entries/101")
	if err != nil || info.Sys().(*Attr).Links != 3 {
		t.Errorf("got %v, %v, want 3 links", info, err)
	}
	for _, name := range walcore.RaftTypes {
		if _, err := fs.Stat(tree, "types/"+name.Name+"/101"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("types/%s: got %v", name.Name, err)
		}
	}
	if s := statusOf(t, tree); s.Entries != 975 || s.Types[0].Entries != 973 || s.Types[1].Entries != 1 {
		t.Errorf("status: %d entries, %+v", s.Entries, s.Types)
	}
}

// TestMetaUnreadable: values that cannot be read are not listed, and a look-up does not say
// that they do not exist.
func TestMetaUnreadable(t *testing.T) {
	all := []string{"raft_id", "group_id", "checkpoint_index", "snapshot_index", "snapshot_term", "first_index",
		"hard_state/term", "hard_state/vote", "hard_state/commit",
		"conf_state/voters", "conf_state/learners", "conf_state/voters_outgoing", "conf_state/learners_next", "conf_state/auto_leave"}
	for _, test := range []struct {
		name  string
		edit  func(log fixture.File, dir string)
		known []string
	}{
		{"missing", func(_ fixture.File, dir string) { os.Remove(filepath.Join(dir, "wal.meta")) }, nil},
		{"0 bytes", func(_ fixture.File, dir string) { os.Truncate(filepath.Join(dir, "wal.meta"), 0) }, nil},
		{"100 bytes", func(_ fixture.File, dir string) { os.Truncate(filepath.Join(dir, "wal.meta"), 100) }, all[:3]},
		{"1,043 bytes", func(_ fixture.File, dir string) { os.Truncate(filepath.Join(dir, "wal.meta"), 1043) }, all[:9]},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			tree := damaged(t, "bigsnap", test.edit)
			for _, name := range all {
				path := "meta/" + name
				if !slices.Contains(test.known, name) {
					wantError(t, tree, path, walcore.ErrDamaged)
				} else if b, err := fs.ReadFile(tree, path); err != nil || !strings.HasSuffix(string(b), "\n") {
					t.Errorf("%s: %q, %v", path, b, err)
				}
			}
			if b, err := fs.ReadFile(tree, "meta/last_index"); err != nil || string(b) != "50\n" {
				t.Errorf("last_index: %q, %v", b, err)
			}
			s := statusOf(t, tree)
			if s.Entries != 50 || s.Snapshot != nil || (s.HardState == nil) == slices.Contains(test.known, "hard_state/term") || len(s.Problems) == 0 {
				t.Errorf("status: %+v", s)
			}
		})
	}
}

// TestSnapshotUnreadable: a look-up of a snapshot that cannot be read does not say that there
// is none.
func TestSnapshotUnreadable(t *testing.T) {
	const name = "00000000000000000001-00000000000000000020" // any, where wal.meta does not tell
	for _, test := range []struct {
		name string
		edit func(log fixture.File, dir string)
	}{
		{"wal.meta is missing", func(_ fixture.File, dir string) { os.Remove(filepath.Join(dir, "wal.meta")) }},
		{"cut before the snapshot's index", func(_ fixture.File, dir string) { os.Truncate(filepath.Join(dir, "wal.meta"), 1030) }},
		{"cut in its length", func(_ fixture.File, dir string) { os.Truncate(filepath.Join(dir, "wal.meta"), 1043) }},
		{"a length beyond the file", func(log fixture.File, dir string) {
			fixture.Edit(t, filepath.Join(dir, "wal.meta")).Write(1040, []byte{0xff, 0xff, 0xff, 0xff})
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			tree := damaged(t, "bigsnap", test.edit)
			for _, path := range []string{"latest", "latest/data", name, name + "/data"} {
				wantError(t, tree, "snapshots/"+path, walcore.ErrDamaged)
			}
			for _, path := range []string{"other", "1-20", "00000000000000000001"} {
				if _, err := fs.Stat(tree, "snapshots/"+path); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("snapshots/%s: got %v", path, err)
				}
			}
			if list, err := fs.ReadDir(tree, "snapshots"); err != nil || len(list) > 0 {
				t.Errorf("snapshots has %v, %v", list, err)
			}
		})
	}
}

// TestUnreadableLogFile: a log file is cut to nothing. No path says of what was in it that it
// does not exist.
func TestUnreadableLogFile(t *testing.T) {
	tree := damaged(t, "alpha", func(log fixture.File, _ string) { log.Truncate(0) })
	for _, path := range []string{"entries/4", "decoded/4.json", "terms/2/4", "terms/9", "types/normal/4", "files/00001.wal/4",
		"meta/first_index", "meta/last_index", "meta/members"} {
		wantError(t, tree, path, walcore.ErrDamaged)
	}
	for _, path := range []string{"entries/0", "entries/x", "terms/x", "files/00002.wal", "native/00002.wal"} {
		if _, err := fs.Stat(tree, path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: got %v", path, err)
		}
	}
	if s := statusOf(t, tree); s.FirstIndex != nil || s.LastIndex != nil || len(s.Problems) != 1 || s.Problems[0].Kind != walcore.KindCut {
		t.Errorf("status: %+v", s)
	}
}

func TestEncryptedEntriesAreListed(t *testing.T) {
	tree := damaged(t, "sealed128", func(log fixture.File, _ string) {
		log.Write(format.SlotTableSize, make([]byte, format.PayloadAt-format.SlotTableSize))
	})
	for _, path := range []string{"entries/7", "terms/1/7", "types/normal/7", "files/00001.wal/7"} {
		wantError(t, tree, path, walcore.ErrDataKey)
	}
	if s := statusOf(t, tree); s.Entries != 650 || s.Files[0].Encrypted || s.Problems[0].Kind != walcore.KindKeyErased {
		t.Errorf("status: %+v", s)
	}
}

// TestChangedUnderneath: what is no longer on disk gives an error, and all else is as it was.
func TestChangedUnderneath(t *testing.T) {
	dir := ""
	tree := damaged(t, "bigsnap", func(_ fixture.File, d string) { dir = d })
	if err := os.Truncate(filepath.Join(dir, "00001.wal"), 0); err != nil {
		t.Fatal(err)
	}
	wantError(t, tree, "entries/7", walcore.ErrChanged)
	if _, err := tree.Open("native/00001.wal"); err != nil {
		t.Error(err)
	}
	name, err := fs.ReadDir(tree, "snapshots")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fs.ReadFile(tree, "snapshots/"+name[0].Name()+"/data"); err != nil {
		t.Errorf("the snapshot: %v", err)
	}
	// Dgraph announces a new snapshot before it writes it over the old one.
	fixture.Edit(t, filepath.Join(dir, "wal.meta")).Write(1024, []byte{0, 0, 0, 0, 0, 0, 0, 21})
	for _, part := range []string{"data", "snapshot.pb"} {
		wantError(t, tree, "snapshots/latest/"+part, walcore.ErrChanged)
	}
	if b, err := fs.ReadFile(tree, "meta/snapshot_index"); err != nil || string(b) != "20\n" {
		t.Errorf("snapshot_index: %q, %v", b, err)
	}
}
