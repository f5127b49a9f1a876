package bolt

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/walfs/walfs/walcore"
)

// Page is a branch or a leaf that was read and checked: its elements lie within it, one behind
// the other, with keys that ascend within the bounds that its parent gives it.
type Page struct {
	b     []byte
	at    int64 // of b in the file
	leaf  bool
	Count int
}

// element gives where an element's key begins in b, and how long key and value are.
func (p *Page) element(i int) (at, key, value uint64) {
	header := pageHeader + i*pageElement
	e := (*[pageElement]byte)(p.b[header:])
	if p.leaf { // flags (4), pos (4), key (4), value (4)
		return uint64(binary.LittleEndian.Uint32(e[4:])) + uint64(header),
			uint64(binary.LittleEndian.Uint32(e[8:])), uint64(binary.LittleEndian.Uint32(e[12:]))
	}
	// pos (4), key (4), page (8)
	return uint64(binary.LittleEndian.Uint32(e[:])) + uint64(header), uint64(binary.LittleEndian.Uint32(e[4:])), 0
}

func (p *Page) Key(i int) []byte {
	at, key, _ := p.element(i)
	return p.b[at : at+key]
}

// Element gives a leaf's key and value, and where the value is in the file.
func (p *Page) Element(i int) (key, value []byte, at int64) {
	from, k, v := p.element(i)
	b := p.b[from : from+k+v]
	return b[:k:k], b[k:], p.at + int64(from+k)
}

func (p *Page) IsBucket(i int) bool {
	return binary.LittleEndian.Uint32(p.b[pageHeader+i*pageElement:]) == bucketFlag
}

func (p *Page) child(i int) uint64 {
	return binary.LittleEndian.Uint64(p.b[pageHeader+i*pageElement+8:])
}

// keyBehind is the key of the next element; high if there is none.
func (p *Page) keyBehind(i int, high []byte) []byte {
	if i+1 == p.Count {
		return high
	}
	return p.Key(i + 1)
}

const maxOffset = 1<<63 - 1 - maxPage

// errLarge says that a page is larger than was asked for.
var errLarge = errors.New("it is too large")

// read reads into buf; nil: what it gives is valid until more is read.
func (db *DB) read(n int, at int64, buf *[]byte) ([]byte, error) {
	if buf == nil {
		return db.bytes(n, at)
	}
	b := resized(buf, n)
	return b, db.fill(b, at)
}

// readPage reads a page into buf, as read does. low is the least key that may be in it, and high
// is above all; nil: there is no such bound. One of more than most bytes is not read: errLarge.
func (db *DB) readPage(id uint64, low, high []byte, buf *[]byte, most uint64) (Page, error) {
	if id < 2 || id >= db.Pages {
		return Page{}, fmt.Errorf("page %d, and the database has %d: %w", id, db.Pages, walcore.ErrDamaged)
	}
	at := int64(id) * db.PageSize
	if int64(id) > maxOffset/db.PageSize {
		return Page{}, fmt.Errorf("page %d: %w", id, walcore.ErrDamaged)
	}
	b, err := db.read(int(db.PageSize), at, buf)
	if err != nil {
		return Page{}, err
	}
	p := Page{at: at, b: b}
	overflow := uint64(binary.LittleEndian.Uint32(p.b[12:]))
	end, err := p.check(id)
	switch {
	case err != nil:
		return Page{}, db.pageError(id, err)
	// The page takes as many as its elements need: no claim of its header alone is believed.
	case end > maxPage || (max(end, 1)-1)/uint64(db.PageSize) != overflow:
		return Page{}, db.pageError(id, fmt.Errorf("%d more pages are said to belong to it, and its elements end at byte %d", overflow, end))
	case id+overflow >= db.Pages:
		return Page{}, db.pageError(id, fmt.Errorf("it would go on to page %d of %d", id+overflow, db.Pages))
	}
	if end > most {
		return Page{}, errLarge
	}
	if overflow > 0 {
		if p.b, err = db.read(int(end), at, buf); err != nil {
			return Page{}, err
		}
		if again, err := p.check(id); err != nil || again != end {
			return Page{}, db.pageError(id, errors.New("it changed while it was read"))
		}
	}
	if err := p.checkKeys(low, high); err != nil {
		return Page{}, db.pageError(id, err)
	}
	return p, nil
}

// check checks a page's header and elements, and gives where these end. The keys and values
// may end behind b.
func (p *Page) check(id uint64) (end uint64, err error) {
	flags := binary.LittleEndian.Uint16(p.b[8:])
	p.leaf, p.Count = flags == leafFlag, int(binary.LittleEndian.Uint16(p.b[10:]))
	switch {
	case binary.LittleEndian.Uint64(p.b) != id:
		return 0, fmt.Errorf("it says that it is page %d", binary.LittleEndian.Uint64(p.b))
	case flags != leafFlag && flags != branchFlag:
		return 0, fmt.Errorf("it is neither a branch nor a leaf: flags 0x%x", flags)
	case flags == branchFlag && p.Count == 0:
		return 0, errors.New("a branch without children")
	case pageHeader+p.Count*pageElement > len(p.b):
		return 0, fmt.Errorf("%d elements do not fit in it", p.Count)
	}
	end = uint64(pageHeader + p.Count*pageElement)
	for i := range p.Count {
		at, key, value := p.element(i)
		if at != end || key == 0 {
			return 0, fmt.Errorf("element %d is not behind the one before it", i)
		}
		if p.leaf && binary.LittleEndian.Uint32(p.b[pageHeader+i*pageElement:]) > bucketFlag {
			return 0, fmt.Errorf("element %d has flags that are not known", i)
		}
		end += key + value
	}
	return end, nil
}

func (p *Page) checkKeys(low, high []byte) error {
	before := low
	for i := range p.Count {
		key := p.Key(i)
		if order := compare(before, key); order > 0 || order == 0 && i > 0 {
			return fmt.Errorf("key %d, %x, is out of order", i, key)
		}
		before = key
	}
	if high != nil && p.Count > 0 && bytes.Compare(before, high) >= 0 {
		return fmt.Errorf("key %d, %x, is out of order", p.Count-1, before)
	}
	return nil
}

// compare is bytes.Compare, and fast for keys of 8 bytes.
func compare(a, b []byte) int {
	if len(a) == 8 && len(b) == 8 {
		return cmp.Compare(binary.BigEndian.Uint64(a), binary.BigEndian.Uint64(b))
	}
	return bytes.Compare(a, b)
}

// search gives the first element whose key is at least the given one.
func (p *Page) search(key []byte) int {
	low, high := 0, p.Count
	for low < high {
		if mid := (low + high) / 2; bytes.Compare(p.Key(mid), key) < 0 {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}

// childOf gives the child of a branch in which a key would be: the last one whose first key is not
// above it.
func (p *Page) childOf(key []byte) int {
	i := p.search(key)
	if i == p.Count || i > 0 && !bytes.Equal(p.Key(i), key) {
		i--
	}
	return i
}
