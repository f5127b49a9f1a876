package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/walfs/walfs/walcore"
)

// jsonOutput runs a command on a log, and reads the JSON that it prints.
func (l agreementLog) jsonOutput(t *testing.T, v any, args ...string) {
	t.Helper()
	r := walfs(t, append(args, "--json", "--key-file", l.keyFile, l.dir)...)
	if err := json.Unmarshal([]byte(r.stdout), v); err != nil || r.code != 0 {
		t.Fatalf("walfs %v: %v, exit code %d\n%s", args, err, r.code, r.stderr)
	}
}

// asUTF8 is a name as JSON and tables have it.
func asUTF8(name string) string { return strings.ToValidUTF8(name, "\uFFFD") }

// statsAgrees: each table of stats has these rows. An entry that a table has no row for is in
// the one that is called "(none)".
func statsAgrees(t *testing.T, l agreementLog, want *tally) {
	t.Helper()
	var stats struct {
		Entries int
		Bytes   int64
		By      map[string][]struct {
			Name                    string
			Entries, Edges, Deletes int
			Bytes                   int64
		}
	}
	l.jsonOutput(t, &stats, "stats")
	if stats.Entries != want.all.entries || stats.Bytes != want.all.bytes {
		t.Errorf("stats: %d entries, %d bytes, want %+v", stats.Entries, stats.Bytes, want.all)
	}
	for _, by := range []string{"kind", "predicate", "file", "term", "member", "namespace"} {
		got, wanted := map[string]string{}, map[string]string{}
		for _, row := range stats.By[by] {
			if row.Entries > 0 && row.Name != "(none)" { // a log file can have no entry
				got[row.Name] = fmt.Sprint(row.Entries, row.Bytes, row.Edges, row.Deletes)
			}
		}
		for name, w := range want.by[by] {
			if by == "predicate" {
				wanted[asUTF8(name)] = fmt.Sprint(w.entries, w.edges.bytes, w.edges.edges, w.edges.deletes)
			} else {
				wanted[name] = fmt.Sprint(w.entries, w.bytes, 0, 0)
			}
		}
		if !maps.Equal(got, wanted) {
			t.Errorf("stats by %s: %v, want %v", by, got, wanted)
		}
	}
}

// explainJSON is what explain says of what can be counted.
type explainJSON struct {
	Entries int
	Bytes   int64
	Replay  *struct {
		Applied struct {
			First uint64 `json:"first_index"`
			Last  uint64 `json:"last_index"`
		}
		Entries int
		Bytes   int64
		Kinds   []struct {
			Kind    string
			Entries int
			Bytes   int64
		}
	}
	Pending *struct {
		Transactions []struct {
			StartTs uint64 `json:"start_ts"`
			First   uint64 `json:"first_index"`
		}
	}
}

// explainCheck counts what explain counts: the entries that a restart replays, and the
// transactions between the snapshot and the commit index.
type explainCheck struct {
	said                explainJSON
	snapshot, commit    uint64
	replayed, committed *tally
}

func newExplainCheck(t *testing.T, l agreementLog, log walcore.Log) *explainCheck {
	t.Helper()
	m := log.Meta()
	x := &explainCheck{snapshot: m.Snapshot.Index, commit: m.HardState.Commit, replayed: newTally(), committed: newTally()}
	l.jsonOutput(t, &x.said, "explain")
	applied, checkpoint := x.said.Replay.Applied, *m.CheckpointIndex
	first, _ := log.FirstIndex()
	if applied.Last != x.commit || applied.First != first && applied.First != max(first, checkpoint) {
		t.Errorf("explain says that %+v are applied; first index %d, checkpoint %d, commit %d", applied, first, checkpoint, x.commit)
	}
	return x
}

func (x *explainCheck) add(line *jsonLine, s *said) {
	if r := x.said.Replay.Applied; r.First <= line.Index && line.Index <= r.Last {
		x.replayed.add(line, s)
	}
	if x.snapshot < line.Index && line.Index <= x.commit {
		x.committed.add(line, s)
	}
}

// agrees wants explain to have said the same.
func (x *explainCheck) agrees(t *testing.T, want *tally) {
	t.Helper()
	if x.said.Entries != want.all.entries || x.said.Bytes != want.all.bytes {
		t.Errorf("explain: %d entries, %d bytes, want %+v", x.said.Entries, x.said.Bytes, want.all)
	}
	kinds := map[string]weight{}
	for _, k := range x.said.Replay.Kinds {
		kinds[k.Kind] = weight{entries: k.Entries, bytes: k.Bytes}
	}
	wanted := map[string]weight{}
	for name, w := range x.replayed.by["kind"] {
		wanted[name] = weight{entries: w.entries, bytes: w.bytes}
	}
	if !maps.Equal(kinds, wanted) || x.said.Replay.Entries != x.replayed.all.entries || x.said.Replay.Bytes != x.replayed.all.bytes {
		t.Errorf("explain says that %+v are replayed, want %v, %+v", x.said.Replay, wanted, x.replayed.all)
	}
	pending := map[uint64]uint64{}
	if x.said.Pending != nil {
		for _, txn := range x.said.Pending.Transactions {
			pending[txn.StartTs] = txn.First
		}
	}
	if !maps.Equal(pending, x.committed.pending) {
		t.Errorf("explain says that these are pending: %v, want %v", pending, x.committed.pending)
	}
}
