package hashicorp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"

	"github.com/walfs/walfs/walcore"
)

// A bbolt database, read without its lock while somebody else writes to it.
//
// It is a tree of pages that are never changed in place: a transaction writes new pages, and
// then one of the two meta pages, which names the new root. The pages that it made useless are
// used again by the next transaction at the earliest. So what was read of the newest
// transaction is right if, afterwards, it still is the newest; and if it is not, nothing is
// known of it.

const (
	boltMagic    = 0xED0CDAED
	boltVersion  = 2
	pageHeader   = 16 // id (8), flags (2), count (2), overflow (4)
	pageElement  = 16 // of a leaf and of a branch
	boltMetaSize = pageHeader + 64
	branchFlag   = 1
	leafFlag     = 2
	metaFlag     = 4
	bucketFlag   = 1 // of a leaf's element
	bucketHeader = 16
	maxBoltDepth = 48
	maxPage      = 1 << 29 // with what overflows
	smallestPage = 1 << 9
	largestPage  = 1 << 20
)

// boltMeta is what a meta page says.
type boltMeta struct {
	pageSize int64
	root     uint64
	pages    uint64 // how many are in use, from 0 on
	txid     uint64
}

// readBoltMeta gives the newest of the two meta pages. sound is how many of them are.
func readBoltMeta(f io.ReaderAt) (newest boltMeta, sound int, err error) {
	first, err := readBoltMetaAt(f, 0)
	sizes := []int64{first.pageSize}
	if err != nil {
		// The second one's place is not known: one page from the beginning.
		for size := int64(smallestPage); size <= largestPage; size *= 2 {
			sizes = append(sizes, size)
		}
	} else {
		newest, sound = first, 1
	}
	for _, size := range sizes {
		m, err2 := readBoltMetaAt(f, size)
		if size == 0 || err2 != nil || m.pageSize != size {
			continue
		}
		if sound++; sound == 1 || m.txid > newest.txid {
			newest = m
		}
		break
	}
	if sound == 0 {
		return newest, 0, fmt.Errorf("neither of the two meta pages is whole: %w", err)
	}
	return newest, sound, nil
}

func readBoltMetaAt(f io.ReaderAt, at int64) (m boltMeta, err error) {
	var b [boltMetaSize]byte
	if n, err := f.ReadAt(b[:], at); n < len(b) {
		if errors.Is(err, io.EOF) {
			err = fmt.Errorf("the file ends at %d: %w", at+int64(n), walcore.ErrDamaged)
		}
		return m, err
	}
	p := b[pageHeader:]
	h := fnv.New64a()
	h.Write(p[:56])
	m = boltMeta{
		pageSize: int64(binary.LittleEndian.Uint32(p[8:])),
		root:     binary.LittleEndian.Uint64(p[16:]),
		pages:    binary.LittleEndian.Uint64(p[40:]),
		txid:     binary.LittleEndian.Uint64(p[48:]),
	}
	switch {
	case binary.LittleEndian.Uint16(b[8:])&metaFlag == 0 || binary.LittleEndian.Uint32(p) != boltMagic:
		return boltMeta{}, fmt.Errorf("no meta page of bbolt: %w", walcore.ErrDamaged)
	case binary.LittleEndian.Uint32(p[4:]) != boltVersion:
		return boltMeta{}, fmt.Errorf("version %d of bbolt's format is not known: %w", binary.LittleEndian.Uint32(p[4:]), walcore.ErrDamaged)
	case binary.LittleEndian.Uint64(p[56:]) != h.Sum64():
		return boltMeta{}, fmt.Errorf("a meta page's checksum is wrong: %w", walcore.ErrDamaged)
	case m.pageSize < smallestPage || m.pageSize > largestPage || m.pageSize&(m.pageSize-1) != 0:
		return boltMeta{}, fmt.Errorf("pages of %d bytes: %w", m.pageSize, walcore.ErrDamaged)
	}
	return m, nil
}

// boltDB is a database as of one transaction.
type boltDB struct {
	f io.ReaderAt
	boltMeta

	end     int64  // of what was read last
	ahead   []byte // read ahead, once pages are read one behind the other
	aheadAt int64
}

// readAhead is how much is read at once then.
const readAhead = 64 << 10

// changed reports whether there is a newer transaction: then what was read may be wrong. A
// failure to read counts as no change; who reads pages then fails, too.
func (db *boltDB) changed() bool {
	now, _, err := readBoltMeta(db.f)
	return err == nil && now != db.boltMeta
}

// isNew reports whether nothing was ever written to it: a node makes its buckets then.
func (db *boltDB) isNew() bool { return db.txid < 2 }

// page is a branch or a leaf that was read and checked: its elements lie within it, one behind
// the other, with keys that ascend within the bounds that its parent gives it.
type page struct {
	b     []byte
	at    int64 // of b in the file
	leaf  bool
	count int
}

