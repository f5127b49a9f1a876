package storage

import (
	"fmt"
	"runtime/trace"
	"slices"

	"github.com/walfs/walfs/walcore/format"
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/encoding/protowire"
)

// readWindow is how much of a log file goes into one buffer. An entry that is kept
// keeps all of its buffer.
const readWindow = 1 << 20

// readAtOnce is how much Entries reads before it makes entries of it. The garbage
// collector runs again and again while memory grows. It passes over buffers, but
// follows the pointers of every entry: so most of the memory is there before them.
const readAtOnce = 32 << 20

// Entries returns the entries from index lo up to, but without, index hi: as many
// as fit into maxSize bytes in Raft's encoding, but at least one. It fails with
// [raft.ErrCompacted] or [raft.ErrUnavailable] as [raft.Storage] says, and with
// [walcore.ErrDamaged] where the disk no longer holds what was stored.
//
// The caller owns the slice. The entries must not be changed: they share
// buffers. A normal entry's Type and an empty entry's Data are nil, as Raft
// makes them.
func (s *DiskStorage) Entries(lo, hi, maxSize uint64) ([]*raftpb.Entry, error) {
	defer trace.StartRegion(s.ctx, "walcore.Entries").End()
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.err != nil {
		return nil, s.err
	}
	first, last := s.firstIndex(), s.lastIndex()
	switch {
	case lo < first:
		return nil, raft.ErrCompacted
	case lo > hi:
		return nil, fmt.Errorf("entries from %d to %d: the range ends before it begins", lo, hi)
	case hi > last+1, last < first:
		return nil, raft.ErrUnavailable
	}
	b := batch{log: s.segments, left: maxSize}
	var few [4]window // not on the heap, for those who ask for an entry or two
	for lo < hi && !b.atLimit {
		windows, err := s.windows(few[:0], lo, hi, min(b.left, readAtOnce))
		if err != nil {
			return nil, err
		}
		if err := b.add(windows); err != nil {
			return nil, err
		}
		for _, w := range windows {
			lo += uint64(w.n)
		}
	}
	return b.entries, nil
}

// windows reads entries from index lo up to, but without, hi, and appends them to
// list, which is empty: as many as fit into most bytes as they are on disk, but at
// least one.
func (s *DiskStorage) windows(list []window, lo, hi, most uint64) ([]window, error) {
	for lo < hi && (most > 0 || len(list) == 0) {
		g, i := s.find(lo)
		w, err := g.window(i, min(g.slots()-i, int(hi-lo)), min(most, readWindow))
		switch {
		case err != nil && len(list) == 0:
			return nil, err
		case err != nil:
			// In Raft's encoding what was read may fill maxSize. If it does not, the
			// next call fails.
			return list, nil
		}
		list = append(list, w)
		lo += uint64(w.n)
		most -= min(uint64(len(w.buf)), most)
	}
	return list, nil
}

// batch gathers the entries of one call.
type batch struct {
	log     []*segment
	entries []*raftpb.Entry
	term    *uint64 // the last entry's: most entries share it with the one before
	left    uint64  // of maxSize
	atLimit bool    // the next entry is larger than what is left
	scratch [format.SlotSize]byte
}

// add takes the entries of windows, up to the first one that is larger than what is
// left.
func (b *batch) add(windows []window) error {
	n := 0
	for _, w := range windows {
		n += w.n
	}
	b.entries = slices.Grow(b.entries, n)
	for _, w := range windows {
		if err := b.addWindow(w); err != nil || b.atLimit {
			return err
		}
	}
	return nil
}

// numbered is an entry, and beside it the index that it points to.
type numbered struct {
	entry raftpb.Entry
	index uint64
}

func (b *batch) addWindow(w window) error {
	g, start := w.g, w.g.offset(w.first)
	list := make([]numbered, w.n)
	slots, next := g.slots(), g.slot(w.first)
	for j := range list {
		i, slot, limit := w.first+j, next, g.end
		if i+1 < slots {
			next = g.slot(i + 1)
			limit = int64(next.Offset)
		}
		data, err := g.payload(b.log, i, slot, limit, &b.scratch, w.buf, start)
		if err != nil {
			return err
		}
		e := &list[j].entry
		list[j].index = slot.Index
		b.set(e, slot, &list[j].index, data)
		size := entrySize(slot, len(e.Data))
		if size > b.left && len(b.entries) > 0 {
			b.atLimit = true
			return nil
		}
		if g.cipher != nil {
			format.Decrypt(g.cipher, g.header.IV(slot.Offset), e.Data, 0)
		}
		b.left -= min(size, b.left)
		b.entries = append(b.entries, e)
	}
	return nil
}

// set fills in an entry. index is where the entry's index stays.
func (b *batch) set(e *raftpb.Entry, s format.Slot, index *uint64, data []byte) {
	if b.term == nil || *b.term != s.Term {
		term := s.Term
		b.term = &term
	}
	e.Term, e.Index = b.term, index
	if len(data) > 0 {
		e.Data = data
	}
	if s.Type != raftpb.EntryType_EntryNormal {
		e.Type = s.Type.Enum()
	}
}

// entrySize is an entry's size in Raft's encoding, without reflection.
func entrySize(s format.Slot, data int) uint64 {
	n := 2 + protowire.SizeVarint(s.Term) + protowire.SizeVarint(s.Index)
	if s.Type != raftpb.EntryType_EntryNormal {
		n += 1 + protowire.SizeVarint(uint64(s.Type))
	}
	if data > 0 {
		n += 1 + protowire.SizeBytes(data)
	}
	return uint64(n)
}
