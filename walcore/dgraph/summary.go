package dgraph

import (
	"fmt"
	"path/filepath"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
	"go.etcd.io/raft/v3/raftpb"
)

// system is what Dgraph calls its entries.
var system = walcore.System{Name: walcore.Dgraph, Types: walcore.RaftTypes}

// summarize puts what wal.meta says into the words that all systems share.
func (r *Reader) summarize() walcore.Meta {
	m := walcore.Meta{
		Path: r.follower.path, Dir: r.attr, Attr: r.attr, Ignored: r.ignored, System: &system, Damaged: !r.metaWhole(),
		RaftID: r.meta.RaftID, GroupID: r.meta.GroupID, CheckpointIndex: r.meta.CheckpointIndex,
		SnapshotIndex: r.meta.SnapshotIndex, SnapshotTerm: r.meta.SnapshotTerm,
	}
	if r.metaFile != nil {
		m.Attr = r.metaFile.Attr
	}
	if hs := r.meta.HardState; hs != nil {
		m.HardState = &walcore.HardState{Term: hs.GetTerm(), Vote: hs.GetVote(), Commit: hs.GetCommit()}
	}
	switch s := r.meta.Snapshot; {
	case s != nil:
		m.Snapshot = &walcore.Snapshot{
			Index: s.Metadata.GetIndex(), Term: s.Metadata.GetTerm(), ConfState: confState(s.Metadata.GetConfState()), Attr: m.Attr,
			Data:   walcore.Section{ReaderAt: snapshotPart{r, s.DataAt}, Size: s.DataSize},
			Stored: walcore.Section{ReaderAt: snapshotPart{r, s.At}, Size: s.Size},
		}
	case !r.meta.SnapshotDamaged():
		m.Snapshot = &walcore.Snapshot{}
	}
	return m
}

// metaWhole reports whether wal.meta was read, and nothing in it is damaged.
func (r *Reader) metaWhole() bool {
	return r.metaFile != nil && r.meta.RaftID != nil && len(r.meta.Faults) == 0
}

func confState(cs *raftpb.ConfState) walcore.ConfState {
	return walcore.ConfState{
		Voters:         cs.GetVoters(),
		Learners:       cs.GetLearners(),
		VotersOutgoing: cs.GetVotersOutgoing(),
		LearnersNext:   cs.GetLearnersNext(),
		AutoLeave:      cs.GetAutoLeave(),
	}
}

// snapshotPart is a part of the snapshot in wal.meta, from at on.
type snapshotPart struct {
	r  *Reader
	at int64
}

// ReadAt fails with ErrChanged if, after it was read, the snapshot is no longer
// the one that was found.
func (s snapshotPart) ReadAt(p []byte, off int64) (int, error) {
	if n, err := s.r.metaFile.ReadAt(p, s.at+off); err != nil {
		return n, err
	}
	same, err := s.r.meta.SameSnapshot(s.r.metaFile)
	if err == nil && !same {
		err = fmt.Errorf("%s: the snapshot was replaced: %w", filepath.Join(s.r.follower.path, format.MetaName), walcore.ErrChanged)
	}
	if err != nil {
		return 0, err
	}
	return len(p), nil
}
