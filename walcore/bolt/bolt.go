package bolt

import (
	"bytes"
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
	}
	return m, nil
}

// DB is a database as of one transaction.
type DB struct {
	File io.ReaderAt
	Meta

	end     int64  // of what was read last
	ahead   []byte // read ahead, once pages are read one behind the other
	aheadAt int64
}

// readAhead is how much is read at once then.
const readAhead = 64 << 10

// IsNew reports whether nothing was ever written to it: who opened it makes its buckets then.
func (db *DB) IsNew() bool { return db.TxID < newTxID }

// Changed reports whether there is a newer transaction: then what was read may be wrong. A
// failure to read counts as no change; who reads pages then fails, too.
func (db *DB) Changed() bool {
	now, _, err := ReadMeta(db.File)
	return err == nil && now != db.Meta
}

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
	e := p.b[pageHeader+i*pageElement:]
	if p.leaf { // flags (4), pos (4), key (4), value (4)
		return uint64(binary.LittleEndian.Uint32(e[4:])) + uint64(pageHeader+i*pageElement),
			uint64(binary.LittleEndian.Uint32(e[8:])), uint64(binary.LittleEndian.Uint32(e[12:]))
	}
	// pos (4), key (4), page (8)
	return uint64(binary.LittleEndian.Uint32(e)) + uint64(pageHeader+i*pageElement), uint64(binary.LittleEndian.Uint32(e[4:])), 0
}

func (p *Page) Key(i int) []byte {
	at, key, _ := p.element(i)
	return p.b[at : at+key]
}

// Value gives a leaf's value, and where it is in the file.
func (p *Page) Value(i int) (value []byte, at int64) {
	from, key, n := p.element(i)
	return p.b[from+key : from+key+n], p.at + int64(from+key)
}

func (p *Page) IsBucket(i int) bool {
	return binary.LittleEndian.Uint32(p.b[pageHeader+i*pageElement:]) == bucketFlag
}

func (p *Page) child(i int) uint64 {
	return binary.LittleEndian.Uint64(p.b[pageHeader+i*pageElement+8:])
}

// readPage reads a page into buf, which it returns for the next one. low is the least key that
// may be in it, and high is above all; nil: there is no such bound.
func (db *DB) readPage(id uint64, low, high []byte, buf *[]byte) (Page, error) {
	if id < 2 || id >= db.Pages {
		return Page{}, fmt.Errorf("page %d, and the database has %d: %w", id, db.Pages, walcore.ErrDamaged)
	}
	at := int64(id) * db.PageSize
	if int64(id) > maxOffset/db.PageSize {
		return Page{}, fmt.Errorf("page %d: %w", id, walcore.ErrDamaged)
	}
	p := Page{at: at, b: resized(buf, int(db.PageSize))}
	if err := db.fill(p.b, at); err != nil {
		return Page{}, err
	}
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
	if overflow > 0 {
		p.b = resized(buf, int(end))
		if err := db.fill(p.b, at); err != nil {
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

const maxOffset = 1<<63 - 1 - maxPage

func (db *DB) pageError(id uint64, err error) error {
	return fmt.Errorf("page %d at offset %d: %w: %w", id, int64(id)*db.PageSize, err, walcore.ErrDamaged)
}

// fill reads a part of the file that belongs to the database: if the file ends before, that is
// damage.
func (db *DB) fill(p []byte, at int64) error {
	follows := at == db.end
	db.end = at + int64(len(p))
	if at < db.aheadAt || db.end > db.aheadAt+int64(len(db.ahead)) {
		if !follows || len(p) > readAhead {
			return db.readAt(p, at)
		}
		db.ahead, db.aheadAt = resized(&db.ahead, readAhead), at
		n, _ := db.File.ReadAt(db.ahead, at)
		if db.ahead = db.ahead[:n]; n < len(p) {
			return db.readAt(p, at)
		}
	}
	copy(p, db.ahead[at-db.aheadAt:])
	return nil
}

func (db *DB) readAt(p []byte, at int64) error {
	n, err := db.File.ReadAt(p, at)
	if n == len(p) {
		return nil
	}
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("the file ends at %d, within a page that is in use: %w", at+int64(n), walcore.ErrDamaged)
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
		order := bytes.Compare(before, key)
		if order > 0 || order == 0 && i > 0 || high != nil && bytes.Compare(key, high) >= 0 {
			return fmt.Errorf("key %d, %x, is out of order", i, key)
		}
		before = key
	}
	return nil
}

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
	value, at := p.Value(i)
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
	// Broken says that keys from low to below high cannot be read; nil: there is no bound.
	Broken func(low, high []byte, err error) error
}

// Walk goes through the leaves that have keys of at least from, upwards.
func (t *Tree) Walk(from []byte, v Visitor) error {
	if t.inline != nil {
		return v.Leaf(*t.inline, t.inline.search(from))
	}
	return t.walkPage(t.root, 0, from, nil, nil, v)
}

func (t *Tree) walkPage(id uint64, depth int, from, low, high []byte, v Visitor) error {
	if depth == maxDepth {
		return v.Broken(low, high, t.DB.pageError(id, errors.New("the tree is too deep")))
	}
	p, err := t.DB.readPage(id, low, high, &t.bufs[depth])
	if err == nil && p.Count == 0 && depth > 0 {
		err = t.DB.pageError(id, errors.New("a leaf without keys"))
	}
	if err == nil && t.seen != nil {
		err = t.seen(id, (uint64(len(p.b))-1)/uint64(t.DB.PageSize)+1)
	}
	if err != nil {
		return v.Broken(low, high, err)
	}
	if p.leaf {
		return v.Leaf(p, p.search(from))
	}
	// The child to begin with is the last one whose first key is not above from.
	i := p.search(from)
	if i == p.Count || i > 0 && !bytes.Equal(p.Key(i), from) {
		i--
	}
	for ; i < p.Count; i++ {
		end := high
		if i+1 < p.Count {
			end = p.Key(i + 1)
		}
		if err := t.walkPage(p.child(i), depth+1, from, p.Key(i), end, v); err != nil {
			return err
		}
	}
	return nil
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
			value, at = p.Value(i)
		}
	})
	return value, at, err
}