// element gives where an element's key begins in b, and how long key and value are.
func (p *page) element(i int) (at, key, value uint64) {
	e := p.b[pageHeader+i*pageElement:]
	if p.leaf { // flags (4), pos (4), key (4), value (4)
		return uint64(binary.LittleEndian.Uint32(e[4:])) + uint64(pageHeader+i*pageElement),
			uint64(binary.LittleEndian.Uint32(e[8:])), uint64(binary.LittleEndian.Uint32(e[12:]))
	}
	// pos (4), key (4), page (8)
	return uint64(binary.LittleEndian.Uint32(e)) + uint64(pageHeader+i*pageElement), uint64(binary.LittleEndian.Uint32(e[4:])), 0
}

func (p *page) key(i int) []byte {
	at, key, _ := p.element(i)
	return p.b[at : at+key]
}

// value gives a leaf's value, and where it is in the file.
func (p *page) value(i int) (value []byte, at int64) {
	from, key, n := p.element(i)
	return p.b[from+key : from+key+n], p.at + int64(from+key)
}

func (p *page) isBucket(i int) bool {
	return binary.LittleEndian.Uint32(p.b[pageHeader+i*pageElement:]) == bucketFlag
}

func (p *page) child(i int) uint64 {
	return binary.LittleEndian.Uint64(p.b[pageHeader+i*pageElement+8:])
}

// readPage reads a page into buf, which it returns for the next one. low is the least key that
// may be in it, and high is above all; nil: there is no such bound.
func (db *boltDB) readPage(id uint64, low, high []byte, buf *[]byte) (page, error) {
	if id < 2 || id >= db.pages {
		return page{}, fmt.Errorf("page %d, and the database has %d: %w", id, db.pages, walcore.ErrDamaged)
	}
	at := int64(id) * db.pageSize
	if int64(id) > maxOffset/db.pageSize {
		return page{}, fmt.Errorf("page %d: %w", id, walcore.ErrDamaged)
	}
	p := page{at: at, b: resized(buf, int(db.pageSize))}
	if err := db.fill(p.b, at); err != nil {
		return page{}, err
	}
	overflow := uint64(binary.LittleEndian.Uint32(p.b[12:]))
	end, err := p.check(id)
	switch {
	case err != nil:
		return page{}, db.pageError(id, err)
	// The page takes as many as its elements need: no claim of its header alone is believed.
	case end > maxPage || (max(end, 1)-1)/uint64(db.pageSize) != overflow:
		return page{}, db.pageError(id, fmt.Errorf("%d more pages are said to belong to it, and its elements end at byte %d", overflow, end))
	case id+overflow >= db.pages:
		return page{}, db.pageError(id, fmt.Errorf("it would go on to page %d of %d", id+overflow, db.pages))
	}
	if overflow > 0 {
		p.b = resized(buf, int(end))
		if err := db.fill(p.b, at); err != nil {
			return page{}, err
		}
		if again, err := p.check(id); err != nil || again != end {
			return page{}, db.pageError(id, errors.New("it changed while it was read"))
		}
	}
	if err := p.checkKeys(low, high); err != nil {
		return page{}, db.pageError(id, err)
	}
	return p, nil
}

const maxOffset = 1<<63 - 1 - maxPage

func (db *boltDB) pageError(id uint64, err error) error {
	return fmt.Errorf("page %d at offset %d: %w: %w", id, int64(id)*db.pageSize, err, walcore.ErrDamaged)
}

// fill reads a part of the file that belongs to the database: if the file ends before, that is
// damage.
func (db *boltDB) fill(p []byte, at int64) error {
	follows := at == db.end
	db.end = at + int64(len(p))
	if at < db.aheadAt || db.end > db.aheadAt+int64(len(db.ahead)) {
		if !follows || len(p) > readAhead {
			return db.readAt(p, at)
		}
		db.ahead, db.aheadAt = resized(&db.ahead, readAhead), at
		n, _ := db.f.ReadAt(db.ahead, at)
		if db.ahead = db.ahead[:n]; n < len(p) {
			return db.readAt(p, at)
		}
	}
	copy(p, db.ahead[at-db.aheadAt:])
	return nil
}

