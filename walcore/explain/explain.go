package explain

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/membership"
	"github.com/walfs/walfs/walcore/payload"
	"github.com/walfs/walfs/walcore/replay"
)

// Options say how New works.
type Options struct {
	// Progress is told how many bytes of payloads have been read, of how many.
	Progress func(done, total int64)
}

// dgraph is the name of the system whose rules of compaction are known here.
const dgraph = "dgraph"

// New makes the report of a log. It fails if ctx ends, and with ErrChanged if an entry has
// changed since the log was listed: Refresh, and ask again. Any other entry that cannot be
// read is counted, and the rest goes on.
func New(ctx context.Context, log walcore.Log, d payload.Decoder, opts Options) (*Report, error) {
	r := &Report{Odd: []Oddity{}, NotKnown: []Unknown{}, Problems: append([]walcore.Problem{}, log.Problems()...)}
	r.node(log)
	r.indexes(log)
	if err := r.members(log); err != nil {
		return nil, err
	}
	r.elections(log)
	s := newScan(r, log, d, opts)
	if err := s.run(ctx); err != nil {
		return nil, err
	}
	s.report()
	if err := s.compaction(ctx); err != nil {
		return nil, err
	}
	r.odd(log)
	return r, nil
}

// notKnown notes something that the directory does not tell.
func (r *Report) notKnown(what, format string, args ...any) {
	r.NotKnown = append(r.NotKnown, Unknown{what, fmt.Sprintf(format, args...)})
}

// node takes what the log says of its node.
func (r *Report) node(log walcore.Log) {
	m := log.Meta()
	r.System, r.RaftID, r.GroupID = m.System.Name, m.RaftID, m.GroupID
	r.HardState, r.CheckpointIndex, r.Stable = m.HardState, m.CheckpointIndex, m.Stable
	r.system, r.own = m.System, cmp.Or(m.RaftID, m.NodeID)
	if m.NodeID != nil {
		r.NodeID = m.System.ID(*m.NodeID)
	}
	if m.ClusterID != nil {
		r.ClusterID = m.System.ID(*m.ClusterID)
	}
	r.Ignored = append([]string{}, m.Ignored...)
	if s := m.Snapshot; s != nil {
		r.Snapshot = &Snapshot{s.Index, s.Term, s.Data.Size}
	}
	for _, n := range []struct {
		what, text string
		is         bool
	}{
		{"raft_id", "its raft id", m.RaftID == nil && m.NodeID == nil},
		{"group_id", "its group id", m.GroupID == nil && m.ClusterID == nil},
		{"hard_state", notStored(m.System, "a hard state", "its commit index"), m.HardState == nil},
		{"checkpoint_index", notStored(m.System, "a checkpoint", "it"), m.CheckpointIndex == nil},
		{"snapshot", "a snapshot", m.Snapshot == nil},
	} {
		switch {
		case n.is && m.Damaged:
			r.notKnown(n.what, "the metadata are damaged")
		case n.is:
			r.notKnown(n.what, "the log does not store %s", n.text)
		}
	}
	r.notKnown("leader", "a log does not say who leads, and whether this node did")
}

// notStored is what the log does not store, in the words of its system.
func notStored(s *walcore.System, dgraphs, others string) string {
	if s.Name == walcore.Etcd || s.Name == walcore.HashiCorp {
		return others
	}
	return dgraphs
}

// indexes takes the indexes of the log, and when its files were last written.
func (r *Report) indexes(log walcore.Log) {
	if i, ok := log.FirstIndex(); ok {
		r.FirstIndex = &i
	}
	if i, ok := log.LastIndex(); ok {
		r.LastIndex = &i
	}
	if h := r.HardState; h != nil && r.LastIndex != nil && *r.LastIndex > h.Commit {
		r.Uncommitted = &replay.Range{First: h.Commit + 1, Last: *r.LastIndex}
	}
	r.LogFiles = []LogFile{}
	filer, ok := log.(walcore.Filer)
	if !ok {
		return
	}
	written := log.Meta().Attr.Mtime
	for _, f := range filer.Files() {
		if f.Attr.Mtime.After(written) {
			written = f.Attr.Mtime
		}
	}
	written = written.UTC()
	r.LastWritten = &written
}

// members takes who is in the group. It fails with ErrChanged only.
func (r *Report) members(log walcore.Log) error {
	members, err := membership.Replay(log)
	switch {
	case errors.Is(err, walcore.ErrChanged):
		return err
	case err != nil:
		r.notKnown("members", "%s", withoutPlace(err))
		return nil
	}
	r.Members = []Member{}
	for _, m := range members {
		r.Members = append(r.Members, Member(m))
	}
	return nil
}

// withoutPlace is an error's text. Where it names a place in a file, problems do, too.
func withoutPlace(err error) string {
	var e *walcore.Error
	if errors.As(err, &e) {
		return fmt.Sprintf("entry %d: %v", e.Index, e.Err)
	}
	return err.Error()
}

// addEntry counts an entry in its log file, and as dead or not.
func (r *Report) addEntry(e *walcore.Entry) {
	r.Entries++
	r.Bytes += e.Size
	if r.Snapshot != nil && e.Index <= r.Snapshot.Index {
		r.Dead.Entries++
		r.Dead.Bytes += e.Size
	}
	if k := len(r.LogFiles); k == 0 || r.LogFiles[k-1].Name != e.File.Name {
		// The time of the file, also where entries have their own.
		r.LogFiles = append(r.LogFiles, LogFile{Name: e.File.Name, FirstIndex: e.Index, Time: e.File.Attr.Made().UTC()})
	}
	f := &r.LogFiles[len(r.LogFiles)-1]
	f.LastIndex = e.Index
	f.Entries++
}

// sentSnapshot is told the last entry at or below the snapshot. Those that are missing up to
// the snapshot are what a leader sent it for.
func (r *Report) sentSnapshot(last uint64) {
	if r.Snapshot != nil && last > 0 && last < r.Snapshot.Index {
		r.SentSnapshot = &replay.Range{First: last + 1, Last: r.Snapshot.Index}
	}
}
