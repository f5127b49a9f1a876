package hashicorp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"

	"github.com/walfs/walfs/walcore"
)

// A segment of raft-wal: a header, and frames. Entries count once a commit frame follows them
// whose checksum, over all since the commit frame before, is right.

const (
	segmentMagic  = 0x58eb6b0d
	segmentHeader = 32
	frameHeader   = 8
	entryFrame    = 1
	indexFrame    = 2
	commitFrame   = 3
	codec1        = 1
	segmentSuffix = ".wal"
	leastEntry    = 32 // bytes that an entry takes, with its frame
	leastStored   = 20 // and without it
)

// zeros are what a file has where nothing was written.
var zeros [4096]byte

// segmentInfo is what wal-meta.db says of a segment.
type segmentInfo struct {
	ID, BaseIndex, MinIndex, MaxIndex, Codec uint64
	SealTime                                 time.Time
}

func (s segmentInfo) sealed() bool { return !s.SealTime.IsZero() }

func (s segmentInfo) name() string {
	return fmt.Sprintf("%020d-%016x%s", s.BaseIndex, s.ID, segmentSuffix)
}

// segment is a segment as far as it was read. It goes on where it ended when it has grown.
type segment struct {
	f    *openFile
	name string
	base uint64
	table
	damages []damage
	own     int    // how many damages were found by earlier readings, which others have too
	end     int64  // behind the last commit frame that is right
	next    uint64 // the index that follows there
	torn    bool   // something follows there that no commit frame makes count
	// What the file's attributes were before it was read last, and when that was.
	attr   walcore.Attr
	looked time.Time
}

// frameReader reads frames one behind the other, from a file of a size.
type frameReader struct {
	f    io.ReaderAt
	size int64
	buf  []byte // what was read last
	at   int64  // of buf in the file
}

// bytes gives n bytes at an offset, valid until the next call; ok is false if the file ends
// before.
func (r *frameReader) bytes(at, n int64) (b []byte, ok bool, err error) {
	if n < 0 || n > r.size-at {
		return nil, false, nil
	}
	if at < r.at || at+n > r.at+int64(len(r.buf)) {
		r.at, r.buf = at, resized(&r.buf, int(min(max(n, chunkSize), r.size-at)))
		if err := readFull(r.f, r.buf, at); err != nil {
			r.buf = r.buf[:0]
			return nil, false, err
		}
	}
	return r.buf[at-r.at:][:n], true, nil
}

// frame is a frame's header, and where its payload is.
type frame struct {
	kind byte
	at   int64
	n    int64  // of the payload
	crc  uint32 // of a commit frame
}

// end is where the next frame begins.
func (f frame) end() int64 { return f.at + (f.n+7)&^7 }

// frame gives the frame at an offset; ok is false if there is none.
func (r *frameReader) frame(at int64) (f frame, ok bool, err error) {
	b, ok, err := r.bytes(at, frameHeader)
	if err != nil || !ok || b[1]|b[2]|b[3] != 0 {
		return f, false, err
	}
	number := binary.LittleEndian.Uint32(b[4:])
	f = frame{kind: b[0], at: at + frameHeader}
	switch f.kind {
	case entryFrame, indexFrame:
		f.n = int64(number)
	case commitFrame:
		f.crc = number
	default:
		return f, false, nil
	}
	return f, f.n <= maxValue && f.end() <= r.size && (f.kind != entryFrame || f.n >= leastStored), nil
}

// batch is entries that one commit frame makes count.
type batch struct {
	entries []readEntry
	end     int64 // of its frames
	right   bool  // a commit frame follows, and its checksum is right
}

// batch reads the frames from an offset on up to a commit frame.
func (r *frameReader) batch(at int64, b *batch) error {
	*b = batch{entries: b.entries[:0], end: at}
	sum := uint32(0)
	if at == 0 {
		header, ok, err := r.bytes(0, segmentHeader)
		if err != nil || !ok {
			return err
		}
		sum = crc32.Checksum(header, castagnoli)
		b.end = segmentHeader
	}
	for {
		f, ok, err := r.frame(b.end)
		if err != nil || !ok {
			return err
		}
		if f.kind == commitFrame {
			b.end, b.right = f.end(), f.crc == sum
			return nil
		}
		var e readEntry
		if f.n > smallValue {
			e, sum, err = r.large(f, sum)
		} else {
			e, sum, err = r.small(f, sum)
		}
		if err != nil {
			return err
		}
		if f.kind == entryFrame {
			b.entries = append(b.entries, e)
		}
		b.end = f.end()
	}
}

