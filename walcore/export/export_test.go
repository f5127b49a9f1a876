package export_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/nativelog"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/export"
	"github.com/walfs/walfs/walcore/payload"
)

// exportTo exports a log, and wants no failures but those that are expected.
func exportTo(t *testing.T, log walcore.Log, folder, format string, failures ...error) export.Result {
	t.Helper()
	var failed []error
	r, err := export.Log(t.Context(), log, options(log, folder, format, &failed))
	fixture.Must(t, err)
	if len(failed) != len(failures) {
		t.Errorf("%d failures, want %d: %v", len(failed), len(failures), failed)
	}
	for i := range min(len(failed), len(failures)) {
		if !errors.Is(failed[i], failures[i]) {
			t.Errorf("failure %v, want %v", failed[i], failures[i])
		}
	}
	return r
}

func options(log walcore.Log, folder, format string, failed *[]error) export.Options {
	return export.Options{Folder: folder, Format: format, Decoding: "dgraph",
		Decoder: payload.NewDgraph(payload.AppOf(log), payload.Options{}),
		Failed:  func(err error) { *failed = append(*failed, err) }}
}

// TestFixtures: each table has what Facts and decoders say of each entry.
func TestFixtures(t *testing.T) {
	fixture.NotForRace(t)
	for _, name := range slices.Concat(fixture.Small, fixture.Size(nil, []string{"alpha-encrypted", "bigdata", "cluster-node1"})) {
		if !fixture.Has(name) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			log, err := dgraph.OpenReader(fixture.Dir(t, name), dgraph.ReaderOptions{Key: fixture.Key(name)})
			fixture.Must(t, err)
			defer log.Close()
			folder := t.TempDir()
			r := exportTo(t, log, folder, export.Parquet)
			entries := parquetRows(t, folder, "entries")
			edges := parquetRows(t, folder, "edges")
			txns := parquetRows(t, folder, "txns")
			if r.Entries != len(entries) || r.Edges != len(edges) || r.Txns != len(txns) {
				t.Errorf("%+v, and %d, %d, %d rows", r, len(entries), len(edges), len(txns))
			}
			compare(t, log, entries, edges, txns)
			if name == "bigdata" { // as text, that takes minutes
				return
			}
			exportTo(t, log, folder, export.CSV)
			compareCSV(t, folder, "entries", entries)
			compareCSV(t, folder, "edges", edges)
			compareCSV(t, folder, "txns", txns)
		})
	}
}

// TestEdgesOfNoTransaction have null, not a transaction 0 that would never end.
func TestEdgesOfNoTransaction(t *testing.T) {
	fixture.NotForRace(t)
	dir := filepath.Join(t.TempDir(), "w")
	const edge = "\x00\x01\x00\x00\x00\x00\x00\x01\x12\x0c\x1a\x0a\x12\x060-name\x1a\x00"
	fixture.Must(t, nativelog.Write(dir, nativelog.Meta{RaftID: 1, GroupID: 1, Term: 1, Commit: 1},
		slices.Values([]nativelog.Entry{{Term: 1, Index: 1, Data: []byte(edge)}})))
	log, err := dgraph.OpenReader(dir, dgraph.ReaderOptions{})
	fixture.Must(t, err)
	defer log.Close()
	folder := t.TempDir()
	exportTo(t, log, folder, export.Parquet)
	edges := parquetRows(t, folder, "edges")
	if len(edges) != 1 {
		t.Fatalf("%d edges", len(edges))
	}
	compare(t, log, parquetRows(t, folder, "entries"), edges, nil)
}

func compare(t *testing.T, log *dgraph.Reader, entries, edges, txns []row) {
	t.Helper()
	decoder := payload.NewDgraph(payload.AppOf(log), payload.Options{})
	var facts payload.Facts
	commit := log.Meta().HardState.Commit
	for e := range log.Entries(1) {
		data, err := e.Data()
		fixture.Must(t, err)
		if len(entries) == 0 {
			t.Fatalf("no row for entry %d", e.Index)
		}
		got := entries[0]
		entries = entries[1:]
		decoder.Facts(&facts, payload.EntryOf(&e, data))
		decoded, _ := decoder.AppendCompact(nil, payload.EntryOf(&e, data))
		name, _ := log.Meta().System.TypeName(e.Type)
		want := fmt.Sprintln(e.Index, e.Term, name.Symbol, e.Size, e.File.Name, e.Slot, e.Offset, "file", e.Index <= commit,
			facts.Kind, facts.Edges, facts.Deletes, facts.Commits, facts.Aborts)
		if text := fmt.Sprintln(got["index"].Int64(), got["term"].Int64(), got["type"], got["size"].Int64(), got["file"], got["slot"].Int64(), got["offset"].Int64(),
			got["time_of"], got["committed"].Boolean(), got["kind"], got["edges"].Int64(), got["deletes"].Int64(), got["commits"].Int64(), got["aborts"].Int64()); text != want {
			t.Fatalf("%s, want %s", text, want)
		}
		if !bytes.Equal(got["payload"].ByteArray(), data) || string(got["decoded"].ByteArray()) != string(decoded) {
			t.Fatalf("entry %d: payload %x, decoded %s", e.Index, got["payload"].ByteArray(), got["decoded"])
		}
		compareTxn(t, got, &facts)
		edges = compareEdges(t, edges, &e, &facts)
		txns = compareTxns(t, txns, &e, &facts)
	}
	if len(entries)+len(edges)+len(txns) > 0 {
		t.Errorf("%d entries, %d edges, %d transactions too many", len(entries), len(edges), len(txns))
	}
}

