package storage

import "runtime/trace"

// RaftID is the node's id in its Raft group, 0 if it was never set.
func (s *DiskStorage) RaftID() uint64 {
	defer trace.StartRegion(s.ctx, "walcore.RaftID").End()
	return s.number(func(m *metaFile) uint64 { return m.raftID })
}

// GroupID is the id of the Raft group, 0 for a Zero's log.
func (s *DiskStorage) GroupID() uint64 {
	defer trace.StartRegion(s.ctx, "walcore.GroupID").End()
	return s.number(func(m *metaFile) uint64 { return m.groupID })
}

// Checkpoint is the index of the last applied entry, as far as it was told. To
// start a node there, call Resume: as raft.Config.Applied alone it would hide
// configuration changes from Raft.
func (s *DiskStorage) Checkpoint() uint64 {
	defer trace.StartRegion(s.ctx, "walcore.Checkpoint").End()
	return s.number(func(m *metaFile) uint64 { return m.checkpoint })
}

func (s *DiskStorage) number(get func(*metaFile) uint64) uint64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return get(&s.meta)
}

// SetRaftID stores the node's id.
func (s *DiskStorage) SetRaftID(id uint64) error {
	defer trace.StartRegion(s.ctx, "walcore.SetRaftID").End()
	return s.setID(func(m *metaFile) { m.raftID = id })
}

// SetGroupID stores the group's id.
func (s *DiskStorage) SetGroupID(id uint64) error {
	defer trace.StartRegion(s.ctx, "walcore.SetGroupID").End()
	return s.setID(func(m *metaFile) { m.groupID = id })
}

// SetCheckpoint stores the index of the last applied entry.
func (s *DiskStorage) SetCheckpoint(index uint64) error {
	defer trace.StartRegion(s.ctx, "walcore.SetCheckpoint").End()
	return s.setID(func(m *metaFile) { m.checkpoint = index })
}