// small reads a frame, goes on with the sum of its batch, and takes its entry apart.
func (r *frameReader) small(f frame, sum uint32) (e readEntry, _ uint32, err error) {
	begin := f.at - frameHeader
	all, _, err := r.bytes(begin, f.end()-begin)
	if err == nil && f.kind == entryFrame {
		var rec record
		rec, e.slot, e.err = newSlot(f.at, all[frameHeader:][:f.n], parseCodec1)
		e.index, e.term, e.at = rec.index, rec.term, f.at
	}
	return e, crc32.Update(sum, castagnoli, all), err
}

// large does the same with a frame that is not held in memory.
func (r *frameReader) large(f frame, sum uint32) (e readEntry, _ uint32, err error) {
	stored := uint32(0) // the value's own
	for at := f.at - frameHeader; at < f.end(); {
		b, _, err := r.bytes(at, min(chunkSize, f.end()-at))
		if err != nil {
			return e, 0, err
		}
		sum = crc32.Update(sum, castagnoli, b)
		value := b[min(max(f.at-at, 0), int64(len(b))):max(min(f.at+f.n-at, int64(len(b))), 0)]
		stored = crc32.Update(stored, castagnoli, value)
		at += int64(len(b))
	}
	if f.kind != entryFrame {
		return e, sum, nil
	}
	var rec record
	head, _, err := r.bytes(f.at, mostHead)
	if err != nil {
		return e, 0, err
	}
	b := bytesLeft{all: head, rest: head}
	size := b.codec1Head(&rec)
	rec.dataAt, rec.size = len(head)-len(b.rest), int(min(size, maxValue))
	if beside := f.n - int64(rec.dataAt) - int64(rec.size); b.err == nil && beside >= 0 && beside <= maxBeside {
		tail, _, err := r.bytes(f.at+f.n-beside, beside)
		if err != nil {
			return e, 0, err
		}
		b = bytesLeft{all: tail, rest: tail}
		b.codec1Tail(&rec)
		e.err = b.end(&rec)
	} else if e.err = b.err; e.err == nil {
		e.err = fmt.Errorf("a payload of %d bytes in a value of %d", size, f.n)
	}
	if e.err == nil {
		e.slot, e.err = slotOf(rec, f.at, int(f.n), stored)
	}
	e.index, e.term, e.at = rec.index, rec.term, f.at
	return e, sum, nil
}

// mostHead is more than stands before a payload.
const mostHead = 64

func newSegment(f *openFile, info segmentInfo) *segment {
	return &segment{f: f, name: info.name(), base: info.BaseIndex, next: info.BaseIndex}
}

// openSegment checks a segment's header.
func openSegment(f *openFile, info segmentInfo, size int64) (*segment, error) {
	s := newSegment(f, info)
	var h [segmentHeader]byte
	if size < segmentHeader {
		return s, nil // nothing was committed to it
	}
	if err := readFull(f, h[:], 0); err != nil {
		return nil, err
	}
	if h == [segmentHeader]byte{} {
		return s, nil
	}
	le := binary.LittleEndian
	for _, field := range []struct {
		what      string
		got, want uint64
	}{
		{"magic number", uint64(le.Uint32(h[:])), segmentMagic},
		{"version", uint64(h[7]), 0},
		{"base index", le.Uint64(h[8:]), info.BaseIndex},
		{"segment id", le.Uint64(h[16:]), info.ID},
		{"codec", le.Uint64(h[24:]), info.Codec},
	} {
		if field.got != field.want {
			return nil, fmt.Errorf("its header has %s %d, and %s says %d: it is damaged, or of another log: %w",
				field.what, field.got, walMetaName, field.want, walcore.ErrDamaged)
		}
	}
	if info.Codec != codec1 {
		return nil, fmt.Errorf("its entries are in codec %d, which is the application's own: %w", info.Codec, walcore.ErrDamaged)
	}
	return s, nil
}

