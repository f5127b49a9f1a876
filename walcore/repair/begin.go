package repair

import (
	"errors"
	"fmt"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/confstate"
	"github.com/walfs/walfs/walcore/format"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

const registryName = format.KeyRegistryName

// This file finds where the log begins: behind a snapshot that is whole, or at the
// first entry of a log that has had none.

// takeSnapshot keeps the snapshot if it is whole. Its index and term stand beside it,
// too; where those differ, the node was stopped while it stored another one. What is
// in the snapshot was written at once with its conf state and data, and counts.
func (p *planner) takeSnapshot() error {
	stored := p.meta.Snapshot
	if stored == nil || stored.Index == 0 {
		return nil
	}
	if p.wrong.snapshot != "" {
		p.remark("The snapshot is left out: %s.", p.wrong.snapshot)
		return nil
	}
	raw := make([]byte, stored.Stored.Size)
	if _, err := stored.Stored.ReadAt(raw, 0); err != nil {
		if errors.Is(err, walcore.ErrChanged) {
			return err
		}
		p.remark("The snapshot cannot be read: %v.", err)
		return nil
	}
	snap := &raftpb.Snapshot{}
	if err := proto.Unmarshal(raw, snap); err != nil {
		p.remark("The snapshot does not parse: %v.", err)
		return nil
	}
	md := snap.GetMetadata()
	switch _, err := confstate.From(md.GetConfState()); {
	case md.GetIndex() > walcore.MaxNumber || md.GetTerm() > walcore.MaxNumber || md.GetTerm() == 0:
		p.remark("The snapshot is at index %d, term %d: no log has that. It is left out.", md.GetIndex(), md.GetTerm())
	case err != nil:
		p.remark("The snapshot is left out: %v.", err)
	case len(md.GetConfState().GetVoters()) == 0:
		p.remark("The snapshot at index %d is left out: its conf state names no voters.", md.GetIndex())
	default:
		p.Snapshot = snap
		if at := p.meta.SnapshotIndex; at != nil && *at != md.GetIndex() {
			p.remark("wal.meta announces a snapshot at index %d and holds the one at %d, which is whole and is kept.", *at, md.GetIndex())
		}
	}
	return nil
}

// snapshotIndex and snapshotTerm are those of the snapshot that is kept, or 0.
func (p *Plan) snapshotIndex() uint64 { return p.Snapshot.GetMetadata().GetIndex() }
func (p *Plan) snapshotTerm() uint64  { return p.Snapshot.GetMetadata().GetTerm() }

// findFirst finds the index that the log has to begin with.
func (p *planner) findFirst() {
	if p.Snapshot != nil {
		p.First = p.snapshotIndex() + 1
		p.checkContinues()
		return
	}
	p.First = 1
	first, found := p.firstSlot()
	// A log can begin behind index 1 without a snapshot, as its first file then shows.
	if found && first.Index > 1 && p.noSnapshot() && first.Slot == 0 && first.File.ID == 1 {
		p.First = first.Index
	}
}

func (p *planner) firstSlot() (first walcore.Entry, found bool) {
	for e := range p.log.Outline(0) {
		return e, true
	}
	return first, false
}

// noSnapshot reports whether it is certain that there was never one.
func (p *planner) noSnapshot() bool {
	return !p.metaLost() && p.meta.Snapshot != nil && p.meta.Snapshot.Index == 0 &&
		p.meta.SnapshotIndex != nil && *p.meta.SnapshotIndex == 0
}

// metaLost reports whether wal.meta says nothing: it is not there, or holds only
// zeros beside a log that has entries.
func (p *planner) metaLost() bool {
	m := p.meta
	if m.RaftID == nil {
		return true
	}
	zero := func(n *uint64) bool { return n == nil || *n == 0 }
	_, entries := p.firstSlot()
	return entries && zero(m.RaftID) && zero(m.GroupID) && zero(m.CheckpointIndex) && zero(m.SnapshotIndex) &&
		(m.HardState == nil || *m.HardState == walcore.HardState{}) && (m.Snapshot == nil || m.Snapshot.Index == 0)
}

// checkContinues drops the log if it is not the snapshot's: a snapshot from another
// node replaces the entries that are there, and a crash can leave them. They have
// another term at its index then. But if the commit index is beyond the snapshot, the
// entries behind it came after it, and only what is at its index is wrong.
func (p *planner) checkContinues() {
	index, term := p.snapshotIndex(), p.snapshotTerm()
	at, before := uint64(0), uint64(0)
	for e := range p.log.Outline(index) {
		if e.Index > index+1 {
			break
		}
		if e.Index == index {
			at = e.Term
		} else {
			before = e.Term
		}
	}
	hs := p.meta.HardState
	p.replaced = true
	switch {
	case before > 0 && before < term:
		p.stopped = fmt.Errorf("entry %d has term %d, below the snapshot's %d: the snapshot has replaced the log: %w",
			index+1, before, term, walcore.ErrDamaged)
	case at > 0 && at != term && (hs == nil || hs.Commit <= index):
		p.stopped = fmt.Errorf("entry %d has term %d, the snapshot at this index has term %d: the snapshot has replaced the log: %w",
			index, at, term, walcore.ErrDamaged)
	default:
		p.replaced = false
	}
}

func (p *planner) remark(text string, args ...any) {
	p.Remarks = append(p.Remarks, fmt.Sprintf(text, args...))
}
