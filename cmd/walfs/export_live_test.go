//go:build unix

package main

import (
	"encoding/base64"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/raftdir"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/export"
	"github.com/walfs/walfs/walcore/payload"
)

// TestExportWhileRewritten: a new leader replaces entries while they are exported, also some that
// were exported already. In the end the tables have what the log has, and nothing twice.
func TestExportWhileRewritten(t *testing.T) {
	for at := 1; at <= 100; at += fixture.Size(33, 14) {
		dir, out := filepath.Join(t.TempDir(), "w"), t.TempDir()
		w := raftdir.Create(dir, raftdir.Options{Slots: 40})
		w.Append(100)
		log, err := dgraph.OpenReader(dir, dgraph.ReaderOptions{})
		fixture.Must(t, err)
		calls := 0
		o := export.Options{Folder: out, Format: export.CSV, Failed: func(err error) { t.Error(err) }, Decoder: payload.NewDgraph(payload.Alpha, payload.Options{}),
			Progress: func(int64, int64) {
				if calls++; calls == at {
					w.Rewind(35)
					w.Append(30)
				}
			}}
		answer := func(log walcore.Log) error {
			_, err := export.Log(t.Context(), log, o)
			return err
		}
		newest, err := atOneMoment(t.Context(), log, answer)
		fixture.Must(t, err)
		next, err := newest.(walcore.Follower).Refresh() // the change may have come after the last entry was read
		fixture.Must(t, err)
		fixture.Must(t, answer(next))
		compareRows(t, w, out)
		fixture.Must(t, next.Close())
		w.Close()
	}
}

func compareRows(t *testing.T, w *raftdir.Writer, out string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(out, "entries/*/*/*/*.csv"))
	fixture.Must(t, err)
	next := uint64(1)
	for _, name := range files {
		f, err := os.Open(name)
		fixture.Must(t, err)
		records, err := csv.NewReader(f).ReadAll()
		fixture.Must(t, err)
		fixture.Must(t, f.Close())
		for _, r := range records[1:] {
			want := base64.StdEncoding.EncodeToString(raftdir.Payload(next, w.TermOf(next)))
			if r[0] != fmt.Sprint(next) || r[1] != fmt.Sprint(w.TermOf(next)) || r[19] != want {
				t.Fatalf("%s: %q, want entry %d of term %d", name, r, next, w.TermOf(next))
			}
			next++
		}
	}
	if next != w.Last+1 {
		t.Errorf("rows up to %d, the log has %d", next-1, w.Last)
	}
}
