//go:build unix

package dgraph_test

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/raftdir"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/check"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/format"
)

// TestErasedBaseIV: beside a key id, a base IV of zeros is none that a writer makes. Reader
// and check report the file, and none of its payloads is given.
func TestErasedBaseIV(t *testing.T) {
	dir, key := filepath.Join(t.TempDir(), "w"), []byte("0123456789abcdef")
	w := raftdir.Create(dir, raftdir.Options{Slots: 10, Key: key})
	defer w.Close()
	w.Append(45)
	w.CommitTo(45)
	for _, id := range []uint64{1, 3, 5} {
		name := format.FileName(id)
		f := fixture.Edit(t, filepath.Join(dir, name))
		iv := f.Read(format.KeyHeaderAt+8, 8)
		f.Write(format.KeyHeaderAt+8, make([]byte, 8))
		wantErased(t, dir, key, name)
		f.Write(format.KeyHeaderAt+8, iv)
	}
}

func wantErased(t *testing.T, dir string, key []byte, name string) {
	t.Helper()
	r, err := dgraph.OpenReader(dir, dgraph.ReaderOptions{Key: key})
	fixture.Must(t, err)
	want := fmt.Sprintf("[%s offset %d: key_erased: key id 1 and a base IV of zeros, which no writer makes: the IV is erased]", name, format.KeyHeaderAt)
	if got := fmt.Sprint(r.Problems()); got != want {
		t.Errorf("problems %s, want %s", got, want)
	}
	entries, erased := 0, uint64(0)
	for e := range r.Entries(0) {
		entries++
		data, err := e.Data()
		switch here := e.File.Name == name && e.Size > 0; {
		case here && !errors.Is(err, walcore.ErrDataKey):
			t.Errorf("entry %d: %q, %v, want %v", e.Index, data, err, walcore.ErrDataKey)
		case here:
			erased++
		case err != nil || !bytes.Equal(data, raftdir.Payload(e.Index, e.Term)):
			t.Errorf("entry %d of %s: %q, %v", e.Index, e.File.Name, data, err)
		}
	}
	if entries != 45 || erased == 0 {
		t.Errorf("%d entries, %d of them in %s", entries, erased, name)
	}
	report, err := check.Run(t.Context(), r, check.Options{})
	fixture.Must(t, err)
	if p := report.Problems; report.Sound || len(p) != 1 || p[0].Kind != walcore.KindKeyErased || p[0].File != name || report.Unread != erased {
		t.Errorf("check: %s; %+v, %d unread", report.Verdict, p, report.Unread)
	}
}
