package storage

import (
	"errors"
	"sync"

	"github.com/walfs/walfs/walcore/format"
	"github.com/walfs/walfs/walcore/vfs"
	"go.etcd.io/raft/v3/raftpb"
)

// capacity says how many of the entries a file still takes, which has some slots
// already, and where its payloads end then. When it takes none, the log is rotated.
// The first entry of a file may be of any size.
func (s *DiskStorage) capacity(g *segment, slots int, entries []*raftpb.Entry) (n int, tail int64) {
	tail = g.tail
	if (g.cipher != nil) != s.keys.encrypting() {
		return 0, tail // it was begun before encryption was turned on
	}
	for n < len(entries) && slots+n < s.opts.limits.slots {
		next := tail + format.LengthSize + int64(len(entries[n].GetData()))
		if next > s.opts.limits.bytes && slots+n > 0 {
			break
		}
		tail = next
		n++
	}
	return n, tail
}

// rotate ends a file, if there is one, and begins the next. The old one must be
// on disk, and cut, before there are slots in the new one, for those mean that the
// files before are complete and end with their last payloads. So it is flushed here,
// unless it is staged: payloads were written to it whose slots are not yet, and its
// flush comes with these.
//
// A crash leaves the old file cut at its end or not, and the new one not there or
// without slots: Open removes that.
func (s *DiskStorage) rotate(old *segment, staged bool) (*segment, error) {
	if old != nil {
		if err := old.f.Truncate(old.tail); err != nil {
			return nil, old.fileErr(err)
		}
		old.size = old.tail
		if !staged {
			if err := s.flushFile(old); err != nil {
				return nil, err
			}
		}
	}
	g, err := s.createSegment(s.nextID)
	if err != nil {
		return nil, err
	}
	s.nextID++
	s.log.Debug("new log file", "dir", s.path, "file", g.name, "key_id", g.header.KeyID)
	return g, nil
}

// createSegment makes an empty log file and flushes it and its name: its key
// header must be on disk before any slot is, and its name before any slot is
// acknowledged. Where that fails, the file is removed again.
func (s *DiskStorage) createSegment(id uint64) (_ *segment, err error) {
	g := &segment{id: id, name: format.FileName(id), slotTable: &openTable{}, size: format.NewFileSize,
		end: format.PayloadAt, tail: format.PayloadAt, reserved: format.PayloadAt}
	if g.header, g.cipher, err = s.newFileKey(); err != nil {
		return nil, err
	}
	if g.f, err = s.dir.Create(g.name); err != nil {
		return nil, err
	}
	err = g.f.Truncate(g.size)
	if err == nil {
		err = g.f.Allocate(0, format.PayloadAt)
	}
	if err == nil && s.opts.Sync == SyncAlways {
		_, err = g.f.WriteAt(zeros[:s.opts.limits.slots*format.SlotSize], 0)
	}
	if err == nil && g.header.KeyID != 0 {
		header := format.EncodeKeyHeader(g.header)
		_, err = g.f.WriteAt(header[:], format.KeyHeaderAt)
	}
	if err == nil {
		err = s.flushWithDir(g.f)
	}
	if err != nil {
		return nil, errors.Join(g.fileErr(err), g.f.Close(), s.dir.Remove(g.name))
	}
	s.open[g] = true
	return g, nil
}

// flushWithDir flushes a file and the directory at the same time.
func (s *DiskStorage) flushWithDir(f vfs.File) error {
	var dirErr error
	var wg sync.WaitGroup
	wg.Go(func() { dirErr = s.syncDir() })
	err := s.count.flush(f.Sync)
	wg.Wait()
	return errors.Join(err, dirErr)
}

func (s *DiskStorage) syncDir() error { return s.count.flush(s.dir.Sync) }

// flushFile flushes a log file. The caller poisons the storage if it fails.
func (s *DiskStorage) flushFile(g *segment) error {
	if err := s.count.flush(g.f.Sync); err != nil {
		return g.fileErr(err)
	}
	g.dirty = false
	return nil
}

// remove closes and removes a log file that is not in segments any more.
func (s *DiskStorage) remove(g *segment) error {
	delete(s.open, g)
	return errors.Join(g.f.Close(), s.dir.Remove(g.name))
}

// discardCurrent removes the current file, which has no entry and takes none: it
// was begun before encryption was turned on, and a rewrite has dropped all its
// entries. The directory is flushed when the file after it is made.
//
// A crash leaves it or not; Open removes it.
func (s *DiskStorage) discardCurrent() error {
	g := s.current()
	s.mu.Lock()
	s.segments = s.segments[:len(s.segments)-1]
	s.mu.Unlock()
	return s.remove(g)
}