// read goes on where it ended, with the file's attributes now. thorough says that what follows a
// batch that is not right is searched, too: where the log goes on there, that batch is damaged.
// Otherwise it is the log's end, which a node may be writing just now.
func (s *segment) read(attr walcore.Attr, thorough bool) error {
	s.attr, s.looked = attr, time.Now()
	size := attr.Size
	r := &frameReader{f: s.f, size: size}
	budget := 4*size + 1<<20 // how much may be read in vain
	s.torn, s.own = false, len(s.damages)
	for b := (batch{}); ; {
		start := s.end
		if err := r.batch(start, &b); err != nil {
			return err
		}
		if b.right {
			s.take(&b)
			continue
		}
		found := false
		if thorough {
			var err error
			if found, err = s.resync(r, max(b.end-frameHeader, 0), &b, &budget); err != nil {
				return err
			}
		}
		if !found {
			return s.noteTorn(r)
		}
		// A node may have written the first one since it was read: it does that in order.
		r.buf = r.buf[:0]
		var again batch
		if err := r.batch(start, &again); err != nil {
			return err
		}
		if again.right {
			s.take(&again)
			continue
		}
		s.skip(b.entries[0].index, start)
		s.take(&b)
	}
}

// take takes a batch that is right.
func (s *segment) take(b *batch) {
	for _, e := range b.entries {
		index := s.next
		if s.next++; e.err == nil && e.index != index {
			e.err = fmt.Errorf("it says that it is entry %d", e.index)
		}
		if e.err != nil {
			s.damages = addDamage(s.damages, s.own, s.name, index, e.at, e.err)
			continue
		}
		s.add(index, e.term, e.slot)
	}
	s.end, s.torn = b.end, false
}

// resync looks for a batch with entries that is right and follows a commit frame, from an
// offset on. budget bounds what a file can make it read.
func (s *segment) resync(r *frameReader, at int64, b *batch, budget *int64) (found bool, err error) {
	for ; *budget > 0 && at <= r.size-frameHeader; at += frameHeader {
		if b, _, err := r.bytes(at, min(int64(len(zeros)), r.size-at)); err != nil {
			return false, err
		} else if bytes.Equal(b, zeros[:len(b)]) {
			at += int64(len(b)) - frameHeader
			continue
		}
		s.torn = s.torn || at >= s.end // unless another batch is found
		f, ok, err := r.frame(at)
		if err != nil {
			return false, err
		}
		if *budget -= frameHeader; !ok || f.kind != commitFrame {
			continue
		}
		if err := r.batch(f.end(), b); err != nil {
			return false, err
		}
		*budget -= b.end - f.end()
		if b.right && len(b.entries) > 0 && b.entries[0].err == nil {
			// Those that are missing lie before it.
			if i := b.entries[0].index; i >= s.next && i-s.next <= uint64(at-s.end)/leastEntry {
				return true, nil
			}
		}
	}
	return false, nil
}

// skip notes that the entries before an index are damaged. at is where they begin.
func (s *segment) skip(index uint64, at int64) {
	if index > s.next {
		s.damages = append(s.damages, damaged(s.name, walcore.KindChecksum, s.next, index-1, at,
			errors.New("the checksum of what was written together is wrong")))
		s.next = index
	}
}

// noteTorn notes whether bytes follow that do not count.
func (s *segment) noteTorn(r *frameReader) error {
	b, _, err := r.bytes(s.end, min(int64(len(zeros)), r.size-s.end))
	s.torn = s.torn || !bytes.Equal(b, zeros[:len(b)])
	return err
}

// grown reports whether more may count than when the segment was read.
func (s *segment) grown() bool {
	var b [frameHeader]byte
	if n, err := s.f.ReadAt(b[:], s.end); n < len(b) {
		return err != nil && !errors.Is(err, io.EOF)
	}
	if b == [frameHeader]byte{} || !s.torn {
		return b != [frameHeader]byte{}
	}
	// It was there before. The file's time tells whether a write has begun since, and not when it
	// has ended.
	now, err := s.f.Stat()
	return err != nil || now.Size != s.attr.Size || !now.Mtime.Equal(s.attr.Mtime) || s.looked.Sub(s.attr.Mtime) < settlingTime
}

// settlingTime is how long a write may take.
const settlingTime = time.Second

// lastIndex is the last index that counts, damaged entries included; 0: there is none.
func (s *segment) lastIndex() uint64 {
	if s.next == s.base {
		return 0
	}
	return s.next - 1
}

// within gives the damages from first to last.
func within(damages []damage, first, last uint64) (cut []damage) {
	for _, d := range damages {
		if d.first = max(d.first, first); d.first <= last && d.last >= first {
			d.last = min(d.last, last)
			cut = append(cut, d)
		}
	}
	return cut
}
