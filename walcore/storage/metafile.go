package storage

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/walfs/walfs/meta"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
	"github.com/walfs/walfs/walcore/vfs"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// newMetaName is what a new wal.meta is called until it is complete.
const newMetaName = format.MetaName + ".new"

// hardState is a raftpb.HardState that can be compared.
type hardState struct{ term, vote, commit uint64 }

// metaFile is an open wal.meta.
type metaFile struct {
	f     vfs.File
	dirty bool // written since the last flush

	raftID, groupID, checkpoint uint64
	hard                        hardState
	emptying                    emptying
	snapIndex, snapTerm         uint64
	conf                        *raftpb.ConfState // the snapshot's; nil: there is none
	dataAt, dataSize            int64             // where the snapshot's blob is
}

func (m *metaFile) confState() *raftpb.ConfState {
	return raftpb.EnsureConfState(proto.Clone(m.conf).(*raftpb.ConfState))
}

// openMeta reads a wal.meta.
func openMeta(f vfs.File) (metaFile, error) {
	size, err := f.Size()
	if err != nil {
		return metaFile{}, err
	}
	read, err := meta.Read(f, size)
	if err != nil {
		return metaFile{}, err
	}
	if len(read.Faults) > 0 {
		fault := read.Faults[0]
		return metaFile{}, walcore.FileError(format.MetaName, fmt.Errorf("%s: %w; restore the file or the replica", fault.Message, walcore.ErrDamaged)).At(fault.Offset)
	}
	m := metaFile{
		f: f, raftID: *read.RaftID, groupID: *read.GroupID, checkpoint: *read.CheckpointIndex,
		hard: hardState{read.HardState.GetTerm(), read.HardState.GetVote(), read.HardState.GetCommit()},
	}
	m.emptying.index, m.emptying.term = read.Emptying()
	if snap := read.Snapshot; snap != nil {
		m.snapIndex, m.snapTerm = *read.SnapshotIndex, *read.SnapshotTerm
		m.conf = raftpb.EnsureConfState(snap.Metadata.GetConfState())
		m.dataAt, m.dataSize = snap.DataAt, snap.DataSize
	}
	return m, nil
}

// snapshot reads the snapshot.
func (m *metaFile) snapshot() (*raftpb.Snapshot, error) {
	snap := &raftpb.Snapshot{Metadata: &raftpb.SnapshotMetadata{
		ConfState: m.confState(), Index: proto.Uint64(m.snapIndex), Term: proto.Uint64(m.snapTerm)}}
	if m.dataAt > 0 {
		snap.Data = make([]byte, m.dataSize)
		if _, err := m.f.ReadAt(snap.Data, m.dataAt); err != nil {
			return nil, walcore.FileError(format.MetaName, err).At(uint64(m.dataAt))
		}
	}
	return snap, nil
}

// saveHardState writes a hard state: one write within one sector. It is flushed
// when term or vote change. A commit index alone is not: after a power loss it may
// be an older one, which Raft finds out about.
//
// A crash leaves the old hard state or the new one.
func (s *DiskStorage) saveHardState(hs hardState) error {
	lazy := hs.term == s.meta.hard.term && hs.vote == s.meta.hard.vote
	return s.writeMeta(meta.EncodeHardState(hs.term, hs.vote, hs.commit), lazy, func(m *metaFile) { m.hard = hs })
}

// setID changes one of the three numbers at the file's beginning: one write
// within one sector, flushed.
//
// A crash leaves the old one or the new one.
func (s *DiskStorage) setID(set func(m *metaFile)) error {
	if err := s.beginWrite(); err != nil {
		return err
	}
	defer s.write.Unlock()
	m := s.meta
	set(&m)
	if m.raftID == s.meta.raftID && m.groupID == s.meta.groupID && m.checkpoint == s.meta.checkpoint {
		return nil
	}
	return s.writeMeta(meta.EncodeIDs(m.raftID, m.groupID, m.checkpoint), false, set)
}

func (s *DiskStorage) writeMeta(b meta.Patch, lazy bool, set func(*metaFile)) error {
	if err := s.storeMeta(b); err != nil {
		return s.poison(walcore.FileError(format.MetaName, err).At(uint64(b.At)))
	}
	s.meta.dirty = true
	if s.opts.Sync == SyncAlways && !lazy {
		if err := s.flushMeta(); err != nil {
			return err
		}
	}
	s.mu.Lock()
	set(&s.meta)
	s.mu.Unlock()
	return nil
}

