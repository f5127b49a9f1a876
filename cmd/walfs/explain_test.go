package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/walfs/walfs/cmd/walfs/terminal"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/memlog"
	"github.com/walfs/walfs/walcore/explain"
)

// TestExplainCounts compares what explain counts with what Dgraph's own types make of the
// entries.
func TestExplainCounts(t *testing.T) {
	fixture.NotForRace(t)
	for _, name := range fixture.WithDecoded() {
		dir := fixture.Dir(t, name)
		var got explain.Report
		fixture.Must(t, json.Unmarshal([]byte(ok(t, "explain", "--json", dir)), &got))
		all, payloads := fixture.ReadDecoded(t, name).Entries, payloadsOf(t, dir)
		first := uint64(len(all)) - uint64(got.Entries) + 1 // of those on disk, if the log does not begin with 1
		count := func(from, to uint64) counted {
			return countEntries(t, all[from-first:to-first+1], payloads[from-first:to-first+1])
		}

		applied := count(got.Replay.Applied.First, got.Replay.Applied.Last)
		for _, k := range got.Replay.Kinds {
			if want := applied.kinds[k.Kind]; want == nil || k.Entries != want.entries || k.Bytes != want.bytes {
				t.Errorf("%s: %+v, want %+v", name, k, want)
			}
		}
		if len(got.Replay.Kinds) != len(applied.kinds) {
			t.Errorf("%s: kinds %+v, want %d", name, got.Replay.Kinds, len(applied.kinds))
		}
		if got.Pending == nil {
			continue
		}
		pending := map[string]string{}
		for _, txn := range got.Pending.Txns {
			pending[fmt.Sprint(txn.StartTs)] = fmt.Sprint(txn.First)
		}
		if want := count(got.Replay.Handed.First, got.Replay.Handed.Last).pending; !maps.Equal(pending, want) {
			t.Errorf("%s: pending %v, want %v", name, pending, want)
		}
	}
}

// TestExplainLikeStats: stats counts the same in what a restart replays, on every fixture.
func TestExplainLikeStats(t *testing.T) {
	fixture.NotForRace(t)
	for _, name := range fixture.All() {
		args := []string{"--json", fixture.Dir(t, name)}
		if key := keyFile(t, name); key != "" {
			args = append(args, "--key-file", key)
		}
		var r explain.Report
		fixture.Must(t, json.Unmarshal([]byte(walfs(t, append([]string{"explain"}, args...)...).stdout), &r))
		var stats struct {
			Entries, Bytes int64
			By             struct {
				Kind []struct {
					Name           string
					Entries, Bytes int64
				}
			}
		}
		said := walfs(t, append([]string{"stats", "--replay", "--by", "kind"}, args...)...)
		fixture.Must(t, json.Unmarshal([]byte(said.stdout), &stats))
		if r.Replay.Entries != stats.Entries || r.Replay.Bytes != stats.Bytes || len(r.Replay.Kinds) != len(stats.By.Kind) {
			t.Fatalf("%s: explain has %+v, stats %+v", name, r.Replay, stats)
		}
		for i, k := range r.Replay.Kinds {
			if s := stats.By.Kind[i]; k.Kind != s.Name || k.Entries != s.Entries || k.Bytes != s.Bytes {
				t.Errorf("%s: explain has %+v, stats %+v", name, k, s)
			}
		}
	}
}

// TestExplainAnyLog explains a log that is not Dgraph's, and has no hard state.
func TestExplainAnyLog(t *testing.T) {
	report, err := explained(t.Context(), memlog.Sample("w"))
	fixture.Must(t, err)
	var out bytes.Buffer
	fixture.Must(t, printExplain(terminal.To(&out, false), report))
	const want = `Who this node is
  A node that keeps its log as memory does; its raft id is not known: the log does not store its
  raft id. What its entries mean is not known: only Dgraph's entries are explained. Who is in
  the group is not known: the log does not tell its commit index. Who leads is not known: a log
  does not say.

What is committed, applied, and in the snapshot
  The log has the entries 7 to 12, 26 bytes. There is no snapshot. What is committed is not
  known: the log does not store a hard state. What is applied is not known: the log does not
  store a checkpoint. Some of the entries are missing or damaged: walfs check DIR says which.
  What is said below leaves them out.

What a restart replays
  Not known: the log does not store its commit index.

What holds the log back from being compacted
  Not known: what the entries mean is not known.

Pending transactions
  Not known: what the entries mean is not known.

Elections
  There are entries of 3 terms; the last, 5, begins with entry 12. Term 2 ended with fewer than
  10 entries. 2 terms have no entry, 3 to 4: nobody won them, or later leaders replaced what
  their leaders wrote. Its vote is not known: the log does not store a hard state.
    term 1  7 to 8, 2 entries, of 2026-03-01T12:00:00Z
    term 2  9 to 11, 3 entries, of 2026-03-01T12:00:03Z
    term 5  entry 12

Behind its group, or parted from it?
  Not known: the log does not store a hard state. By their times, its files were last written at
  2001-09-09T01:46:40Z. Whether its group has gone on without it, only the others' directories
  tell: walfs diff compares them.

What is odd
  The directory has a problem: 00000000000000000001-0000000000000abd.seg index 10: length: is
  damaged; walfs check DIR says what that means.
`
	if out.String() != want {
		t.Errorf("%s", out.String())
	}
	if code := exitCode(explainEnd(report), true); code != exitDamage {
		t.Errorf("exit code %d", code)
	}
}

// TestExplainFits: no line is longer than the terminal is wide, and none is lost.
func TestExplainFits(t *testing.T) {
	fixture.NotForRace(t)
	report, err := explained(t.Context(), memlog.Sample("w"))
	fixture.Must(t, err)
	words := ""
	for _, columns := range []int{20, 50, 96, 200} {
		var out bytes.Buffer
		on := terminal.To(&out, false)
		on.Columns = columns
		fixture.Must(t, printExplain(on, report))
		for _, line := range lines(out.String()) {
			if terminal.Width(line) > min(columns, meaningColumns) {
				t.Errorf("%d columns: %q", columns, line)
			}
		}
		if got := strings.Join(strings.Fields(out.String()), " "); columns > 60 && words == "" {
			words = got
		} else if columns > 60 && got != words {
			t.Errorf("%d columns: other words:\n%s\n%s", columns, got, words)
		}
	}
}
