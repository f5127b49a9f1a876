package bolt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/walfs/walfs/walcore"
)

// Tree is the keys and values of a bucket.
type Tree struct {
	DB     *DB
	root   uint64
	inline *Page // a small bucket is in its parent's leaf; nil: it is not
	bufs   [maxDepth][]byte
	seen   func(id, n uint64) error // is told which pages are read; nil: nobody is
}

// Bucket finds a top-level bucket. A new database has them all, and they are empty.
func (db *DB) Bucket(name string) (found *Tree, err error) {
	if db.IsNew() {
		return &Tree{DB: db, inline: &Page{leaf: true}}, nil
	}
	top := &Tree{DB: db, root: db.Root}
	var failed error
	err = top.LeafOf([]byte(name), func(p Page, i int) {
		if i < p.Count && string(p.Key(i)) == name {
			found, failed = db.openBucket(p, i)
		}
	})
	if err == nil {
		err = failed
	}
	if err == nil && found == nil {
		err = fmt.Errorf("it has no bucket %q: %w", name, walcore.ErrDamaged)
	}
	return found, err
}

// openBucket reads the header of a bucket that is an element of a leaf.
func (db *DB) openBucket(p Page, i int) (*Tree, error) {
	_, value, at := p.Element(i)
	if !p.IsBucket(i) || len(value) < bucketHeader {
		return nil, fmt.Errorf("%q at offset %d is no bucket: %w", p.Key(i), at, walcore.ErrDamaged)
	}
	t := &Tree{DB: db, root: binary.LittleEndian.Uint64(value)}
	if t.root != 0 {
		return t, nil
	}
	inline := Page{b: bytes.Clone(value[bucketHeader:]), at: at + bucketHeader}
	end, err := uint64(0), errors.New("it is cut")
	if len(inline.b) >= pageHeader {
		end, err = inline.check(0)
	}
	if err == nil && (!inline.leaf || end > uint64(len(inline.b))) {
		err = errors.New("it does not fit")
	}
	if err == nil {
		err = inline.checkKeys(nil, nil)
	}
	if err != nil {
		return nil, fmt.Errorf("bucket %q at offset %d: %w: %w", p.Key(i), at, err, walcore.ErrDamaged)
	}
	t.inline = &inline
	return t, nil
}

// ErrStop ends a walk.
var ErrStop = errors.New("stop")

// Visitor is told what a walk finds. If it fails, the walk ends with that error.
type Visitor struct {
	// Leaf gets a leaf with keys of at least what was asked for from element from on. It is
	// valid until Leaf returns.
	Leaf func(p Page, from int) error
	// Ahead, if there is one, makes what many leaves are given to, most of them side by side with
	// others. Leaf is given those that are not read so.
	Ahead func() Leaves
	// Broken says that keys from low to below high cannot be read; nil: there is no bound.
	Broken func(low, high []byte, err error) error
}

func (v *Visitor) leaf(p Page, from []byte) error {
	return v.Leaf(p, p.search(from))
}

// Walk goes through the leaves that have keys of at least from, upwards.
func (t *Tree) Walk(from []byte, v Visitor) error {
	if t.inline != nil {
		return v.leaf(*t.inline, from)
	}
	if v.Ahead != nil {
		return t.walkAhead(from, v)
	}
	return t.walkPage(t.root, 0, from, nil, nil, v)
}

func (t *Tree) walkPage(id uint64, depth int, from, low, high []byte, v Visitor) error {
	if depth == maxDepth {
		return v.Broken(low, high, t.DB.pageError(id, errors.New("the tree is too deep")))
	}
	p, err := t.DB.readNode(id, depth, low, high, &t.bufs[depth], maxPage)
	if err == nil && t.seen != nil {
		err = t.seen(id, (uint64(len(p.b))-1)/uint64(t.DB.PageSize)+1)
	}
	if err != nil {
		return v.Broken(low, high, err)
	}
	if p.leaf {
		return v.leaf(p, from)
	}
	for i := p.childOf(from); i < p.Count; i++ {
		if err := t.walkPage(p.child(i), depth+1, from, p.Key(i), p.keyBehind(i, high), v); err != nil {
			return err
		}
	}
	return nil
}

// readNode reads a page of at most so many bytes. Only the root can be a leaf without keys.
func (db *DB) readNode(id uint64, depth int, low, high []byte, buf *[]byte, most uint64) (Page, error) {
	p, err := db.readPage(id, low, high, buf, most)
	if err == nil && p.Count == 0 && depth > 0 {
		err = db.pageError(id, errors.New("a leaf without keys"))
	}
	return p, err
}

// LeafOf gives the leaf in which a key would be to use, and the first element that is not below
// the key.
func (t *Tree) LeafOf(key []byte, use func(p Page, i int)) error {
	err := t.Walk(key, Visitor{
		Leaf: func(p Page, i int) error {
			use(p, i)
			return ErrStop
		},
		Broken: func(_, _ []byte, err error) error { return err },
	})
	if err == ErrStop {
		return nil
	}
	return err
}

// Get finds the value of a key. It is valid until the next one is read.
func (t *Tree) Get(key []byte) (value []byte, at int64, err error) {
	err = t.LeafOf(key, func(p Page, i int) {
		if i < p.Count && bytes.Equal(p.Key(i), key) {
			_, value, at = p.Element(i)
		}
	})
	return value, at, err
}
