package storage

import (
	"context"
	"errors"
	"log/slog"
	"runtime/trace"
	"sync"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/platform"
	"github.com/walfs/walfs/walcore/vfs"
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
)

// SyncMode says when what was saved is on disk for good.
type SyncMode int

const (
	// SyncAlways: what a call has acknowledged survives power loss. A commit
	// index that moves alone is the exception: it is written, not flushed, for
	// Raft finds it out again.
	SyncAlways SyncMode = iota
	// SyncManual: what a call has acknowledged survives the end of the
	// process, however it ends; power loss may take everything since the
	// last Sync, and without Checksums may leave entries with wrong payloads
	// in its place, or a commit index beyond the log's end, with which Raft does
	// not start. It is how Dgraph runs by default.
	SyncManual
)

// Options say how a DiskStorage works.
type Options struct {
	// Create makes an empty log where there is none, and the directory too.
	// Without it, Open fails with ErrNotRaftDir there.
	Create bool
	// Key encrypts the payloads: 16, 24 or 32 bytes, or none.
	Key []byte
	// Plain takes files with key id 0 for plain ones although there is a key:
	// a log that was written before encryption was on. Its new files are
	// encrypted.
	Plain bool
	Sync  SyncMode
	// Checksums adds a CRC-32C of slot and payload to every slot. Dgraph
	// reads over it. Damage is found when an entry is read, and a durable
	// append takes one flush where it takes two without.
	Checksums bool
	// DryRun changes nothing in the directory, which must be there: what is
	// written is kept in memory, and is gone when the storage is closed. It
	// tells whether Open and the calls after it would succeed, short of
	// failures of the disk, and what they would do.
	DryRun bool
	// Logger gets what Open has found and mended as warnings, and rotations,
	// compactions and rewrites as debug messages. Nil is slog.Default().
	Logger *slog.Logger

	wrap   func(vfs.Dir) vfs.Dir // tests see and fail what is written
	limits limits
}

// limits bound a log file. Tests make them small.
type limits struct {
	slots int
	bytes int64
}

// DiskStorage is a raft.Storage in a directory of the native format. Its
// methods may be called from many goroutines; those that write wait for one
// another, and those that read do not wait for the disk flushes of a writer.
type DiskStorage struct {
	path string
	opts Options
	log  *slog.Logger
	ctx  context.Context // of trace regions
	lock *platform.Lock
	dir  vfs.Dir
	keys *writeKeys

	count counters

	// write is held by a call that writes, from its beginning to its end. A
	// holder may read what mu protects without mu.
	write  sync.Mutex
	open   map[*segment]bool // log files that are open, in segments or not
	nextID uint64            // of the next log file
	slots  []byte            // those of a Save, reused
	parts  []part            // likewise
	buf    []byte            // payloads, reused

	// mu protects what readers look at. It is held for reading over reads from
	// disk, and for writing in memory only, so that a file is closed or a
	// payload overwritten only when no reader is left that looks for it.
	mu       sync.RWMutex
	err      error      // the first failed write or flush: nothing works after it
	segments []*segment // by first index; only the last may be empty
	meta     metaFile
	problems []walcore.Problem // what Open has found and mended

	start startNotes
}

var _ raft.Storage = (*DiskStorage)(nil)

// beginWrite starts a call that writes. The caller unlocks s.write if it succeeds.
func (s *DiskStorage) beginWrite() error {
	s.write.Lock()
	if s.err != nil {
		s.write.Unlock()
		return s.err
	}
	return nil
}

// poison makes every later call fail with err. The kernel takes pages whose
// write-back has failed for clean: a second flush would succeed and mean
// nothing.
func (s *DiskStorage) poison(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = err
		s.log.Error("storage stopped: a write or flush has failed; open it again", "dir", s.path, "err", err)
	}
	return s.err
}

// Problems lists what Open has found wrong and mended, or what it could not
// mend but Raft should know: a torn tail that it has dropped, entries that a
// snapshot has replaced, a commit index beyond the log.
func (s *DiskStorage) Problems() []walcore.Problem {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return append([]walcore.Problem(nil), s.problems...)
}

