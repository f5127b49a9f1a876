package bolt

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/walfs/walfs/walcore"
)

const (
	freelistFlag = 0x10
	// noFreelist is in the place of the list's page where the pages in use are found by a walk.
	noFreelist = 1<<64 - 1
	// manyFree in a freelist's count says that the count stands before the ids.
	manyFree = 0xffff
	// maxNested bounds how deep buckets lie in buckets.
	maxNested = 16
)

// checking is a walk through all pages.
type checking struct {
	db   *DB
	used []uint64 // a bit a page
}

// Check goes through all pages of a database that nobody writes to, whose file has the given
// size. It fails with walcore.ErrDamaged if a page is not what the others say of it, is in use
// twice, or is said to be free while it is in use.
func (db *DB) Check(size int64) error {
	if db.Pages > uint64(size/db.PageSize) {
		return fmt.Errorf("it has %d pages of %d bytes, and the file ends at %d: %w", db.Pages, db.PageSize, size, walcore.ErrDamaged)
	}
	c := &checking{db, make([]uint64, db.Pages/64+1)}
	if err := c.bucket(&Tree{DB: db, root: db.Root}, 0); err != nil {
		return err
	}
	return c.freelist()
}

// bucket goes through a bucket, and those in it.
func (c *checking) bucket(t *Tree, nested int) error {
	if nested > maxNested {
		return c.db.pageError(t.root, errors.New("buckets lie too deep in one another"))
	}
	t.seen = c.use
	return t.Walk(nil, Visitor{
		Leaf: func(p Page, _ int) error {
			for i := range p.Count {
				if !p.IsBucket(i) {
					continue
				}
				below, err := c.db.openBucket(p, i)
				if err == nil {
					err = c.bucket(below, nested+1)
				}
				if err != nil {
					return err
				}
			}
			return nil
		},
		Broken: func(_, _ []byte, err error) error { return err },
	})
}

// use notes that pages are in use.
func (c *checking) use(id, n uint64) error {
	for ; n > 0; id, n = id+1, n-1 {
		if c.isUsed(id) {
			return c.db.pageError(id, errors.New("it is in use in two places"))
		}
		c.used[id/64] |= 1 << (id % 64)
	}
	return nil
}

func (c *checking) isUsed(id uint64) bool { return c.used[id/64]>>(id%64)&1 == 1 }

// freelist checks the list of free pages.
func (c *checking) freelist() error {
	db, id := c.db, c.db.Freelist
	if id == noFreelist {
		return nil
	}
	if id < 2 || id >= db.Pages {
		return fmt.Errorf("the list of free pages on page %d, and the database has %d: %w", id, db.Pages, walcore.ErrDamaged)
	}
	b := make([]byte, db.PageSize)
	if err := db.fill(b, int64(id)*db.PageSize); err != nil {
		return err
	}
	le := binary.LittleEndian
	count, ids := uint64(le.Uint16(b[10:])), int64(pageHeader)
	if count == manyFree {
		count, ids = le.Uint64(b[pageHeader:]), pageHeader+8
	}
	more := uint64(le.Uint32(b[12:]))
	switch {
	case le.Uint64(b) != id || le.Uint16(b[8:]) != freelistFlag:
		return db.pageError(id, errors.New("it is no list of free pages"))
	case more >= db.Pages-id || count > db.Pages || ids+int64(count)*8 > int64(more+1)*db.PageSize:
		return db.pageError(id, fmt.Errorf("a list of %d free pages does not fit in it", count))
	}
	if err := c.use(id, more+1); err != nil {
		return err
	}
	list := bufio.NewReader(io.NewSectionReader(db.File, int64(id)*db.PageSize+ids, int64(count)*8))
	for ; count > 0; count-- {
		var b [8]byte
		if _, err := io.ReadFull(list, b[:]); err != nil {
			return db.pageError(id, err)
		}
		if free := le.Uint64(b[:]); free < 2 || free >= db.Pages || c.isUsed(free) {
			return db.pageError(id, fmt.Errorf("it says that page %d is free, which it is not", free))
		}
	}
	return nil
}
