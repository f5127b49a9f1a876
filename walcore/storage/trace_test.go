package storage

import (
	"bytes"
	"log/slog"
	"path/filepath"
	"runtime/trace"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore/format"
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
)

// Every call is a region of an execution trace, and what happens to the files
// is logged.
func TestTraceAndLog(t *testing.T) {
	if trace.IsEnabled() {
		t.Skip("a trace is being recorded already")
	}
	var recorded, logged bytes.Buffer
	fixture.Must(t, trace.Start(&recorded))
	defer trace.Stop()
	dir := filepath.Join(memDir(t), "w")
	opts := Options{limits: smallFiles, Logger: slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	s := create(t, dir, opts)
	fixture.Must(t, s.SetRaftID(1))
	fixture.Must(t, s.SetGroupID(2))
	fixture.Must(t, s.Save(hard(1, 1, 0), someEntries(1, 1, 25), nil))
	fixture.Must(t, s.Save(nil, someEntries(2, 24, 3), nil))
	fixture.Must(t, s.SetCheckpoint(3))
	fixture.Must(t, s.SetState(State{RaftID: 1, GroupID: 2, Term: 2, Commit: 12}))
	fixture.Must(t, s.TruncateEntriesUntil(3))
	fixture.Must(t, s.CreateSnapshot(12, &raftpb.ConfState{Voters: []uint64{1}}, nil))
	fixture.Must(t, s.Rewind(25))
	fixture.Must(t, s.Sync())
	s.InitialState()
	s.FirstIndex()
	s.LastIndex()
	s.NumEntries()
	s.Term(20)
	s.Entries(13, 20, 1000)
	s.Snapshot()
	s.RaftID()
	s.GroupID()
	s.Checkpoint()
	s.State()
	s.PayloadsBelow(0, 20)
	s.IsNew()
	s.ConfStateAt(12)
	s.Resume(&raft.Config{}, 12)
	fixture.Must(t, s.Close())
	patch(t, dir, format.FileName(3), 5*format.SlotSize, bytes.Repeat([]byte{1}, format.SlotSize))
	fixture.Must(t, reopen(t, dir, opts).Close())
	trace.Stop()

	for _, name := range strings.Fields(`Open Close Sync Save Entries Term FirstIndex LastIndex NumEntries InitialState
		Snapshot CreateSnapshot TruncateEntriesUntil Rewind RaftID SetRaftID GroupID SetGroupID
		Checkpoint SetCheckpoint State SetState PayloadsBelow IsNew ConfStateAt Resume`) {
		// A trace holds each name once, behind its length.
		name = "walcore." + name
		if !bytes.Contains(recorded.Bytes(), append([]byte{byte(len(name))}, name...)) {
			t.Errorf("no region %s in the trace", name)
		}
	}
	for _, want := range []string{
		`level=DEBUG msg="storage opened"`, `level=DEBUG msg="new log file"`, `level=DEBUG msg="log rewritten"`,
		`level=DEBUG msg="log compacted"`, `level=WARN msg="found when opening"`,
	} {
		if !strings.Contains(logged.String(), want) {
			t.Errorf("%s is not in the log:\n%s", want, logged.String())
		}
	}
}
