package etcd

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"runtime"
	"sync"

	"github.com/walfs/walfs/walcore"
)

// block is a part of a segment that is read at once, with the frames that begin in it. Blocks
// are read, parsed and summed side by side. Where its first frame begins, a block is told by
// the one before it, as soon as that one has found its frames; and the sum that a record goes
// on from is in the record before it.
type block struct {
	buf    []byte // what was read
	from   int64  // where it begins in the file
	frames []frame
	end    place // behind the frames
	large  bool  // there comes one that does not fit into a block, or not into the file
	err    error
	done   sync.WaitGroup
}

// place is where a frame begins, and the sum before it.
type place struct {
	at   int64
	sum  uint32
	last bool // what is there is not for blocks
}

// frame is a record, and the padding behind it.
type frame struct {
	at, next uint32 // where the record begins in the block, and where the next frame does
	size     uint32 // the record's
	payload  uint32 // an entry's
	stored   uint32 // the sum that is in the record
	sum      uint32 // the sum of its data, if the record before it is right
	typ      uint64
	entry    entryID
	ok       bool // the record parses
	entryOK  bool // and the entry in it
}

var blockPool = sync.Pool{New: func() any { return &block{buf: make([]byte, 2*blockSize)} }}

// readFrames reads the frames behind end.
func (s *segment) readFrames(size int64) error {
	if size < s.end {
		return walcore.ErrChanged // somebody has cut it
	}
	for {
		large, err := s.readBlocks(size)
		if err == nil && large && s.fault == nil {
			err = s.readLargeFrame(size)
		}
		if err != nil || !large || s.fault != nil {
			return err
		}
	}
}

// readBlocks reads frames up to one that does not fit into a block.
func (s *segment) readBlocks(size int64) (large bool, err error) {
	var ahead []*block
	defer func() {
		for _, b := range ahead {
			b.free()
		}
	}()
	next := make(chan place, 1)
	next <- place{at: s.end, sum: s.sum}
	most := 1 // there may be no second one
	for from := s.end; ; from += blockSize {
		b, begin, behind := blockPool.Get().(*block), next, make(chan place, 1)
		b.from = from
		b.done.Go(func() { b.read(s.file, size, begin, behind) })
		next, ahead = behind, append(ahead, b)
		if len(ahead) < most {
			continue
		}
		oldest := ahead[0]
		oldest.done.Wait()
		if s.take(oldest); s.fault != nil || oldest.end.last {
			return oldest.large, oldest.err
		}
		oldest.free()
		ahead, most = ahead[1:], 1+runtime.GOMAXPROCS(0)
	}
}

// free gives a block back. Its frames are lost.
func (b *block) free() {
	b.done.Wait()
	blockPool.Put(b)
}

// read reads a block of a file of some size, and the frames that begin in it.
func (b *block) read(f io.ReaderAt, size int64, begin <-chan place, behind chan<- place) {
	b.frames, b.large = b.frames[:0], false
	b.buf = b.buf[:max(min(blockSize, size-b.from), 0)]
	b.err = readFull(f, b.buf, b.from)
	first := <-begin
	b.end = first
	switch {
	case first.last:
		b.err = nil // nobody asks for it
	case b.err == nil:
		b.err = b.find(f, size)
	}
	b.end.last = b.end.last || b.err != nil
	behind <- b.end
	b.parse(first.sum)
}

// find finds the frames that begin at end, and those behind it.
func (b *block) find(f io.ReaderAt, size int64) error {
	left := size - b.from
	at := b.end.at - b.from
	for at < blockSize {
		if b.end.last = left-at < frameHeader; b.end.last {
			break
		}
		if err := b.fill(f, at+frameHeader); err != nil {
			return err
		}
		n, padding := frameSize(b.buf[at:])
		if b.end.last = binary.LittleEndian.Uint64(b.buf[at:]) == 0; b.end.last {
			break
		}
		next := at + frameHeader + n + padding
		if b.large = next > left || next-at > blockSize; b.large {
			b.end.last = true
			break
		}
		if err := b.fill(f, next); err != nil {
			return err
		}
		b.frames = append(b.frames, frame{at: uint32(at + frameHeader), size: uint32(n), next: uint32(next)})
		at = next
	}
	if k := len(b.frames) - 1; k >= 0 {
		r, _ := parseRecord(b.record(&b.frames[k]))
		b.end.sum = r.sum
	}
	b.end.at = b.from + at
	return nil
}

