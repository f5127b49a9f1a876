package bolt

import (
	"runtime"
	"sync"
)

// ahead is a walk whose leaves are read in batches, side by side. It takes them in the order of
// their keys.
type ahead struct {
	t         *Tree
	v         Visitor
	from      []byte
	leafDepth int      // how deep the leaves are: all alike in a sound tree
	batches   []*batch // that are being read
	next      *batch   // to be read when it is full
}

// batch is leaves that a goroutine reads.
type batch struct {
	db     DB
	buf    []byte
	leaves []leafRef
	keys   []byte // those of leaves
	read   sync.WaitGroup
}

// leafRef is a leaf: where it is, what keys it may have, and then what was read.
type leafRef struct {
	id        uint64
	low, high []byte
	take      func() error // what Ahead has given; nil: it is none, or a large one
	err       error
}

const (
	batchBytes = 512 << 10
	mostAhead  = 4 // batches
	// largestAhead is how large a leaf can be: several are in memory.
	largestAhead = 1 << 20
)

var batches = sync.Pool{New: func() any { return new(batch) }}

// walkAhead is Walk for a visitor that reads ahead.
func (t *Tree) walkAhead(from []byte, v Visitor) error {
	a := &ahead{t: t, v: v, from: from, leafDepth: t.leafDepth(from)}
	defer func() {
		for _, b := range a.batches {
			b.free()
		}
	}()
	if err := a.page(t.root, 0, nil, nil); err != nil {
		return err
	}
	return a.flush()
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
	if depth >= a.leafDepth {
		return a.inOrder(func() error { return a.t.walkPage(id, depth, a.from, low, high, a.v) })
	}
	p, err := a.t.DB.readNode(id, depth, low, high, &a.t.bufs[depth], maxPage)
	if err != nil {
		return a.inOrder(func() error { return a.v.Broken(low, high, err) })
	}
	if p.leaf {
		return a.inOrder(func() error { return a.v.leaf(p, a.from) })
	}
	for i := p.childOf(a.from); i < p.Count; i++ {
		walk := a.page
		if depth+1 == a.leafDepth {
			walk = a.add
		}
		if err := walk(p.child(i), depth+1, p.Key(i), p.keyBehind(i, high)); err != nil {
			return err
		}
	}
	return nil
}

// inOrder does what comes behind all that is being read.
func (a *ahead) inOrder(do func() error) error {
	if err := a.flush(); err != nil {
		return err
	}
	return do()
}

// add adds a leaf to the next batch.
func (a *ahead) add(id uint64, _ int, low, high []byte) error {
	if a.next == nil {
		a.next = batches.Get().(*batch)
	}
	a.next.add(id, low, high)
	if int64(len(a.next.leaves)) < max(batchBytes/a.t.DB.PageSize, 1) {
		return nil
	}
	a.begin()
	if len(a.batches) <= min(runtime.GOMAXPROCS(0), mostAhead) {
		return nil
	}
	return a.take()
}

// begin begins to read the next batch.
func (a *ahead) begin() {
	b := a.next
	b.db = DB{File: a.t.DB.File, Meta: a.t.DB.Meta, ahead: b.db.ahead[:0]}
	b.read.Go(func() { b.readAll(a.leafDepth, a.from, a.v) })
	a.batches, a.next = append(a.batches, b), nil
}

// take waits for the oldest batch, and takes its leaves.
func (a *ahead) take() error {
	b := a.batches[0]
	b.read.Wait()
	for i := range b.leaves {
		l, err := &b.leaves[i], error(nil)
		switch {
		case l.err != nil:
			err = a.v.Broken(l.low, l.high, l.err)
		case l.take != nil:
			err = l.take()
		default:
			err = a.t.walkPage(l.id, a.leafDepth, a.from, l.low, l.high, a.v)
		}
		if err != nil {
			return err
		}
	}
	a.batches = a.batches[1:]
	b.free()
	return nil
}

// flush takes all that was added.
func (a *ahead) flush() error {
	if a.next != nil {
		a.begin()
	}
	for len(a.batches) > 0 {
		if err := a.take(); err != nil {
			return err
		}
	}
	return nil
}

func (b *batch) add(id uint64, low, high []byte) {
	n := len(b.keys)
	b.keys = append(append(b.keys, low...), high...)
	l := leafRef{id: id, low: b.keys[n : n+len(low) : n+len(low)]}
	if high != nil {
		l.high = b.keys[n+len(low):]
	}
	b.leaves = append(b.leaves, l)
}

// readAll reads the leaves.
func (b *batch) readAll(depth int, from []byte, v Visitor) {
	if len(b.leaves) > 1 && b.leaves[1].id == b.leaves[0].id+1 {
		b.db.end = int64(b.leaves[0].id) * b.db.PageSize // it seems that one follows the other in the file
	}
	for i := range b.leaves {
		l := &b.leaves[i]
		p, err := b.db.readNode(l.id, depth, l.low, l.high, &b.buf, largestAhead)
		switch {
		case err == errLarge:
		case err != nil:
			l.err = err
		case p.leaf:
			l.take = v.Ahead(p, p.search(from))
		}
	}
}

// free gives a batch back.
func (b *batch) free() {
	b.read.Wait()
	clear(b.leaves)
	b.leaves, b.keys = b.leaves[:0], b.keys[:0]
	batches.Put(b)
}
