package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/walfs/walfs/cmd/walfs/terminal"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/memlog"
	"github.com/walfs/walfs/test/nativelog"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/dgraph"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/encoding/protowire"
)

// anywhere opens a log that is the same on every machine: its log files were last written at
// noon, and take so many blocks.
func anywhere(t *testing.T, dir string) walcore.Log {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.wal"))
	fixture.Must(t, err)
	noon := time.Date(2026, 5, 4, 12, 34, 56, 0, time.UTC)
	for _, name := range names {
		fixture.Must(t, os.Chtimes(name, noon, noon))
	}
	log, err := dgraph.OpenReader(dir, dgraph.ReaderOptions{})
	fixture.Must(t, err)
	t.Cleanup(func() { log.Close() })
	for i, f := range log.Files() {
		f.Attr.Blocks = int64(400 + 2000*i)
	}
	return log
}

// mutationOf is an Alpha's entry with an edge for each predicate: the key of node 2, and
// Proposal{Mutations{start_ts, edges}}.
func mutationOf(predicates ...string) []byte {
	mutations := protowire.AppendVarint(protowire.AppendTag(nil, 2, protowire.VarintType), 7)
	for i, name := range predicates {
		edge := protowire.AppendFixed64(protowire.AppendTag(nil, 1, protowire.Fixed64Type), 1)
		edge = protowire.AppendString(protowire.AppendTag(edge, 2, protowire.BytesType), name)
		if i%2 == 1 {
			edge = protowire.AppendVarint(protowire.AppendTag(edge, 8, protowire.VarintType), 1) // deletes
		}
		mutations = protowire.AppendBytes(protowire.AppendTag(mutations, 3, protowire.BytesType), edge)
	}
	return protowire.AppendBytes(protowire.AppendTag([]byte{0, 2, 0, 0, 0, 0, 0, 1}, 2, protowire.BytesType), mutations)
}

// compacted is a log of two log files with a snapshot, which all of the first one is dead by.
// Its predicates have names that nobody should be shown as they are.
func compacted(t *testing.T) walcore.Log {
	t.Helper()
	const entries, dead = 30_010, 30_004
	dir := filepath.Join(t.TempDir(), "w")
	snapshot := &raftpb.Snapshot{Metadata: &raftpb.SnapshotMetadata{Index: new(uint64(dead)), Term: new(uint64(1)), ConfState: &raftpb.ConfState{Voters: []uint64{1, 2}}}}
	fixture.Must(t, nativelog.Write(dir, nativelog.Meta{RaftID: 1, GroupID: 1, Term: 3, Commit: entries, Snapshot: snapshot}, func(yield func(nativelog.Entry) bool) {
		for i := uint64(1); i <= entries; i++ {
			e := nativelog.Entry{Term: 1 + i/20_000, Index: i, Data: mutationOf("0-name", "0-age")}
			switch {
			case i%10 == 0:
				e.Data = mutationOf("0-\x1b[2J", "1f-a\tb", "(none)", "0-"+strings.Repeat("long", 20))
			case i%10 == 1:
				e.Data = nil
			case i == 30_007:
				e.Data = make([]byte, 300_000)
			}
			if !yield(e) {
				return
			}
		}
	}))
	return anywhere(t, dir)
}

// TestStatsGolden compares what is printed with testdata/stats. To write that anew:
//
//	go test ./cmd/walfs -run TestStatsGolden -rewrite
func TestStatsGolden(t *testing.T) {
	fixture.NotForRace(t)
	alpha, zero, compacted := anywhere(t, fixture.Dir(t, "alpha")), anywhere(t, fixture.Dir(t, "zero")), compacted(t)
	for _, test := range []struct {
		file        string
		log         walcore.Log
		by, filters string
		columns     int // 0: a pipe
	}{
		{"alpha_80.txt", alpha, "", "", 80},
		{"alpha_filtered.txt", alpha, "", "--from 500 --kind delta", 0},
		{"alpha.json", alpha, "predicate", "", 0},
		{"zero.txt", zero, "", "", 0},
		{"zero_kind.csv", zero, "kind", "", 0},
		{"compacted_80.txt", compacted, "", "", 80},
		{"compacted_40.txt", compacted, "", "", 40},
		{"compacted_predicate.txt", compacted, "predicate", "", 0},
		{"compacted_namespace.txt", compacted, "namespace", "", 60},
		{"compacted_member.txt", compacted, "member", "", 60},
		{"compacted_term.txt", compacted, "term", "", 60},
		{"compacted_file.txt", compacted, "file", "", 0},
		{"compacted_filtered.txt", compacted, "file", "--from 30001", 0},
		{"compacted.csv", compacted, "", "", 0},
		{"memory_60.txt", memlog.Sample("w"), "", "", 60},
		{"memory.json", memlog.Sample("w"), "hour", "", 0},
		{"snaponly_80.txt", anywhere(t, fixture.Dir(t, "snaponly")), "", "", 80},
	} {
		format := map[string]string{".json": "json", ".csv": "csv"}[filepath.Ext(test.file)]
		a := addUp(t, test.log, statsOptions{what: test.by, format: format}, test.filters)
		a.top = a.usualTop()
		var b strings.Builder
		if test.columns > 0 {
			fixture.Must(t, a.printText(&terminal.Out{Writer: &b, Columns: test.columns}))
		} else {
			fixture.Must(t, a.print(&b))
		}
		file := filepath.Join("testdata", "stats", test.file)
		if *rewrite {
			fixture.Must(t, os.MkdirAll(filepath.Dir(file), 0o755))
			fixture.Must(t, os.WriteFile(file, []byte(b.String()), 0o644))
		}
		if want := string(fixture.ReadFile(t, file)); b.String() != want {
			t.Errorf("%s: got\n%s\nwant\n%s", test.file, b.String(), want)
		}
		for line := range strings.Lines(b.String()) {
			if w := terminal.Width(strings.TrimSuffix(line, "\n")); test.columns > 0 && w > test.columns {
				t.Errorf("%s: a line of %d columns: %s", test.file, w, line)
			}
		}
	}
}