// fill reads on up to a place in the block, if that was not read.
func (b *block) fill(f io.ReaderAt, to int64) error {
	n := int64(len(b.buf))
	if to <= n {
		return nil
	}
	b.buf = b.buf[:to]
	return readFull(f, b.buf[n:], b.from+n)
}

func (b *block) record(f *frame) []byte { return b.buf[f.at : f.at+f.size] }

// parse parses and sums the frames.
func (b *block) parse(sum uint32) {
	for i := range b.frames {
		f := &b.frames[i]
		var r record
		r, f.ok = parseRecord(b.record(f))
		f.typ, f.stored, f.sum = r.typ, r.sum, sum
		if r.typ != recordCRC {
			f.sum = crc32.Update(sum, castagnoli, r.data)
		}
		if r.typ == recordEntry {
			var e storedEntry
			e, f.entryOK = parseEntry(r.data)
			f.entry, f.payload = e.entryID, uint32(len(e.data))
		}
		// It is f.sum, or the frame is a fault. A processor that takes what is stored need not
		// wait for it, and sums records side by side.
		sum = r.sum
	}
}

// take takes the frames of a block, up to the first one that is a fault.
func (s *segment) take(b *block) {
	for i := range b.frames {
		f := &b.frames[i]
		if s.fault = s.check(f.ok, f.typ, f.stored, f.sum); s.fault != nil {
			s.fault.zeros = hasZeroSector(b.buf[f.at:f.next], b.from+int64(f.at))
			return
		}
		if f.typ == recordEntry {
			s.fault = s.addEntry(f.entryOK, f.entry, f.payload, f.sum)
		} else {
			r, _ := parseRecord(b.record(f))
			s.fault = s.addOther(f.typ, f.stored, r.data)
		}
		if s.fault != nil {
			return
		}
		s.ending = ending{s.end, b.from + int64(f.next), f.stored}
	}
}

// readLargeFrame takes the frame at end, which does not fit into a block, or not into the file.
func (s *segment) readLargeFrame(size int64) error {
	var header [frameHeader]byte
	if err := readFull(s.file, header[:], s.end); err != nil {
		return err
	}
	n, padding := frameSize(header[:])
	from := s.end + frameHeader
	if n > size-from-padding {
		s.fault = &fault{kind: walcore.KindLength, cut: true,
			message: fmt.Sprintf("a record of %d bytes does not fit into the file, which ends at %d", n, size)}
		return nil
	}
	if n > maxRecord {
		s.fault = &fault{kind: walcore.KindLength, message: fmt.Sprintf("a record of %d bytes is larger than any that etcd writes", n)}
		return nil
	}
	r, err := readLargeRecord(s.file, from, from+n)
	if isReadError(err) {
		return err
	}
	ok, sum := err == nil, s.sum
	if ok && r.typ != recordCRC {
		if sum, err = sumOf(s.file, r.from, r.to, sum, nil); err != nil {
			return err
		}
	}
	if s.fault = s.check(ok, r.typ, r.sum, sum); s.fault != nil {
		zeros := zeroSectors{at: from}
		if _, err := sumOf(s.file, from, from+n+padding, 0, zeros.add); err != nil {
			return err
		}
		s.fault.zeros = zeros.found()
		return nil
	}
	if r.typ != recordEntry {
		s.fault = &fault{kind: walcore.KindType, message: fmt.Sprintf("a record of type %d has %d bytes", r.typ, n)}
		return nil
	}
	e, err := readLargeEntry(s.file, r.from, r.to)
	if isReadError(err) {
		return err
	}
	if s.fault = s.addEntry(err == nil, e.entryID, uint32(e.to-e.from), sum); s.fault == nil {
		s.ending = ending{s.end, from + n + padding, sum}
	}
	return nil
}
