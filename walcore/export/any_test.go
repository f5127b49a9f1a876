package export_test

import (
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/walfs/walfs/test/memlog"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/export"
)

// TestAnyLog exports a log that is not Dgraph's, whose files have names that no path is to have.
func TestAnyLog(t *testing.T) {
	appended := time.Date(2024, 5, 6, 7, 8, 9, 123456789, time.UTC)
	log := memlog.New("w", []memlog.Entry{
		{Term: 1, Index: 1, Data: "a", File: "../../x\n.seg", Appended: appended},
		{Term: 1, Index: 2, Data: "b", File: "../../x\n.seg", Damaged: true},
		{Term: 1, Index: 3, Type: memlog.Barrier, File: "_z\xff"},
		{Term: 1, Index: 5, Type: 77, Data: "c", File: "_z\xff"},
	})
	folder := filepath.Join(t.TempDir(), "out")
	exportTo(t, log, folder, export.Parquet, walcore.ErrDamaged)
	exportTo(t, log, folder, export.CSV, walcore.ErrDamaged)
	place := "system=memory/group=__HIVE_DEFAULT_PARTITION__/node=__HIVE_DEFAULT_PARTITION__/"
	for _, table := range []string{"entries", "edges", "txns"} {
		want := fmt.Sprint([]string{place + "%2E.%2F..%2Fx%0A.seg.csv", place + "%2E.%2F..%2Fx%0A.seg.parquet", place + "%5Fz%FF.csv", place + "%5Fz%FF.parquet"})
		if got := fmt.Sprint(files(t, filepath.Join(folder, table))); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	_, records := csvRows(t, folder, "entries")
	var got strings.Builder
	for _, r := range records {
		fmt.Fprintf(&got, "%q\n", r)
	}
	const want = `["1" "1" "EntryNormal" "1" "../../x\n.seg" "0" "0" "2024-05-06T07:08:09.123456Z" "entry" "" "text" "0" "0" "0" "0" "" "" "" "" "YQ==" "{\"term\":1,\"index\":1,\"type\":\"EntryNormal\",\"size\":1,\"text\":\"a\"}" ""]
["3" "1" "LogBarrier" "0" "_z�" "0" "0" "2001-09-09T01:46:40.000000Z" "file" "" "empty" "0" "0" "0" "0" "" "" "" "" "" "{\"term\":1,\"index\":3,\"type\":3,\"size\":0}" ""]
["5" "1" "77" "1" "_z�" "1" "0" "2001-09-09T01:46:40.000000Z" "file" "" "text" "0" "0" "0" "0" "" "" "" "" "Yw==" "{\"term\":1,\"index\":5,\"type\":77,\"size\":1,\"text\":\"c\"}" ""]
`
	if got.String() != want {
		t.Errorf("%s\nwant\n%s", got.String(), want)
	}
	rows := parquetRows(t, folder, "entries")
	if len(rows) != 3 || !rows[0]["committed"].IsNull() || rows[0]["time"].Int64() != appended.UnixMicro() {
		t.Errorf("%v", rows)
	}
	// An empty payload is none that is missing.
	if v, ok := rows[1]["payload"]; !ok || len(v.ByteArray()) != 0 {
		t.Errorf("payload %v, %v", v, ok)
	}
}

// TestCompacted: tables of log files that were compacted stay, and so do those of a file in whose
// place the log is damaged.
func TestCompacted(t *testing.T) {
	entry := func(index uint64, file string, damaged bool) memlog.Entry {
		return memlog.Entry{Term: 1, Index: index, Data: "x", File: file, Damaged: damaged}
	}
	folder := t.TempDir()
	step := func(removed, rows int, log walcore.Log, failures ...error) {
		t.Helper()
		r := exportTo(t, log, folder, export.Parquet, failures...)
		if got := len(parquetRows(t, folder, "entries")); got != rows || r.Removed != removed {
			t.Errorf("%d rows, %d files removed; want %d and %d", got, r.Removed, rows, removed)
		}
	}
	step(0, 4, memlog.New("w", []memlog.Entry{entry(1, "a", false), entry(2, "b", false), entry(3, "c", false), entry(4, "d", false)}))
	step(0, 4, memlog.New("w", []memlog.Entry{entry(2, "b", false), entry(3, "c", true), entry(4, "d", false)}), walcore.ErrDamaged)
	step(0, 4, memlog.New("w", []memlog.Entry{entry(2, "b", false), entry(3, "c", false), entry(4, "d", false)}))
	step(1, 4, memlog.New("w", []memlog.Entry{entry(2, "b", false), entry(3, "e", false), entry(4, "d", false)}))
	step(2, 2, memlog.New("w", []memlog.Entry{entry(2, "b", false)}))
}

// TestInterleaved: the entries of a log file need not follow one another.
func TestInterleaved(t *testing.T) {
	log := memlog.New("w", []memlog.Entry{{Term: 1, Index: 1, Data: "a", File: "a"}, {Term: 1, Index: 2, Data: "b", File: "b"}, {Term: 1, Index: 3, Data: "c", File: "b"}})
	list := func(order ...uint64) walcore.Log { return &reordered{log, order} }
	folder := t.TempDir()
	exportTo(t, list(1, 2, 3), folder, export.Parquet)
	if rows := parquetRows(t, folder, "entries"); len(rows) != 3 {
		t.Errorf("%v", rows)
	}
	folder = t.TempDir()
	r := exportTo(t, list(2, 1, 3), folder, export.Parquet)
	if rows := parquetRows(t, folder, "entries"); len(rows) != 3 || r.Written != 2 {
		t.Errorf("%v", rows)
	}
}

// reordered is a log whose entries come in another order of files.
type reordered struct {
	walcore.Log
	order []uint64
}

func (r *reordered) Entries(uint64) iter.Seq[walcore.Entry] {
	return func(yield func(walcore.Entry) bool) {
		for i, n := range r.order {
			e, err := r.Log.Entry(n)
			if e.Index = uint64(i + 1); err != nil || !yield(e) {
				return
			}
		}
	}
}

// failing is a Source that fails for an entry.
type failing struct {
	walcore.Source
	index uint64
	err   error
}

func (f *failing) ReadPayload(e walcore.Entry, p []byte, off int64) error {
	if e.Index == f.index {
		return f.err
	}
	return f.Source.ReadPayload(e, p, off)
}

// TestUnreadable: an entry that cannot be read is a row without what it says, and its log file is
// exported again next time. One that has changed ends the export.
func TestUnreadable(t *testing.T) {
	log := memlog.New("w", []memlog.Entry{{Term: 1, Index: 1, Data: "a", File: "a"}, {Term: 1, Index: 2, Data: "b", File: "a"}, {Term: 1, Index: 3, Data: "c", File: "a"}})
	source := &failing{log.Files()[0].Source, 2, walcore.ErrNoKey}
	log.Files()[0].Source = source
	folder := t.TempDir()
	for range 2 {
		if r := exportTo(t, log, folder, export.Parquet, walcore.ErrNoKey); r.Written != 1 || r.Entries != 3 {
			t.Errorf("%+v", r)
		}
	}
	rows := parquetRows(t, folder, "entries")
	if _, ok := rows[1]["payload"]; ok || !rows[1]["kind"].IsNull() || !rows[1]["decoded"].IsNull() || rows[1]["size"].Int64() != 1 ||
		!strings.Contains(rows[1]["error"].String(), "key") || !rows[2]["error"].IsNull() {
		t.Errorf("%v", rows)
	}
	source.err = walcore.ErrChanged
	if _, err := export.Log(t.Context(), log, options(log, folder, export.Parquet, new([]error))); !errors.Is(err, walcore.ErrChanged) {
		t.Errorf("%v", err)
	}
	if again := parquetRows(t, folder, "entries"); len(again) != 3 { // that of before
		t.Errorf("%v", again)
	}
	source.index = 0
	if r := exportTo(t, log, folder, export.Parquet); r.Written != 1 {
		t.Errorf("%+v", r)
	}
	if r := exportTo(t, log, folder, export.Parquet); r.Written != 0 {
		t.Errorf("%+v", r)
	}
}
