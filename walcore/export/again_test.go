package export_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/nativelog"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/export"
	"github.com/walfs/walfs/walcore/format"
	"github.com/walfs/walfs/walcore/platform"
)

// made is a log of entries from 1 on, of term 1 up to entry termTwo, then of term 2.
func made(t *testing.T, entries, termTwo int, commit uint64) walcore.Log {
	t.Helper()
	var list []nativelog.Entry
	for i := 1; i <= entries; i++ {
		e := nativelog.Entry{Term: 1, Index: uint64(i), Data: []byte("text of an entry")}
		if i >= termTwo {
			e.Term = 2
		}
		list = append(list, e)
	}
	dir := filepath.Join(t.TempDir(), "w")
	fixture.Must(t, nativelog.Write(dir, nativelog.Meta{RaftID: 1, GroupID: 2, Term: 2, Commit: commit}, slices.Values(list)))
	log, err := dgraph.OpenReader(dir, dgraph.ReaderOptions{})
	fixture.Must(t, err)
	t.Cleanup(func() { log.Close() })
	return log
}

const never = 1 << 30

// TestAgain: a log file is written anew where anything about it has changed, and only then.
func TestAgain(t *testing.T) {
	fixture.NotForRace(t)
	const file = format.SlotsPerFile
	folder := t.TempDir()
	first := filepath.Join(folder, "entries/system=dgraph/group=2/node=1/00001.wal.parquet")
	record := filepath.Join(folder, "_walfs/system=dgraph/group=2/node=1/00001.wal.parquet.json")
	steps := []struct {
		name             string
		log              walcore.Log
		before           func()
		written, skipped int
	}{
		{"all of it", made(t, file+10, never, 5), nil, 2, 0},
		{"as before", made(t, file+10, never, 5), nil, 0, 2},
		{"more entries", made(t, file+20, never, 5), nil, 1, 1},
		{"more are committed, in the first file", made(t, file+20, never, 6), nil, 1, 1},
		{"all of the first file are committed", made(t, file+20, never, file), nil, 1, 1},
		{"those of the second are", made(t, file+20, never, file+3), nil, 1, 1},
		{"a leader replaced the last ones", made(t, file+20, file+15, file+3), nil, 1, 1},
		{"the table is gone", made(t, file+20, file+15, file+3), func() { fixture.Must(t, os.Remove(first)) }, 1, 1},
		{"the table was cut", made(t, file+20, file+15, file+3), func() { fixture.Must(t, os.Truncate(first, 10)) }, 1, 1},
		{"the record is gone", made(t, file+20, file+15, file+3), func() { fixture.Must(t, os.Remove(record)) }, 1, 1},
		{"the record is no JSON", made(t, file+20, file+15, file+3), func() { fixture.WriteFile(t, record, []byte("{")) }, 1, 1},
		{"another leader has replaced those of the second file", made(t, 10, never, 5), nil, 1, 0},
	}
	for _, s := range steps {
		if s.before != nil {
			s.before()
		}
		r := exportTo(t, s.log, folder, export.Parquet)
		if r.Written != s.written || r.Skipped != s.skipped {
			t.Errorf("%s: %d written, %d skipped, want %d and %d", s.name, r.Written, r.Skipped, s.written, s.skipped)
		}
	}
	if rows, left := parquetRows(t, folder, "entries"), files(t, folder); len(rows) != 10 || len(left) != 4 {
		t.Errorf("%d rows, %q", len(rows), left)
	}
	// Other options are another export.
	log := made(t, 10, never, 5)
	o := options(log, folder, export.Parquet, new([]error))
	for _, change := range []func(){func() { o.Decoding = "another" }, func() { o.ShowSecrets = true }, func() { o.Format = export.CSV }} {
		change()
		if r, err := export.Log(t.Context(), log, o); err != nil || r.Written != 1 {
			t.Errorf("%+v, %v", r, err)
		}
		if r, err := export.Log(t.Context(), log, o); err != nil || r.Written != 0 {
			t.Errorf("%+v, %v", r, err)
		}
	}
}

// TestCutShort: what is interrupted leaves log files that are whole, and nothing else; the
// next export goes on there.
func TestCutShort(t *testing.T) {
	const file = format.SlotsPerFile
	log := made(t, file+10, never, 5)
	folder := t.TempDir()
	var all export.Result
	for _, at := range []int64{1, file + 5} {
		ctx, cancel := context.WithCancelCause(t.Context())
		why := errors.New("interrupted")
		o := options(log, folder, export.Parquet, new([]error))
		calls := int64(0)
		o.Progress = func(done, total int64) {
			if calls++; calls == at {
				cancel(why)
			}
		}
		r, err := export.Log(ctx, log, o)
		all.Add(r)
		if !errors.Is(err, why) || r.Written != int(at/file) {
			t.Errorf("%+v, %v", r, err)
		}
		want := 4 * int(at/file) // three tables and the record
		if got := files(t, folder); len(got) != want {
			t.Errorf("at entry %d: %q", at, got)
		}
	}
	// What a killed export has left is written over.
	left := filepath.Join(folder, "edges/system=dgraph/group=2/node=1/.00002.wal.parquet.walfs-unfinished")
	fixture.WriteFile(t, left, []byte(strings.Repeat("x", 1<<20)))
	r := exportTo(t, log, folder, export.Parquet)
	if all.Add(r); r.Written != 1 || r.Skipped != 1 || all.Written != 2 || all.Skipped != 0 || all.Entries != file+10 {
		t.Errorf("%+v, in all %+v", r, all)
	}
	if got := files(t, folder); len(got) != 8 {
		t.Errorf("%q", got)
	}
	if rows := parquetRows(t, folder, "entries"); len(rows) != file+10 {
		t.Errorf("%d rows", len(rows))
	}
}

// TestCannotWrite: where a file cannot be written, the log file is not exported, and nothing
// is left of it.
func TestCannotWrite(t *testing.T) {
	log := made(t, 10, never, 5)
	for _, table := range []string{"entries", "edges", "txns", "_walfs"} {
		folder := t.TempDir()
		name := "00001.wal.parquet"
		if table == "_walfs" {
			name += ".json"
		}
		fixture.Must(t, os.MkdirAll(filepath.Join(folder, table, "system=dgraph/group=2/node=1", name, "taken"), 0o700))
		if r, err := export.Log(t.Context(), log, options(log, folder, export.Parquet, new([]error))); err == nil || r.Written != 0 {
			t.Errorf("%s: %+v, %v", table, r, err)
		}
		for _, f := range files(t, folder) {
			if strings.Contains(f, "unfinished") {
				t.Errorf("%s: %s is left", table, f)
			}
		}
	}
}

// TestLocked: one process at a time exports a node.
func TestLocked(t *testing.T) {
	log := made(t, 10, never, 5)
	folder := t.TempDir()
	exportTo(t, log, folder, export.Parquet)
	lock, err := platform.LockDir(filepath.Join(folder, "_walfs/system=dgraph/group=2/node=1"))
	if err != nil {
		t.Skip(err) // as on other systems than Linux
	}
	_, err = export.Log(t.Context(), log, options(log, folder, export.Parquet, new([]error)))
	if !errors.Is(err, walcore.ErrInUse) {
		t.Errorf("%v", err)
	}
	fixture.Must(t, lock.Close())
	exportTo(t, log, folder, export.Parquet)
}
