package tally

import (
	"math"

	"github.com/walfs/walfs/walcore/payload"
)

const blockSize = 1 << 10

// block is up to blockSize transactions, with what tells that one need not be looked for in it.
type block struct {
	txns               []Txn
	minStart, maxStart uint64
	open               int    // how many are not decided
	lastEnd            uint64 // the last index that decided one
	shared             bool   // a Txns has it: it must not be changed
}

// txnList is transactions in the order in which they began.
type txnList struct {
	most int // how many it has at most, in whole blocks
	// loose: it is of a part, and has decisions of transactions that began before, too, as Txns
	// without entries.
	loose bool

	blocks []*block
	left   int            // how many older ones are left off
	lost   int            // at most so many of them were not decided then
	gone   int            // how many were in blocks that are gone
	open   map[uint64]int // from the start timestamp of one that is not decided to its number, which counts gone ones, too
}

// number is that of the next transaction.
func (l *txnList) number() int {
	n := len(l.blocks)
	if n == 0 {
		return l.gone
	}
	return l.gone + (n-1)*blockSize + len(l.blocks[n-1].txns)
}

// write gives the block of a transaction to be changed.
func (l *txnList) write(number int) *block {
	i := (number - l.gone) / blockSize
	b := l.blocks[i]
	if b.shared {
		own := *b
		own.shared = false
		own.txns = append(make([]Txn, 0, max(blockSize/8, min(2*len(b.txns), blockSize))), b.txns...)
		b = &own
		l.blocks[i] = b
	}
	return b
}

// add takes what an entry, or a part, says of a transaction: edges, its end, or both. It
// reports whether that says something of a transaction in the list.
func (l *txnList) add(t Txn) bool {
	number, open := l.open[t.StartTs]
	switch {
	case open:
		l.merge(number, t)
	case t.Entries > 0 || l.loose:
		l.append(t)
	default:
		return false
	}
	return true
}

func (l *txnList) merge(number int, t Txn) {
	b := l.write(number)
	have := &b.txns[(number-l.gone)%blockSize]
	if t.Entries > 0 {
		have.Last = t.Last
		have.Entries = plus(have.Entries, t.Entries)
		have.Edges = plus(have.Edges, t.Edges)
	}
	if t.End > 0 {
		have.End, have.CommitTs = t.End, t.CommitTs
		b.open--
		b.lastEnd = max(b.lastEnd, t.End)
		delete(l.open, t.StartTs)
	}
}

func plus(a, b uint32) uint32 { return uint32(min(uint64(a)+uint64(b), math.MaxUint32)) }

func (l *txnList) append(t Txn) {
	number := l.number()
	if (number-l.gone)%blockSize == 0 {
		l.dropOldest()
		l.blocks = append(l.blocks, &block{minStart: t.StartTs, maxStart: t.StartTs})
	}
	b := l.write(number)
	b.txns = append(b.txns, t)
	b.minStart, b.maxStart = min(b.minStart, t.StartTs), max(b.maxStart, t.StartTs)
	b.lastEnd = max(b.lastEnd, t.End)
	if t.End == 0 {
		b.open++
		if l.open == nil {
			l.open = map[uint64]int{}
		}
		l.open[t.StartTs] = number
	}
}

// dropOldest makes room for a block.
func (l *txnList) dropOldest() {
	if len(l.blocks) < l.most/blockSize {
		return
	}
	for _, t := range l.blocks[0].txns {
		if t.End == 0 {
			delete(l.open, t.StartTs)
		}
	}
	l.lost += l.blocks[0].open
	l.left += blockSize
	l.gone += blockSize
	l.blocks = l.blocks[1:]
}

// addAll adds what the list of a part has, in which so many began. nil: it is left off.
func (l *txnList) addAll(next *txnList, begun int) {
	if next == nil {
		l.left += begun
		return
	}
	l.left += next.left
	l.lost += next.lost
	for _, b := range next.blocks {
		for _, t := range b.txns {
			l.add(t)
		}
	}
}

// addFacts adds what an entry says to the list, and what the list can use of it to that of the
// entry's part.
func (l *txnList) addFacts(of *txnList, index uint64, f *payload.Facts) {
	if ts, ok := f.Starts(); ok {
		edges := Txn{StartTs: ts, First: index, Last: index, Entries: 1, Edges: uint32(min(uint64(f.Edges), math.MaxUint32))}
		l.add(edges)
		of.add(edges)
	}
	for t := range f.Txns() {
		end := Txn{StartTs: t.StartTs, End: index, CommitTs: t.CommitTs}
		if l.add(end) {
			of.add(end)
		}
	}
}

// oldest is the index that the oldest transaction began at.
func (l *txnList) oldest() uint64 { return l.blocks[0].txns[0].First }

// publish gives the list as it is now.
func (l *txnList) publish() *Txns {
	t := &Txns{blocks: append([]*block(nil), l.blocks...), len: l.number() - l.gone, Left: l.left}
	for _, b := range l.blocks {
		b.shared = true
	}
	return t
}
