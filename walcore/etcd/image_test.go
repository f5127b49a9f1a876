package etcd

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/bolt"
)

// TestImageIsTheFiles: what an image has is what the files begin with.
func TestImageIsTheFiles(t *testing.T) {
	for _, name := range fixture.Etcd() {
		dir := fixture.Dir(t, name)
		files, err := open(t, dir).Image()
		fixture.Must(t, err)
		for _, f := range files {
			got, err := io.ReadAll(io.NewSectionReader(f, 0, 1<<40))
			fixture.Must(t, err)
			want := fixture.ReadFile(t, filepath.Join(dir, f.Name))
			if int64(len(got)) != f.Attr.Size || string(got) != string(want[:len(got)]) || strings.HasSuffix(f.Name, ".tmp") {
				t.Errorf("%s: %s has other bytes", name, f.Name)
			}
		}
		if len(files) == 0 {
			t.Error("no files")
		}
	}
}

// numbers8 are the items of etcd's bucket meta.
type numbers8 map[string]uint64

var names8 = []string{"consistent_index", "term"}

func (n numbers8) Len() int            { return len(names8) }
func (n numbers8) Key(i int) []byte    { return []byte(names8[i]) }
func (n numbers8) ValueSize(i int) int { return 8 }
func (n numbers8) Value(i int) ([]byte, error) {
	return binary.BigEndian.AppendUint64(nil, n[names8[i]]), nil
}

// applying makes dir have a database that has applied the log up to an entry.
func applying(t *testing.T, dir string, index, term uint64) {
	t.Helper()
	b, err := io.ReadAll(io.NewSectionReader(bolt.Build(4096, []bolt.Bucket{{Name: "meta", Items: numbers8{"consistent_index": index, "term": term}}}), 0, 1<<20))
	fixture.Must(t, err)
	fixture.WriteFile(t, filepath.Join(dir, "member/snap/db"), b)
}

// TestImageAgreesWithDatabase: there is an image only if the log has the entry that the
// database has applied last.
func TestImageAgreesWithDatabase(t *testing.T) {
	dir := fixture.Dir(t, "etcd-small") // entries 1 to 79, all of term 2 but for the first
	for _, test := range []struct {
		index, term uint64
		says        string
	}{
		{79, 2, ""},
		{40, 2, ""},
		{79, 0, ""},
		{0, 0, ""},
		{80, 2, "the log ends with entry 79"},
		{79, 3, "of term 3, which is of term 2"},
	} {
		applying(t, dir, test.index, test.term)
		r := open(t, dir)
		_, err := r.Image()
		if test.says == "" && err != nil || test.says != "" && (!errors.Is(err, walcore.ErrDamaged) || !strings.Contains(err.Error(), test.says)) {
			t.Errorf("entry %d of term %d: %v, want %q", test.index, test.term, err, test.says)
		}
		if err := r.CheckDatabase(); err != nil {
			t.Error(err)
		}
	}
}

// TestNoImage: what an etcd would not start on has no image, and the error says what is wrong.
func TestNoImage(t *testing.T) {
	small, rewritten := fixture.Dir(t, "etcd-small"), fixture.Dir(t, "etcd-rewritten")
	first := filepath.Join(rewritten, "member/wal/0000000000000000-0000000000000000.wal")
	fixture.Must(t, os.Remove(first))
	fixture.Edit(t, filepath.Join(small, "member/snap/db")).Write(0, make([]byte, 1<<13))
	for dir, says := range map[string]string{rewritten: "entry 1 is not in the log", small: "member/snap/db"} {
		_, err := open(t, dir).Image()
		if !errors.Is(err, walcore.ErrDamaged) || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "add it again") {
			t.Errorf("%v, want %q", err, says)
		}
	}
}

// TestImageStaysWhenLogGrows: a segment's image ends where its records ended.
func TestImageStaysWhenLogGrows(t *testing.T) {
	dir := fixture.Dir(t, "etcd-rewritten")
	last := filepath.Join(dir, "member/wal/0000000000000005-0000000000000269.wal")
	r := open(t, dir)
	files, err := r.Image()
	fixture.Must(t, err)
	f := files[len(files)-1]
	want := fixture.ReadFile(t, last)[:f.Attr.Size]
	fixture.Edit(t, last).Write(f.Attr.Size, []byte("more"))
	got, err := io.ReadAll(io.NewSectionReader(f, 0, 1<<40))
	if err != nil || string(got) != string(want) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	fixture.Must(t, os.Truncate(last, f.Attr.Size-1))
	if _, err := f.ReadAt(make([]byte, f.Attr.Size), 0); !errors.Is(err, walcore.ErrChanged) {
		t.Errorf("a segment that was cut: %v", err)
	}
}

// TestStrayFiles: a file with a segment's name among the snapshots, and one with the database's
// among the segments, are no part of an image.
func TestStrayFiles(t *testing.T) {
	dir := fixture.Dir(t, "etcd-small")
	want, err := open(t, dir).Image()
	fixture.Must(t, err)
	fixture.WriteFile(t, filepath.Join(dir, "member/snap/0000000000000000-0000000000000000.wal"), []byte("x"))
	fixture.WriteFile(t, filepath.Join(dir, "member/wal/db"), []byte("x"))
	fixture.WriteFile(t, filepath.Join(dir, "member/wal/0000000000000002-0000000000000007.snap"), []byte("x"))
	got, err := open(t, dir).Image()
	fixture.Must(t, err)
	if len(got) != len(want) {
		t.Errorf("%d files, want %d", len(got), len(want))
	}
	for i := range min(len(got), len(want)) {
		if got[i].Name != want[i].Name || got[i].Attr.Size != want[i].Attr.Size {
			t.Errorf("%s of %d bytes, want %s of %d", got[i].Name, got[i].Attr.Size, want[i].Name, want[i].Attr.Size)
		}
	}
}

// TestCutWhileOpen: a segment that is cut under a reader makes no later one panic, and no
// entry is read from what is not there.
func TestCutWhileOpen(t *testing.T) {
	dir := fixture.Dir(t, "etcd-small")
	r := open(t, dir)
	segment := filepath.Join(dir, "member/wal/0000000000000000-0000000000000000.wal")
	fixture.Must(t, os.Truncate(segment, 100))
	next, err := r.Refresh()
	if err == nil {
		for e := range next.Entries(0) {
			if _, err := e.Data(); err == nil && e.Size > 0 {
				t.Errorf("entry %d is read from a file of 100 bytes", e.Index)
			}
		}
	}
}

// TestDatabaseOfLaterTransaction: the database's image is of one transaction, and says with the
// next one what still takes a copy.
func TestDatabaseOfLaterTransaction(t *testing.T) {
	dir := fixture.Dir(t, "etcd-small")
	files, err := open(t, dir).Image()
	fixture.Must(t, err)
	database(t, files)
	fixture.Edit(t, filepath.Join(dir, "member/snap/db")).CommitBolt(nil)
	for _, f := range files {
		if _, err := f.ReadAt(make([]byte, 1), 8192); strings.HasSuffix(f.Name, "/db") && (!errors.Is(err, walcore.ErrChanged) || !strings.Contains(err.Error(), "walfs copy")) {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
}
