//go:build unix

package dgraph

import (
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/raftdir"
	"github.com/walfs/walfs/walcore"
)

// TestTermAtTheEndOfAFile: the last slot of a file has a term that the node has never
// voted in, and the file behind goes on with the old one. It is that slot that is
// damaged, not the file behind.
func TestTermAtTheEndOfAFile(t *testing.T) {
	for name, slots := range map[string]int{"of a full file": 30, "before a file of one entry": 59} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "w")
			w := raftdir.Create(dir, raftdir.Options{Slots: slots})
			w.Append(60)
			w.CommitTo(60)
			w.Close()
			f := fixture.Edit(t, filepath.Join(dir, "00001.wal"))
			f.Set(slots-1, fixture.Term, 260)
			r, err := OpenReader(dir, ReaderOptions{})
			fixture.Must(t, err)
			defer r.Close()
			served := 0
			for e := range r.Entries(0) {
				served++
				if e.Term != 1 {
					t.Errorf("entry %d has term %d", e.Index, e.Term)
				}
			}
			if served != 59 {
				t.Errorf("%d entries, want all 60 but one", served)
			}
			problems := r.Problems()
			if len(problems) == 0 || problems[0].Kind != walcore.KindTerm || problems[0].Index != uint64(slots) {
				t.Errorf("%v, want the term of entry %d", problems, slots)
			}
		})
	}
}