func (db *boltDB) readAt(p []byte, at int64) error {
	n, err := db.f.ReadAt(p, at)
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
func (p *page) check(id uint64) (end uint64, err error) {
	flags := binary.LittleEndian.Uint16(p.b[8:])
	p.leaf, p.count = flags == leafFlag, int(binary.LittleEndian.Uint16(p.b[10:]))
	switch {
	case binary.LittleEndian.Uint64(p.b) != id:
		return 0, fmt.Errorf("it says that it is page %d", binary.LittleEndian.Uint64(p.b))
	case flags != leafFlag && flags != branchFlag:
		return 0, fmt.Errorf("it is neither a branch nor a leaf: flags 0x%x", flags)
	case flags == branchFlag && p.count == 0:
		return 0, errors.New("a branch without children")
	case pageHeader+p.count*pageElement > len(p.b):
		return 0, fmt.Errorf("%d elements do not fit in it", p.count)
	}
	end = uint64(pageHeader + p.count*pageElement)
	for i := range p.count {
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

func (p *page) checkKeys(low, high []byte) error {
	before := low
	for i := range p.count {
		key := p.key(i)
		order := bytes.Compare(before, key)
		if order > 0 || order == 0 && i > 0 || high != nil && bytes.Compare(key, high) >= 0 {
			return fmt.Errorf("key %d, %x, is out of order", i, key)
		}
		before = key
	}
	return nil
}

// tree is the keys and values of a bucket.
type tree struct {
	db     *boltDB
	root   uint64
	inline *page // a small bucket is in its parent's leaf; nil: it is not
	bufs   [maxBoltDepth][]byte
}

// bucket finds a top-level bucket. A new database has them all, and they are empty.
func (db *boltDB) bucket(name string) (found *tree, err error) {
	if db.isNew() {
		return &tree{db: db, inline: &page{leaf: true}}, nil
	}
	top := &tree{db: db, root: db.root}
	var failed error
	err = top.leafOf([]byte(name), func(p page, i int) {
		if i < p.count && string(p.key(i)) == name {
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
func (db *boltDB) openBucket(p page, i int) (*tree, error) {
	value, at := p.value(i)
	if !p.isBucket(i) || len(value) < bucketHeader {
		return nil, fmt.Errorf("%q at offset %d is no bucket: %w", p.key(i), at, walcore.ErrDamaged)
	}
	t := &tree{db: db, root: binary.LittleEndian.Uint64(value)}
	if t.root != 0 {
		return t, nil
	}
	inline := page{b: bytes.Clone(value[bucketHeader:]), at: at + bucketHeader}
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
		return nil, fmt.Errorf("bucket %q at offset %d: %w: %w", p.key(i), at, err, walcore.ErrDamaged)
	}
	t.inline = &inline
	return t, nil
}

// errStop ends a walk.
var errStop = errors.New("stop")

// visitor is told what a walk finds. If it fails, the walk ends with that error.
type visitor struct {
	// leaf gets a leaf with keys of at least what was asked for from element from on. It is
	// valid until leaf returns.
	leaf func(p page, from int) error
	// broken says that keys from low to below high cannot be read; nil: there is no bound.
	broken func(low, high []byte, err error) error
}

// walk goes through the leaves that have keys of at least from, upwards.
func (t *tree) walk(from []byte, v visitor) error {
	if t.inline != nil {
		return v.leaf(*t.inline, t.inline.search(from))
	}
	return t.walkPage(t.root, 0, from, nil, nil, v)
}

func (t *tree) walkPage(id uint64, depth int, from, low, high []byte, v visitor) error {
	if depth == maxBoltDepth {
		return v.broken(low, high, t.db.pageError(id, errors.New("the tree is too deep")))
	}
	p, err := t.db.readPage(id, low, high, &t.bufs[depth])
	if err == nil && p.count == 0 && depth > 0 {
		err = t.db.pageError(id, errors.New("a leaf without keys"))
	}
	if err != nil {
		return v.broken(low, high, err)
	}
	if p.leaf {
		return v.leaf(p, p.search(from))
	}
	// The child to begin with is the last one whose first key is not above from.
	i := p.search(from)
	if i == p.count || i > 0 && !bytes.Equal(p.key(i), from) {
		i--
	}
	for ; i < p.count; i++ {
		end := high
		if i+1 < p.count {
			end = p.key(i + 1)
		}
		if err := t.walkPage(p.child(i), depth+1, from, p.key(i), end, v); err != nil {
			return err
		}
	}
	return nil
}

// search gives the first element whose key is at least the given one.
func (p *page) search(key []byte) int {
	low, high := 0, p.count
	for low < high {
		if mid := (low + high) / 2; bytes.Compare(p.key(mid), key) < 0 {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}

// leafOf gives the leaf in which a key would be to use, and the first element that is not below
// the key.
func (t *tree) leafOf(key []byte, use func(p page, i int)) error {
	err := t.walk(key, visitor{
		leaf: func(p page, i int) error {
			use(p, i)
			return errStop
		},
		broken: func(_, _ []byte, err error) error { return err },
	})
	if err == errStop {
		return nil
	}
	return err
}

// get finds the value of a key. It is valid until the next one is read.
func (t *tree) get(key []byte) (value []byte, at int64, err error) {
	err = t.leafOf(key, func(p page, i int) {
		if i < p.count && bytes.Equal(p.key(i), key) {
			value, at = p.value(i)
		}
	})
	return value, at, err
}