// Sync makes everything saved so far durable: entries first, then wal.meta,
// so that a crash in between leaves no commit index beyond the log.
func (s *DiskStorage) Sync() error {
	defer trace.StartRegion(s.ctx, "walcore.Sync").End()
	if err := s.beginWrite(); err != nil {
		return err
	}
	defer s.write.Unlock()
	return s.syncAll()
}

func (s *DiskStorage) syncAll() error {
	if err := s.syncLog(); err != nil {
		return err
	}
	if s.meta.dirty {
		return s.flushMeta()
	}
	return nil
}

// syncLog flushes the log file that has unflushed writes: only the current
// one can have any, for rotation flushes the one before.
func (s *DiskStorage) syncLog() error {
	if g := s.current(); g != nil && g.dirty {
		if err := s.flushFile(g); err != nil {
			return s.poison(err)
		}
	}
	return nil
}

// Close flushes and closes the storage. Calls after it fail with ErrClosed.
func (s *DiskStorage) Close() error {
	defer trace.StartRegion(s.ctx, "walcore.Close").End()
	s.write.Lock()
	defer s.write.Unlock()
	if errors.Is(s.err, walcore.ErrClosed) {
		return walcore.ErrClosed
	}
	err := s.err
	if err == nil {
		err = s.syncAll()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = walcore.ErrClosed
	return errors.Join(err, s.closeFiles())
}

func (s *DiskStorage) closeFiles() error {
	var errs []error
	for g := range s.open {
		errs = append(errs, g.f.Close())
	}
	s.segments, s.open = nil, nil
	if s.meta.f != nil {
		errs = append(errs, s.meta.f.Close())
	}
	if s.keys != nil {
		errs = append(errs, s.keys.close())
	}
	if s.dir != nil {
		errs = append(errs, s.dir.Close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}

// NumEntries is the number of entries from FirstIndex to LastIndex.
func (s *DiskStorage) NumEntries() int {
	defer trace.StartRegion(s.ctx, "walcore.NumEntries").End()
	s.mu.RLock()
	defer s.mu.RUnlock()
	return int(s.lastIndex() + 1 - s.firstIndex())
}

// InitialState returns the hard state, nil if none was saved, and the conf
// state of the snapshot. A commit index below the snapshot's is raised to it:
// what is in a snapshot was committed, and Raft refuses to start otherwise.
//
// It is the state for a node whose raft.Config.Applied is 0 or the snapshot's
// index; Resume is for one that has applied more. Raft says nothing where it cannot
// work, so the Logger gets a warning for a log that names no voters, unless it is new
// and the application has asked IsNew; and, unless Resume was called, for
// configuration changes between the snapshot and the checkpoint, which would be
// lost on a node whose Applied is the checkpoint.
func (s *DiskStorage) InitialState() (*raftpb.HardState, *raftpb.ConfState, error) {
	defer trace.StartRegion(s.ctx, "walcore.InitialState").End()
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.err != nil {
		return nil, nil, s.err
	}
	cs := s.meta.confState()
	s.warnVoters(cs, s.meta.snapIndex)
	s.warnCheckpoint()
	return s.initialHardState(s.meta.snapIndex), cs, nil
}

// FirstIndex is the first index that Entries may serve: the one after the
// snapshot's, or the first entry's.
func (s *DiskStorage) FirstIndex() (uint64, error) {
	defer trace.StartRegion(s.ctx, "walcore.FirstIndex").End()
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.firstIndex(), s.err
}

// LastIndex is the last entry's index, or the snapshot's if there is none.
func (s *DiskStorage) LastIndex() (uint64, error) {
	defer trace.StartRegion(s.ctx, "walcore.LastIndex").End()
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.lastIndex(), s.err
}

// Term returns the term of the entry at index i, or of the snapshot there. It
// fails with raft.ErrCompacted or raft.ErrUnavailable.
func (s *DiskStorage) Term(i uint64) (uint64, error) {
	defer trace.StartRegion(s.ctx, "walcore.Term").End()
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.term(i)
}
