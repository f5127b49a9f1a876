package bolt

import (
	"encoding/binary"
	"hash/fnv"
	"io"
	"sort"
)

// Items are the keys and values of a bucket, by key.
type Items interface {
	Len() int
	Key(i int) []byte
	ValueSize(i int) int
	Value(i int) ([]byte, error)
}

// Bucket is a top-level bucket of a database that is built.
type Bucket struct {
	Name string
	Items
}

// Built is the file of a database: an io.ReaderAt. Its leaves are made when they are read, out
// of the values as they are then. All else is in memory: some 64 bytes a leaf, and the branches.
type Built struct {
	pageSize int64
	pages    uint64
	parts    []part // by page
}

// part is a page, with those that it goes on to.
type part struct {
	page     uint64
	items    Items
	first, n int
	held     []byte // a page that is no leaf
}

const (
	freelistPage = 2
	rootPage     = 3
	newTxID      = 2 // the first transaction that somebody writes
)

// Build lays out a database with buckets in the order of their names.
func Build(pageSize int64, buckets []Bucket) *Built {
	b := &Built{pageSize: pageSize, pages: rootPage + 1}
	var roots, names [][]byte
	for _, bucket := range buckets {
		names = append(names, []byte(bucket.Name))
		roots = append(roots, binary.LittleEndian.AppendUint64(nil, b.addBucket(bucket.Items)))
	}
	for i := range roots {
		roots[i] = append(roots[i], make([]byte, bucketHeader-8)...)
	}
	root := newPage(rootPage, leafFlag, len(names))
	for i, name := range names {
		root = addElement(root, i, [4]uint32{bucketFlag, 0, uint32(len(name)), uint32(len(roots[i]))}, name, roots[i])
	}
	first := []part{{page: 0, held: b.meta(0)}, {page: 1, held: b.meta(1)},
		{page: freelistPage, held: newPage(freelistPage, freelistFlag, 0)}, {page: rootPage, held: root}}
	b.parts = append(first, b.parts...)
	return b
}

// addBucket adds a bucket's pages, and gives its root.
func (b *Built) addBucket(items Items) (root uint64) {
	var level []part
	for i := 0; i < items.Len() || len(level) == 0; {
		p, size := part{items: items, first: i}, int64(pageHeader)
		for ; i < items.Len(); i++ {
			n := pageElement + int64(len(items.Key(i))) + int64(items.ValueSize(i))
			if size+n > b.pageSize && p.n > 0 {
				break
			}
			size += n
			p.n++
		}
		level = append(level, b.add(p, size))
	}
	for len(level) > 1 {
		level = b.addBranches(level)
	}
	return level[0].page
}

// add adds a part of a size behind those that there are.
func (b *Built) add(p part, size int64) part {
	p.page = b.pages
	b.pages += uint64((size-1)/b.pageSize + 1)
	b.parts = append(b.parts, p)
	return p
}

// addBranches adds the branches above pages.
func (b *Built) addBranches(below []part) (level []part) {
	for len(below) > 0 {
		n, size := 0, int64(pageHeader)
		for ; n < len(below); n++ {
			key := int64(len(below[n].items.Key(below[n].first)))
			if size+pageElement+key > b.pageSize && n > 1 {
				break
			}
			size += pageElement + key
		}
		held := newPage(b.pages, branchFlag, n)
		for i, child := range below[:n] {
			key := child.items.Key(child.first)
			held = addElement(held, i, [4]uint32{0, uint32(len(key)), uint32(child.page), uint32(child.page >> 32)}, key, nil)
		}
		level = append(level, b.add(part{items: below[0].items, first: below[0].first, held: b.ended(held)}, size))
		below = below[n:]
	}
	return level
}

func newPage(id uint64, flags uint16, count int) []byte {
	p := make([]byte, pageHeader+count*pageElement)
	binary.LittleEndian.PutUint64(p, id)
	binary.LittleEndian.PutUint16(p[8:], flags)
	binary.LittleEndian.PutUint16(p[10:], uint16(count))
	return p
}

// addElement adds the element i, with where its key is as the field for it.
func addElement(p []byte, i int, fields [4]uint32, key, value []byte) []byte {
	at := pageHeader + i*pageElement
	pos := 0 // of a branch's element
	if binary.LittleEndian.Uint16(p[8:]) == leafFlag {
		pos = 1
	}
	fields[pos] = uint32(len(p) - at)
	for k, f := range fields {
		binary.LittleEndian.PutUint32(p[at+4*k:], f)
	}
	return append(append(p, key...), value...)
}

// ended writes into a page how many it goes on to.
func (b *Built) ended(p []byte) []byte {
	binary.LittleEndian.PutUint32(p[12:], uint32((int64(len(p))-1)/b.pageSize))
	return p
}

// meta is a meta page. Both say the same.
func (b *Built) meta(id uint64) []byte {
	le := binary.LittleEndian
	p := newPage(id, metaFlag, 0)
	m := le.AppendUint32(nil, magic)
	m = le.AppendUint32(m, version)
	m = le.AppendUint32(m, uint32(b.pageSize))
	m = le.AppendUint32(m, 0)
	m = le.AppendUint64(m, rootPage)
	m = le.AppendUint64(m, 0)
	m = le.AppendUint64(m, freelistPage)
	m = le.AppendUint64(m, b.pages)
	m = le.AppendUint64(m, newTxID+id)
	h := fnv.New64a()
	h.Write(m)
	return append(p, le.AppendUint64(m, h.Sum64())...)
}

// Size is how many bytes the file has.
func (b *Built) Size() int64 { return int64(b.pages) * b.pageSize }

// ReadAt reads as io.ReaderAt says. It fails as the values do.
func (b *Built) ReadAt(p []byte, off int64) (int, error) {
	end := error(nil)
	if n := max(b.Size()-off, 0); int64(len(p)) > n {
		p, end = p[:n], io.EOF
	}
	clear(p)
	k := sort.Search(len(b.parts), func(k int) bool { return b.end(k) > off })
	for ; k < len(b.parts) && b.begin(k) < off+int64(len(p)); k++ {
		page, err := b.page(&b.parts[k])
		if err != nil {
			return 0, err
		}
		if at := b.begin(k) - off; at >= 0 {
			copy(p[at:], page)
		} else {
			copy(p, page[min(-at, int64(len(page))):])
		}
	}
	return len(p), end
}

func (b *Built) begin(k int) int64 { return int64(b.parts[k].page) * b.pageSize }

func (b *Built) end(k int) int64 {
	if k+1 < len(b.parts) {
		return b.begin(k + 1)
	}
	return b.Size()
}

// page makes the bytes of a part.
func (b *Built) page(p *part) ([]byte, error) {
	if p.held != nil {
		return p.held, nil
	}
	leaf := newPage(p.page, leafFlag, p.n)
	for i := range p.n {
		value, err := p.items.Value(p.first + i)
		if err != nil {
			return nil, err
		}
		key := p.items.Key(p.first + i)
		leaf = addElement(leaf, i, [4]uint32{0, 0, uint32(len(key)), uint32(len(value))}, key, value)
	}
	return b.ended(leaf), nil
}

// Same is a range for comparing with an earlier file: values can be anywhere in each, so it is
// empty.
func (b *Built) Same(io.ReaderAt) (from, to int64) { return 0, 0 }
