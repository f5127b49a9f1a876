//go:build unix

package dgraph

import (
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/raftdir"
)

// TestRecoveryDoesNotDependOnReading: a full log file's last payload is empty, and the entry's
// checksum denies it. What opening the directory makes of that is the same before and after the
// problems were listed.
func TestRecoveryDoesNotDependOnReading(t *testing.T) {
	w := raftdir.Create(filepath.Join(t.TempDir(), "w"), raftdir.Options{Slots: 20})
	defer w.Close()
	w.Append(50)
	w.CommitTo(50)
	full := fixture.Edit(t, filepath.Join(w.Dir(), "00001.wal"))
	full.SetLength(19, 0)
	full.Truncate(int64(full.Get(19, fixture.Offset)) + 4)
	full.Write(19*32+24, []byte{1, 2, 3, 4}) // the checksum
	r, err := OpenReader(w.Dir(), ReaderOptions{})
	fixture.Must(t, err)
	defer r.Close()
	if err := r.Opens(); err != nil {
		t.Fatal(err)
	}
	before := opening(r)
	if len(r.Problems()) == 0 {
		t.Fatal("the checksum is not wrong")
	}
	if after := opening(r); after != before {
		t.Errorf("before: %s; after: %s", before, after)
	}
}
