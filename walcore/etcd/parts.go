package etcd

import (
	"hash/crc32"
	"io"
	"runtime"

	"github.com/walfs/walfs/walcore/platform"
)

// A large segment is read by several processors, each a part of it. Where the first record of a
// part begins, and the sum before it, is guessed: from records whose sums follow from one
// another. The part counts only if the one before it ends just there, with that sum. So a log
// within a payload misleads nobody, and each record is verified as if there were no parts.

const (
	leastPart = 8 << 20
	// mostGuessed is how many records the guess is made from.
	mostGuessed = 4
)

// partsOf is in how many parts to read so many bytes, with one of so many others that are read
// at the same time.
func partsOf(bytes int64, others int) int {
	return int(max(min(int64(runtime.GOMAXPROCS(0)/others), bytes/leastPart), 1))
}

// readParts reads the frames behind end in up to n parts.
func (s *segment) readParts(size int64, n int) error {
	parts, from := []*segment{s}, s.end
	for i := 1; i < n; i++ {
		if start, ok := guess(s.file, from+(size-from)/int64(n)*int64(i), size); ok {
			parts = append(parts, &segment{name: s.name, file: s.file, begun: true, ending: start})
		}
	}
	starts := make([]ending, len(parts))
	errs := make([]error, len(parts))
	for i, p := range parts {
		starts[i] = p.ending
	}
	platform.InParallel(len(parts), func(i int) {
		to := size
		if i+1 < len(parts) {
			to = starts[i+1].end
		}
		errs[i] = parts[i].readFrames(size, to)
	})
	for i, p := range parts[1:] {
		if errs[i] != nil || s.ending != starts[i+1] || !s.join(p) {
			break
		}
		errs[0] = errs[i+1]
	}
	if errs[0] != nil || s.fault != nil {
		return errs[0]
	}
	return s.readFrames(size, size)
}

// guess looks for records behind a place in a file: the last one before the place that it gives
// is the first one that it has found.
func guess(f io.ReaderAt, from, size int64) (place ending, ok bool) {
	buf := blocks.Get().(*[]byte)
	defer blocks.Put(buf)
	from -= from % frameUnit
	b := (*buf)[:min(blockSize, size-from)]
	if readFull(f, b, from) != nil {
		return place, false
	}
	for at := int64(0); at < int64(len(b)); at += frameUnit {
		r, next, ok := frameAt(b, at)
		place = ending{frame: from + at, end: from + next, sum: r.sum}
		for n := 1; ok; n++ {
			if n == mostGuessed {
				return place, true
			}
			before := r.sum
			r, next, ok = frameAt(b, next)
			ok = ok && r.sum == crc32.Update(before, castagnoli, r.data)
		}
	}
	return place, false
}

// frameAt takes a frame for which the block has all bytes.
func frameAt(b []byte, at int64) (r record, next int64, ok bool) {
	if int64(len(b))-at < frameHeader {
		return r, 0, false
	}
	n, padding := frameSize(b[at:])
	next = at + frameHeader + n + padding
	if n == 0 || next > int64(len(b)) || next%frameUnit != 0 {
		return r, 0, false
	}
	r, ok = parseRecord(b[at+frameHeader : at+frameHeader+n])
	return r, next, ok
}

// join adds a part that begins where s ends. It adds nothing, and reports false, where it is
// not certain what it would be.
func (s *segment) join(p *segment) bool {
	if s.ids != nil && p.ids != nil && *s.ids != *p.ids {
		return false // to be found where it is
	}
	for i, snap := range p.snapshots {
		if snap.slot += s.n; i < p.unstated {
			snap.commit = s.last.Commit
		}
		s.snapshots = append(s.snapshots, snap)
	}
	for i, r := range p.runs {
		if r.slot += s.n; i > 0 || !s.continues(r) {
			s.runs = append(s.runs, r)
		}
	}
	s.addAll(&p.table)
	if p.ids != nil {
		s.ids = p.ids
	}
	if p.hasState && !s.hasState {
		s.first = p.first
	}
	if p.hasState {
		s.hasState, s.last = true, p.last
	}
	s.ending, s.fault = p.ending, p.fault
	return true
}
