package etcd

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/walfs/walfs/walcore"
)

// readFrames reads the frames that begin before to, of a file of some size. It does so in
// blocks, which stay in a processor's cache until they are summed.
func (s *segment) readFrames(size, to int64) error {
	buf := blocks.Get().(*[]byte)
	defer blocks.Put(buf)
	if size < s.end {
		return walcore.ErrChanged // somebody has cut it
	}
	for {
		b := (*buf)[:min(blockSize, size-s.end)]
		if err := readFull(s.file, b, s.end); err != nil {
			return err
		}
		begin := s.end
		for s.fault == nil {
			s.readUsual(b[s.end-begin:], to)
			rest := b[s.end-begin:]
			if s.end >= to || len(rest) < frameHeader {
				break
			}
			n, padding := frameSize(rest)
			if n+padding == 0 && binary.LittleEndian.Uint64(rest) == 0 {
				return nil
			}
			if frameHeader+n+padding > int64(len(rest)) {
				break
			}
			s.readFrame(rest[frameHeader:frameHeader+n+padding], n)
		}
		switch {
		case s.fault != nil, s.end >= to, size-s.end < frameHeader:
			return nil
		case s.end == begin:
			if err := s.readLargeFrame(b, size); err != nil || s.fault != nil {
				return err
			}
		}
	}
}

// readFrame takes a frame of which b holds all but the header.
func (s *segment) readFrame(b []byte, n int64) {
	r, ok := parseRecord(b[:n])
	sum := s.sum
	if r.typ != recordCRC {
		sum = crc32.Update(s.sum, castagnoli, r.data)
	}
	if s.fault = s.check(ok, r.typ, r.sum, sum); s.fault != nil {
		s.fault.zeros = hasZeroSector(b, s.end+frameHeader)
		return
	}
	if r.typ == recordEntry {
		e, ok := parseEntry(r.data)
		s.fault = s.addEntry(ok, e.entryID, uint32(len(e.data)), sum)
	} else {
		s.fault = s.addOther(r.typ, r.sum, r.data)
	}
	if s.fault == nil {
		// It is sum. A processor that takes what is stored need not wait for it, and sums
		// records side by side.
		s.ending = ending{s.end, s.end + frameHeader + int64(len(b)), r.sum}
	}
}

// readLargeFrame takes a frame that does not fit into a block, or into the file.
func (s *segment) readLargeFrame(header []byte, size int64) error {
	n, padding := frameSize(header)
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