// mappedMeta is how much of wal.meta is mapped: the ids and the hard state.
const mappedMeta = 1024

func (s *DiskStorage) storeMeta(b meta.Patch) error {
	if s.opts.Sync == SyncManual {
		if mapped := s.meta.f.Map(mappedMeta); mapped != nil {
			if done, err := storeOne(mapped, int(b.At), b.Bytes); done || err != nil {
				return storeErr(err, s.meta.f, b.Bytes, b.At)
			}
		}
	}
	_, err := s.meta.f.WriteAt(b.Bytes, b.At)
	return err
}

func (s *DiskStorage) flushMeta() error {
	if err := s.count.flush(s.meta.f.Sync); err != nil {
		return s.poison(walcore.FileError(format.MetaName, err))
	}
	s.meta.dirty = false
	return nil
}

// replaceMeta puts a new wal.meta in the place of the old one: it is written
// beside the old one, flushed and renamed, and the directory is flushed. also is
// called, with mu held, when readers begin to see the new one.
//
// A crash leaves the old file or the new one, each whole. Open removes what is
// left under the other name.
func (s *DiskStorage) replaceMeta(snap *raftpb.Snapshot, hs hardState, also func()) error {
	tail, size, err := meta.EncodeSnapshot(snap)
	if err != nil {
		return err
	}
	head := []meta.Patch{{Bytes: make([]byte, meta.HeadSize)}, tail}
	if s.meta.f != nil {
		// What is between the fields is kept, whoever may have written it.
		if _, err := s.meta.f.ReadAt(head[0].Bytes, 0); err != nil {
			return s.poison(walcore.FileError(format.MetaName, err))
		}
	}
	if hs != s.meta.hard {
		head = append(head, meta.EncodeHardState(hs.term, hs.vote, hs.commit))
	}
	f, err := s.writeNewMeta(head, size)
	if err != nil {
		return s.poison(err)
	}
	return s.adoptMeta(f, also)
}

// adoptMeta makes a new wal.meta, which has replaced the old one on disk, the one
// that the storage works with.
func (s *DiskStorage) adoptMeta(f vfs.File, also func()) error {
	m, err := openMeta(f)
	if err != nil {
		return s.poison(errors.Join(err, f.Close()))
	}
	s.mu.Lock()
	old := s.meta.f
	s.meta = m
	also()
	s.mu.Unlock()
	if old != nil {
		old.Close() // nothing in it matters any more
	}
	return nil
}

func (s *DiskStorage) writeNewMeta(parts []meta.Patch, size int64) (vfs.File, error) {
	if err := s.dir.Remove(newMetaName); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	f, err := s.dir.Create(newMetaName)
	if err != nil {
		return nil, err
	}
	err = f.Truncate(size)
	for _, p := range parts {
		if err == nil && !format.AllZero(p.Bytes) {
			_, err = f.WriteAt(p.Bytes, p.At)
		}
	}
	if err == nil {
		err = s.count.flush(f.Sync)
	}
	if err == nil {
		err = s.dir.Rename(newMetaName, format.MetaName)
	}
	if err == nil {
		err = s.syncDir()
	}
	if err != nil {
		return nil, errors.Join(walcore.FileError(newMetaName, err), f.Close())
	}
	return f, nil
}

// rewriteMeta replaces wal.meta by a copy of it with some bytes changed.
//
// A crash leaves the old file or the new one, each whole.
func (s *DiskStorage) rewriteMeta(changed ...meta.Patch) error {
	size, err := s.meta.f.Size()
	if err != nil {
		return s.poison(err)
	}
	var parts []meta.Patch
	const step = 64 << 10 // pieces without anything in them are left out
	for at := int64(0); at < size; at += step {
		b := make([]byte, min(step, size-at))
		if _, err := s.meta.f.ReadAt(b, at); err != nil {
			return s.poison(walcore.FileError(format.MetaName, err).At(uint64(at)))
		}
		if at == 0 || !format.AllZero(b) {
			parts = append(parts, meta.Patch{At: at, Bytes: b})
		}
	}
	for _, c := range changed {
		// Into the first piece: a write of zeros would be left out.
		copy(parts[0].Bytes[c.At:], c.Bytes)
	}
	f, err := s.writeNewMeta(parts, size)
	if err != nil {
		return s.poison(err)
	}
	return s.adoptMeta(f, func() {})
}
