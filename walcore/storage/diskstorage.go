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

// DiskStorage is a [raft.Storage] in a directory. Its methods may be called from
// many goroutines. Those that write wait for one another; those that read do not
// wait for a writer's flushes.
type DiskStorage struct {
	path string
	opts Options
	log  *slog.Logger
	ctx  context.Context // of trace regions
	lock *platform.Lock
	dir  vfs.Dir
	keys *writeKeys

	count counters

	// write is held by a call that writes, from its beginning to its end. Its
	// holder alone changes what mu protects, and may read that without mu.
	write  sync.Mutex
	open   map[*segment]bool // log files that are open, in segments or not
	nextID uint64            // of the next log file
	slots  []byte            // those of a Save; reused
	parts  []part            // likewise
	buf    []byte            // payloads; reused

	// mu protects what readers look at. A reader holds it while it reads from
	// disk. A writer holds it to change what is in memory, never while it writes
	// or flushes: it first sees to it that no reader can find a file or a payload
	// any more, then removes or overwrites it without mu.
	mu       sync.RWMutex
	err      error      // of the first failed write or flush; every call fails after it
	segments []*segment // by first index; only the last may be empty
	meta     metaFile
	problems []walcore.Problem // what Open has found

	start startNotes
}

var _ raft.Storage = (*DiskStorage)(nil)

// beginWrite begins a call that writes. If it succeeds, s.write is locked.
func (s *DiskStorage) beginWrite() error {
	s.write.Lock()
	if s.err != nil {
		s.write.Unlock()
		return s.err
	}
	return nil
}

// poison makes every later call fail with err. The kernel counts pages that it
// could not write as written: a second flush would succeed and mean nothing.
func (s *DiskStorage) poison(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = err
		s.log.Error("storage stopped: a write or flush has failed; open it again", "dir", s.path, "err", err)
	}
	return s.err
}

// Problems lists what Open has found wrong. It has repaired most of it: it has
// dropped slots that a crash had left incomplete, or entries that a snapshot has
// replaced. A hard state that is older than the log it only reports.
func (s *DiskStorage) Problems() []walcore.Problem {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return append([]walcore.Problem(nil), s.problems...)
}

// Sync flushes everything that was saved: entries first, then wal.meta, so that a
// crash in between leaves no commit index beyond the log's end.
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

// syncLog flushes the current log file. Those before were flushed when they were
// full.
func (s *DiskStorage) syncLog() error {
	if g := s.current(); g != nil && g.dirty {
		if err := s.flushFile(g); err != nil {
			return s.poison(err)
		}
	}
	return nil
}

// Close flushes and closes the storage. Calls after it fail with
// [walcore.ErrClosed].
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
// fails with [raft.ErrCompacted] or [raft.ErrUnavailable].
func (s *DiskStorage) Term(i uint64) (uint64, error) {
	defer trace.StartRegion(s.ctx, "walcore.Term").End()
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.term(i)
}
