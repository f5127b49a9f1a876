package bolt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"

	"github.com/walfs/walfs/walcore"
)

const (
	magic        = 0xED0CDAED
	version      = 2
	pageHeader   = 16 // id (8), flags (2), count (2), overflow (4)
	pageElement  = 16 // of a leaf and of a branch
	metaSize     = pageHeader + 64
	branchFlag   = 1
	leafFlag     = 2
	metaFlag     = 4
	bucketFlag   = 1 // of a leaf's element
	bucketHeader = 16
	maxDepth     = 48
	maxPage      = 1 << 29 // with what overflows
	smallestPage = 1 << 9
	largestPage  = 1 << 20
)

// Meta is what a meta page says.
type Meta struct {
	PageSize int64
	Root     uint64
	Pages    uint64 // how many are in use, from 0 on
	TxID     uint64
	Freelist uint64 // the page with the list of free pages
}

// ReadMeta gives the newest of the two meta pages. sound is how many of them are.
func ReadMeta(f io.ReaderAt) (newest Meta, sound int, err error) {
	first, err := readMetaAt(f, 0)
	sizes := []int64{first.PageSize}
	if err != nil {
		// The second one's place is not known: one page from the beginning.
		for size := int64(smallestPage); size <= largestPage; size *= 2 {
			sizes = append(sizes, size)
		}
	} else {
		newest, sound = first, 1
	}
	for _, size := range sizes {
		m, err2 := readMetaAt(f, size)
		if size == 0 || err2 != nil || m.PageSize != size {
			continue
		}
		if sound++; sound == 1 || m.TxID > newest.TxID {
			newest = m
		}
		break
	}
	if sound == 0 {
		return newest, 0, fmt.Errorf("neither of the two meta pages is whole: %w", err)
	}
	return newest, sound, nil
}

func readMetaAt(f io.ReaderAt, at int64) (m Meta, err error) {
	var b [metaSize]byte
	if n, err := f.ReadAt(b[:], at); n < len(b) {
		if errors.Is(err, io.EOF) {
			err = fmt.Errorf("the file ends at %d: %w", at+int64(n), walcore.ErrDamaged)
		}
		return m, err
	}
	p := b[pageHeader:]
	h := fnv.New64a()
	h.Write(p[:56])
	m = Meta{
		PageSize: int64(binary.LittleEndian.Uint32(p[8:])),
		Root:     binary.LittleEndian.Uint64(p[16:]),
		Pages:    binary.LittleEndian.Uint64(p[40:]),
		TxID:     binary.LittleEndian.Uint64(p[48:]),
		Freelist: binary.LittleEndian.Uint64(p[32:]),
	}
	switch {
	case binary.LittleEndian.Uint16(b[8:])&metaFlag == 0 || binary.LittleEndian.Uint32(p) != magic:
		return Meta{}, fmt.Errorf("no meta page of bbolt: %w", walcore.ErrDamaged)
	case binary.LittleEndian.Uint32(p[4:]) != version:
		return Meta{}, fmt.Errorf("version %d of bbolt's format is not known: %w", binary.LittleEndian.Uint32(p[4:]), walcore.ErrDamaged)
	case binary.LittleEndian.Uint64(p[56:]) != h.Sum64():
		return Meta{}, fmt.Errorf("a meta page's checksum is wrong: %w", walcore.ErrDamaged)
	case m.PageSize < smallestPage || m.PageSize > largestPage || m.PageSize&(m.PageSize-1) != 0:
		return Meta{}, fmt.Errorf("pages of %d bytes: %w", m.PageSize, walcore.ErrDamaged)
	case m.Pages > maxOffset/uint64(m.PageSize):
		return Meta{}, fmt.Errorf("%d pages of %d bytes: %w", m.Pages, m.PageSize, walcore.ErrDamaged)
	}
	return m, nil
}

// DB is a database as of one transaction. What it has read it may give again: it is of no use
// for another one.
type DB struct {
	File io.ReaderAt
	Meta

	end     int64  // of what was asked for last
	ahead   []byte // what was read last: more than that, once pages are read one behind the other
	aheadAt int64
}

// readAhead is how much is read at once then.
const readAhead = 32 << 10

// IsNew reports whether nothing was ever written to it: who opened it makes its buckets then.
func (db *DB) IsNew() bool { return db.TxID < newTxID }

// Changed reports whether there is a newer transaction: then what was read may be wrong. A
// failure to read counts as no change; who reads pages then fails, too.
func (db *DB) Changed() bool {
	now, _, err := ReadMeta(db.File)
	return err == nil && now != db.Meta
}

func (db *DB) pageError(id uint64, err error) error {
	return fmt.Errorf("page %d at offset %d: %w: %w", id, int64(id)*db.PageSize, err, walcore.ErrDamaged)
}

// fill reads a part of the file that belongs to the database: if the file ends before, that is
// damage.
func (db *DB) fill(p []byte, at int64) error {
	if len(p) > readAhead {
		db.end = at + int64(len(p))
		return db.readAt(p, at)
	}
	b, err := db.bytes(len(p), at)
	copy(p, b)
	return err
}

// bytes gives what fill reads. It is valid until more is read.
func (db *DB) bytes(n int, at int64) ([]byte, error) {
	follows := at == db.end
	db.end = at + int64(n)
	if at < db.aheadAt || db.end > db.aheadAt+int64(len(db.ahead)) {
		most := n
		if follows {
			most = max(n, readAhead)
		}
		b := resized(&db.ahead, most)
		got, err := db.File.ReadAt(b, at)
		if got < n && most > n { // the file ends before that, and not all readers then give what there is
			got, err = db.File.ReadAt(b[:n], at)
		}
		if db.ahead, db.aheadAt = b[:got], at; got < n {
			return nil, readError(err, at+int64(got))
		}
	}
	return db.ahead[at-db.aheadAt:][:n], nil
}

func (db *DB) readAt(p []byte, at int64) error {
	n, err := db.File.ReadAt(p, at)
	if n == len(p) {
		return nil
	}
	return readError(err, at+int64(n))
}

func readError(err error, end int64) error {
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("the file ends at %d, within a page that is in use: %w", end, walcore.ErrDamaged)
	}
	return err
}

// resized gives a slice of n bytes of a buffer that grows.
func resized(buf *[]byte, n int) []byte {
	if cap(*buf) < n {
		*buf = make([]byte, n)
	}
	return (*buf)[:n]
}
