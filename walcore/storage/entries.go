package storage

import (
	"fmt"
	"runtime/trace"

	"github.com/walfs/walfs/walcore/format"
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/encoding/protowire"
)

// readWindow is how much of a log file Entries reads at once.
const readWindow = 1 << 20

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
	for lo < hi && !b.atLimit {
		g, i := s.find(lo)
		n := min(g.slots()-i, int(hi-lo))
		got, err := b.read(g, i, n)
		if err != nil {
			return nil, err
		}
		lo += uint64(got)
	}
	return b.entries, nil
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

// read takes entries from slot i on, n at most: those of one window of the
// file. It returns how many it has taken.
func (b *batch) read(g *segment, i, n int) (int, error) {
	k, window, err := g.window(i, n, min(b.left, readWindow))
	if err != nil {
		return 0, err
	}
	start := g.offset(i)
	entries, indexes := make([]raftpb.Entry, k), make([]uint64, k)
	if b.entries == nil {
		b.entries = make([]*raftpb.Entry, 0, k)
	}
	slots, next := g.slots(), g.slot(i)
	for j := range k {
		slot, limit := next, g.end
		if i+j+1 < slots {
			next = g.slot(i + j + 1)
			limit = int64(next.Offset)
		}
		data, err := g.payload(b.log, i+j, slot, limit, &b.scratch, window, start)
		if err != nil {
			return 0, err
		}
		e := &entries[j]
		indexes[j] = slot.Index
		b.set(e, slot, &indexes[j], data)
		size := entrySize(slot, len(e.Data))
		if size > b.left && len(b.entries) > 0 {
			b.atLimit = true
			return j, nil
		}
		if g.cipher != nil {
			format.Decrypt(g.cipher, g.header.IV(slot.Offset), e.Data, 0)
		}
		b.left -= min(size, b.left)
		b.entries = append(b.entries, e)
	}
	return k, nil
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
