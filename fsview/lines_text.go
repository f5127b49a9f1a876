package fsview

import (
	"fmt"
	"hash/crc32"
	"hash/crc64"
	"math"
	"slices"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/s2"
	"github.com/walfs/walfs/walcore"
)

// linesText is what there is to know of a linesFile's text without having it: where its
// pieces begin. It does not change: with more entries it is another one.
type linesText struct {
	node        Node
	first, last uint64 // index of the first and the last entry; 0: there are none
	size        int64
	mtime       time.Time
	pieces      []linesPiece
	// sumBeforeLast is the checksum of all pieces but the last one, which has more lines
	// if entries are added.
	sumBeforeLast uint64
}

// linesPiece is a piece of the text: some lines. To read in the middle takes decoding a
// piece or two, and not all that is in front of them.
type linesPiece struct {
	offset int64
	index  uint64 // of the first entry
	sum    uint32 // its checksum: who knows the size must find that text
}

// pieceBytes is the size of a piece, without the end of the last line in it. A kernel asks
// for as many bytes at once.
const pieceBytes = 128 << 10

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	ecma       = crc64.MakeTable(crc64.ECMA)
)

// isPartOf reports whether a log file, with the identity that it had, has the text's first
// entry as its first, and its last entry.
func (x *linesText) isPartOf(f *walcore.File) bool {
	return len(x.pieces) > 0 && nextEntry(f, 0) == x.first && nextEntry(f, x.last) == x.last
}

// isWhole reports whether the text has all of a log file's entries.
func (x *linesText) isWhole(f *walcore.File) bool {
	if len(x.pieces) == 0 {
		return nextEntry(f, 0) == 0
	}
	return x.isPartOf(f) && nextEntry(f, x.last+1) == 0
}

// nextEntry is the index of the first of a log file's entries from an index on, or 0.
func nextEntry(f *walcore.File, from uint64) uint64 {
	for e := range f.Source.Entries(from) {
		return e.Index
	}
	return 0
}

// pieceAt is the number of the piece with the byte at off.
func (x *linesText) pieceAt(off int64) int {
	return sort.Search(len(x.pieces), func(k int) bool { return x.pieces[k].offset > off }) - 1
}

// lastOf is the last index that a piece can have a line of.
func (x *linesText) lastOf(k int) uint64 {
	if k+1 < len(x.pieces) {
		return x.pieces[k+1].index - 1
	}
	return x.last
}

// measureLines makes the text of a log file, to find out what there is to know of it. earlier
// is that of fewer entries, or nil: its pieces but the last are not made again.
func (t *Tree) measureLines(f *walcore.File, earlier *linesText) (*linesText, error) {
	x := &linesText{mtime: f.Attr.Mtime, first: nextEntry(f, 0)}
	next := x.first
	if earlier != nil && earlier.isPartOf(f) {
		k := len(earlier.pieces) - 1
		x.pieces, x.sumBeforeLast = slices.Clone(earlier.pieces[:k]), earlier.sumBeforeLast
		x.size, next = earlier.pieces[k].offset, earlier.pieces[k].index
	}
	sum, left := x.sumBeforeLast, 0
	m := t.newLinesMaker(f)
	defer m.end()
	var packed []byte
	for from := next; next > 0; from = next {
		var err error
		if next, err = m.fill(from, math.MaxUint64); err != nil {
			return nil, err
		}
		x.sumBeforeLast = sum
		sum = crc64.Update(sum, ecma, m.text)
		x.pieces = append(x.pieces, linesPiece{x.size, from, crc32.Checksum(m.text, castagnoli)})
		if left < maxPackedLines && !m.large { // that is its beginning
			packed = s2.Encode(packed, m.text)
			left += t.decoding.lines.leave(pieceKey{x, len(x.pieces) - 1}, slices.Clone(packed))
		}
		x.size += int64(len(m.text))
	}
	if k := len(x.pieces); k > 0 {
		for e := range f.Source.Entries(x.pieces[k-1].index) {
			x.last = e.Index
		}
	}
	x.node = linesNode(f.ID, sum)
	return x, nil
}

// readPiece gives a piece of a text.
func (t *Tree) readPiece(f *walcore.File, x *linesText, k int) ([]byte, error) {
	return t.decoding.lines.get(pieceKey{x, k}, func() ([]byte, error) {
		m := t.newLinesMaker(f)
		defer m.end()
		if _, err := m.fill(x.pieces[k].index, x.lastOf(k)); err != nil {
			return nil, err
		}
		if crc32.Checksum(m.text, castagnoli) != x.pieces[k].sum {
			return nil, fmt.Errorf("%s: entries from %d on have other lines than when their size was told: %w; look the file up again",
				f.Name, x.pieces[k].index, walcore.ErrChanged)
		}
		return m.take(), nil
	})
}

// linesTexts are those that a linesFile has had: the newest last.
type linesTexts struct {
	asked     atomic.Bool // somebody has asked for one, so that a cache may have the file's name
	measuring sync.Mutex  // held by who looks for the newest one

	mu   sync.Mutex // protects what follows
	list []*linesText
}

// maxLinesTexts is how many are kept, for those who have them open while entries are added.
const maxLinesTexts = 16

func (l *linesTexts) newest() *linesText {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.list) == 0 {
		return nil
	}
	return l.list[len(l.list)-1]
}

func (l *linesTexts) find(n Node) *linesText {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, x := range l.list {
		if x.node == n {
			return x
		}
	}
	return nil
}

func (l *linesTexts) add(x *linesText) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.list) == maxLinesTexts {
		l.list = slices.Delete(l.list, 0, 1)
	}
	l.list = append(l.list, x)
}

func (l *linesTexts) drop(x *linesText) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = slices.DeleteFunc(l.list, func(have *linesText) bool { return have == x })
}
