package bolt

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/walfs/walfs/walcore"
)

// Pin copies a database to a file while a node writes to it, and gives the copy: as of one
// transaction, and good for as long as the file is.
//
// It need not read all pages within one transaction. A page that is in the trees of two
// transactions which follow one another is the same in both: it can be used again two
// transactions after it was in a tree at the earliest. So with each transaction only those are
// copied that the last tree had not. If one is missed, it begins anew. Of the branches alone it
// learns which pages are in a tree, and buckets in others than the root it does not find: Check
// the copy.
func Pin(ctx context.Context, f io.ReaderAt, to File) (*Image, error) {
	p := &pinning{f: f, to: to}
	for range maxRounds {
		i, err := p.round(ctx)
		if err == nil {
			if _, err := to.WriteAt(i.head, 0); err != nil {
				return nil, err
			}
			return &Image{db: DB{File: to, Meta: i.db.Meta}, head: i.head}, to.Truncate(i.Size())
		}
		if !errors.Is(err, walcore.ErrChanged) {
			return nil, err
		}
	}
	return nil, errNewer
}

// File is a file that a database is copied to.
type File interface {
	io.ReaderAt
	io.WriterAt
	Truncate(size int64) error
}

// maxRounds is for how many transactions it goes on.
const maxRounds = 2000

// pinning is a copy that is being made.
type pinning struct {
	f    io.ReaderAt
	to   io.WriterAt
	txid uint64
	have pageSet // pages of this transaction's tree that are copied
}

// pageSet has the pages that nodes of a tree begin with.
type pageSet []uint64

func (s pageSet) has(id uint64) bool { return id/64 < uint64(len(s)) && s[id/64]>>(id%64)&1 == 1 }
func (s pageSet) add(id uint64)      { s[id/64] |= 1 << (id % 64) }

// round copies what is missing of the newest transaction. It fails with walcore.ErrChanged when
// there is a newer one.
func (p *pinning) round(ctx context.Context) (*Image, error) {
	i, err := NewImage(p.f)
	if err != nil {
		return nil, err
	}
	tree, err := i.db.nodes()
	if i.db.Changed() {
		return nil, errNewer
	}
	if err != nil {
		return nil, err
	}
	next := make(pageSet, len(tree))
	if i.db.TxID == p.txid || i.db.TxID == p.txid+1 {
		for k := range min(len(next), len(p.have)) {
			next[k] = p.have[k] & tree[k]
		}
	}
	p.have, p.txid = next, i.db.TxID
	for id := uint64(2); id < i.db.Pages; id++ {
		if !tree.has(id) || p.have.has(id) {
			continue
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err := p.copyFrom(&i.db, id, tree); err != nil {
			return nil, err
		}
	}
	return i, nil
}

// pinChunk is how much is read between two looks at the transaction.
const pinChunk = 1 << 20

// copyFrom copies the node on a page, and those behind it that fit.
func (p *pinning) copyFrom(db *DB, id uint64, tree pageSet) error {
	n := min(pinChunk/uint64(db.PageSize), db.Pages-id)
	b := make([]byte, n*uint64(db.PageSize))
	if err := db.fill(b, int64(id)*db.PageSize); err != nil {
		return err
	}
	var nodes []uint64
	for k := id; k < id+n; k++ {
		if !tree.has(k) {
			continue
		}
		end := k + 1 + uint64(binary.LittleEndian.Uint32(b[(k-id)*uint64(db.PageSize)+12:]))
		if end > id+n && k > id {
			n = k - id
			break
		}
		if end > db.Pages || (end-id)*uint64(db.PageSize) > maxPage {
			if db.Changed() {
				return errNewer
			}
			return db.pageError(k, fmt.Errorf("it would go on to page %d of %d", end-1, db.Pages))
		}
		if nodes = append(nodes, k); end > id+n {
			n = end - id
			b = make([]byte, n*uint64(db.PageSize))
			if err := db.fill(b, int64(id)*db.PageSize); err != nil {
				return err
			}
			break
		}
	}
	if db.Changed() {
		return errNewer
	}
	if _, err := p.to.WriteAt(b[:n*uint64(db.PageSize)], int64(id)*db.PageSize); err != nil {
		return err
	}
	for _, k := range nodes {
		p.have.add(k)
	}
	return nil
}

// nodes finds the pages that the nodes of all trees begin with. It reads no leaves but the
// root's: all leaves of a tree are as deep as the first one.
func (db *DB) nodes() (pageSet, error) {
	w := &nodeWalk{db: db, found: make(pageSet, db.Pages/64+1)}
	if db.Freelist != noFreelist && db.Freelist < db.Pages {
		w.found.add(db.Freelist)
	}
	top := &Tree{DB: db, root: db.Root, seen: func(id, _ uint64) error { w.found.add(id); return nil }}
	err := top.Walk(nil, Visitor{
		Leaf: func(p Page, _ int) error {
			for i := range p.Count {
				if !p.IsBucket(i) {
					continue
				}
				t, err := db.openBucket(p, i)
				if err == nil && t.inline == nil {
					err = w.tree(t.root)
				}
				if err != nil {
					return err
				}
			}
			return nil
		},
		Broken: func(_, _ []byte, err error) error { return err },
	})
	return w.found, err
}

type nodeWalk struct {
	db    *DB
	found pageSet
	bufs  [maxDepth][]byte
}

// tree finds the nodes of a tree.
func (w *nodeWalk) tree(root uint64) error {
	depth := 0
	for id := root; ; depth++ {
		if depth == maxDepth {
			return w.db.pageError(root, errors.New("the tree is too deep"))
		}
		p, err := w.db.readPage(id, nil, nil, &w.bufs[0], maxPage)
		if err != nil {
			return err
		}
		if p.leaf {
			break
		}
		id = p.child(0)
	}
	return w.node(root, depth)
}

// node finds a node and those below it. Leaves have depth 0.
func (w *nodeWalk) node(id uint64, depth int) error {
	if id < 2 || id >= w.db.Pages {
		return fmt.Errorf("page %d, and the database has %d: %w", id, w.db.Pages, walcore.ErrDamaged)
	}
	if w.found.has(id) {
		return w.db.pageError(id, errors.New("it is in use in two places"))
	}
	w.found.add(id)
	if depth == 0 {
		return nil
	}
	p, err := w.db.readPage(id, nil, nil, &w.bufs[depth], maxPage)
	if err != nil {
		return err
	}
	if p.leaf {
		return w.db.pageError(id, errors.New("a leaf where its neighbours are branches"))
	}
	for i := range p.Count {
		if err := w.node(p.child(i), depth-1); err != nil {
			return err
		}
	}
	return nil
}