func compareTxn(t *testing.T, got row, facts *payload.Facts) {
	t.Helper()
	key, hasKey := got["key"]
	if hasKey != facts.HasKey || hasKey && key.Uint64() != facts.Key {
		t.Errorf("key %v, want %d", got["key"], facts.Key)
	}
	start, begins := got["txn_start"]
	ts, want := facts.Starts()
	for txn := range facts.Txns() {
		if !want && facts.Commits+facts.Aborts == 1 {
			ts = txn.StartTs
			if commit, ok := got["txn_commit"]; ok != (txn.CommitTs != 0) || ok && commit.Uint64() != txn.CommitTs {
				t.Errorf("commit %v, want %d", commit, txn.CommitTs)
			}
		}
	}
	if want = want || facts.Commits+facts.Aborts == 1; begins != want || want && start.Uint64() != ts {
		t.Errorf("transaction %v, want %d", start, ts)
	}
}

func compareEdges(t *testing.T, rows []row, e *walcore.Entry, facts *payload.Facts) []row {
	t.Helper()
	for edge := range facts.EachEdge() {
		if len(rows) == 0 {
			t.Fatalf("no row for an edge of entry %d", e.Index)
		}
		got := rows[0]
		rows = rows[1:]
		want := fmt.Sprintln(e.Index, e.Term, e.File.Name, edge.OpName(), edge.PredicateName(), edge.Entity, edge.TypeName(), facts.StartTs, edge.Size)
		if text := fmt.Sprintln(got["index"].Int64(), got["term"].Int64(), got["file"], got["op"], got["predicate"], got["uid"].Uint64(), got["value_type"],
			got["txn_start"].Uint64(), got["size"].Int64()); text != want {
			t.Fatalf("%s, want %s", text, want)
		}
		if _, has := got["txn_start"]; has != (facts.StartTs != 0) {
			t.Errorf("transaction %v, want %d", got["txn_start"], facts.StartTs)
		}
		value, ok := edge.AppendValue(nil, payload.Options{})
		text, base := string(got["value"].ByteArray()), string(got["value_base64"].ByteArray())
		if ok && text != string(value) || !ok && base != base64.StdEncoding.EncodeToString(edge.Value) {
			t.Fatalf("entry %d: value %q or %q, want %q, %v", e.Index, text, base, value, ok)
		}
		if ns, _, ok := payload.SplitPredicate(edge.PredicateName()); ok != (!got["namespace"].IsNull()) || ok && got["namespace"].Uint64() != ns {
			t.Errorf("namespace %v of %s", got["namespace"], edge.PredicateName())
		}
	}
	return rows
}

func compareTxns(t *testing.T, rows []row, e *walcore.Entry, facts *payload.Facts) []row {
	t.Helper()
	for txn := range facts.Txns() {
		if len(rows) == 0 {
			t.Fatalf("no row for a transaction of entry %d", e.Index)
		}
		got := rows[0]
		rows = rows[1:]
		if got["index"].Int64() != int64(e.Index) || got["start_ts"].Uint64() != txn.StartTs || got["commit_ts"].IsNull() != (txn.CommitTs == 0) ||
			!got["commit_ts"].IsNull() && got["commit_ts"].Uint64() != txn.CommitTs || got["aborted"].Boolean() != (txn.CommitTs == 0) {
			t.Fatalf("%v, want %+v of entry %d", got, txn, e.Index)
		}
	}
	return rows
}

// compareCSV: CSV has the same rows.
func compareCSV(t *testing.T, folder, table string, rows []row) {
	t.Helper()
	header, records := csvRows(t, folder, table)
	if len(records) != len(rows) {
		t.Fatalf("%s: %d records, %d rows", table, len(records), len(rows))
	}
	for i, record := range records {
		for k, name := range header {
			v, ok := rows[i][name]
			want := ""
			switch {
			case !ok:
			case name == "time":
				continue // TestAnyLog looks at it
			case name == "payload":
				want = base64.StdEncoding.EncodeToString(v.ByteArray())
			case name == "uid" || name == "key" || name == "namespace" || name == "value_uid":
				want = strconv.FormatUint(v.Uint64(), 10)
			default:
				want = v.String()
			}
			if record[k] != want {
				t.Fatalf("%s, row %d, %s: %q, want %q", table, i, name, record[k], want)
			}
		}
	}
}
