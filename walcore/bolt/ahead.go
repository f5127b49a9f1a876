package bolt

import (
	"bytes"
	"runtime"
	"sync"
)

// Leaves keeps what a visitor needs of leaves that are read ahead.
type Leaves interface {
	// Read takes it from a leaf, from an element on. The leaf is valid until Read returns.
	Read(p Page, from int)
	// Take uses what was read, and drops it.
	Take() error
	// Drop drops what was read.
	Drop()
}

// ahead is a walk whose leaves are read in batches, side by side. The batches are taken in the
// order of their keys.
type ahead struct {
	t         *Tree
	v         Visitor
	from      []byte
	leafDepth int      // how deep the leaves are: all alike in a sound tree
	reading   []*batch // the oldest first
	free      []*batch
}

// batch is children of a branch that a goroutine reads. They should all be leaves.
type batch struct {
	db          DB
	branch      *Page  // a copy, which other batches share
	high        []byte // is above all of its keys; nil: there is no such bound
	first, last int    // which children
	leaves      Leaves
	// amiss says that one of them is no leaf, a large one, or cannot be read: all are walked
	// through again, one after the other.
	amiss bool
	read  sync.WaitGroup
}

const (
	batchBytes = 512 << 10
	// aheadOfOne is how many batches are read ahead for each processor, which need not wait then
	// until one is taken. mostAhead bounds how many there are in all.
	aheadOfOne, mostAhead = 4, 16
	// largestAhead is how large a page can be: several are in memory.
	largestAhead = 1 << 20
)

// walkAhead is Walk for a visitor that reads ahead.
func (t *Tree) walkAhead(from []byte, v Visitor) error {
	a := &ahead{t: t, v: v, from: from, leafDepth: t.leafDepth(from)}
	err := a.page(t.root, 0, nil, nil)
	if err == nil {
		err = a.takeAll()
	}
	for _, b := range a.reading {
		b.read.Wait()
	}
	return err
}

// leafDepth is how deep the leaf is in which a key would be; 0 if that cannot be read.
func (t *Tree) leafDepth(key []byte) (depth int) {
	for id := t.root; depth < maxDepth; depth++ {
		p, err := t.DB.readNode(id, depth, nil, nil, &t.bufs[0], maxPage)
		if err != nil {
			return 0
		}
		if p.leaf {
			return depth
		}
		id = p.child(p.childOf(key))
	}
	return 0
}

// page walks through a branch, and what is below it.
func (a *ahead) page(id uint64, depth int, low, high []byte) error {
	if depth < a.leafDepth {
		p, err := a.t.DB.readNode(id, depth, low, high, &a.t.bufs[depth], largestAhead)
		if err == nil && !p.leaf {
			return a.branch(&p, depth, high)
		}
	}
	if err := a.takeAll(); err != nil {
		return err
	}
	return a.t.walkPage(id, depth, a.from, low, high, a.v)
}

func (a *ahead) branch(p *Page, depth int, high []byte) error {
	i := p.childOf(a.from)
	if depth+1 < a.leafDepth {
		for ; i < p.Count; i++ {
			if err := a.page(p.child(i), depth+1, p.Key(i), p.keyBehind(i, high)); err != nil {
				return err
			}
		}
		return nil
	}
	branch := *p
	branch.b, high = bytes.Clone(p.b), bytes.Clone(high)
	for most := max(batchBytes/int(a.t.DB.PageSize), 1); i < p.Count; i += most {
		if len(a.reading) == min(aheadOfOne*runtime.GOMAXPROCS(0), mostAhead) {
			if err := a.take(); err != nil {
				return err
			}
		}
		a.begin(&branch, high, i, min(i+most, p.Count))
	}
	return nil
}

// begin begins to read children of a branch.
func (a *ahead) begin(branch *Page, high []byte, first, last int) {
	b := &batch{}
	if k := len(a.free) - 1; k >= 0 {
		b, a.free = a.free[k], a.free[:k]
	} else {
		b.leaves = a.v.Ahead()
	}
	b.branch, b.high, b.first, b.last, b.amiss = branch, high, first, last, false
	b.db = DB{File: a.t.DB.File, Meta: a.t.DB.Meta, ahead: b.db.ahead[:0]}
	b.read.Go(func() { b.readAll(a.leafDepth, a.from) })
	a.reading = append(a.reading, b)
}

// readAll reads the leaves.
func (b *batch) readAll(depth int, from []byte) {
	if id := b.branch.child(b.first); b.last > b.first+1 && b.branch.child(b.first+1) == id+1 {
		b.db.end = int64(id) * b.db.PageSize // it seems that one follows the other in the file
	}
	for i := b.first; i < b.last; i++ {
		low := b.branch.Key(i)
		p, err := b.db.readNode(b.branch.child(i), depth, low, b.branch.keyBehind(i, b.high), nil, largestAhead)
		if err != nil || !p.leaf {
			b.amiss = true
			return
		}
		first := 0
		if bytes.Compare(low, from) < 0 {
			first = p.search(from)
		}
		b.leaves.Read(p, first)
	}
}

// take waits for the oldest batch, and takes its leaves.
func (a *ahead) take() error {
	b := a.reading[0]
	b.read.Wait()
	a.reading, a.free = a.reading[1:], append(a.free, b)
	if !b.amiss {
		return b.leaves.Take()
	}
	b.leaves.Drop()
	for i := b.first; i < b.last; i++ {
		if err := a.t.walkPage(b.branch.child(i), a.leafDepth, a.from, b.branch.Key(i), b.branch.keyBehind(i, b.high), a.v); err != nil {
			return err
		}
	}
	return nil
}

// takeAll takes all batches that are being read.
func (a *ahead) takeAll() error {
	for len(a.reading) > 0 {
		if err := a.take(); err != nil {
			return err
		}
	}
	return nil
}
