package dgraph

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// payloadSearch looks for payloads in a part of a log file: see remains.go.
type payloadSearch struct {
	part
	l          *LogFile
	recognizer walcore.Recognizer
	left       int // how many may still be found

	found      []foundPayload
	searchedTo int64
	note       string // what is to be said of the search
	gaveUp     bool

	next   int64 // see mayBeNext
	wasted int64 // bytes that were read and are no payload, of earlier parts, too
	window []byte
	at     int64 // of window in the file
	small  [walcore.RecognizedHead]byte
	data   []byte
	err    error // of reading
}

type foundPayload struct {
	at, size int64 // of the length, and of what follows it
	index    uint64
	typ      walcore.EntryType
	sum      uint32
}

func (f *foundPayload) end() int64 { return f.at + format.LengthSize + f.size }

const (
	// endZeros is how many zeros count as the end of all payloads.
	endZeros = 16
	// mostEmpty is how many empty payloads may lie between two others.
	mostEmpty = 2
	// maxRemnant is the largest payload that is found. One is held in memory.
	maxRemnant = 64 << 20
	// maxWasted is how much of a log file is read in vain before the search is given up: bytes can
	// be made to look like the beginning of payloads at many places.
	maxWasted = 512 << 20
	// cheapRemnant is up to which size a payload is read if one may follow it; behind a
	// larger one, moreBehind are looked for.
	cheapRemnant = 64 << 10
	moreBehind   = 4
	// placeCost is what a look at a place counts as, candidateCost at one that looks like the
	// beginning of a payload, and lengthCost at a length alone: the time in which as many bytes
	// are read.
	placeCost, candidateCost, lengthCost = 4, 4 << 10, 1 << 10
)

func (s *payloadSearch) run() error {
	index := s.index
	s.next = s.from
	for s.searchedTo = s.from; s.searchedTo < s.to && s.err == nil; index = 0 {
		at := s.searchedTo
		if end, ok := s.taken[at]; ok {
			s.searchedTo = end
			continue
		}
		s.load(at)
		if s.tail && s.lostPage(at) {
			break
		}
		mayBeNext := s.tail && s.mayBeNext(at)
		chain := s.chain(at, index)
		if len(chain) == 0 {
			s.searchedTo++
			s.wasted += placeCost
		} else {
			s.searchedTo = chain[len(chain)-1].end()
		}
		switch {
		case len(chain) == 0:
		case mayBeNext:
			s.note = "payloads that begin where a writer puts the next one are left out: they may be of an append that is not done, or was cut off"
		default:
			s.found = append(s.found, chain...)
		}
		switch {
		case s.wasted > maxWasted:
			s.gaveUp, s.note = true, tooMuch("too much looks like the beginning of a payload", s.searchedTo)
			return s.err
		case len(s.found) >= s.left:
			s.found = s.found[:max(s.left, 0)]
			s.gaveUp, s.note = true, tooMuch("there are more payloads than any log file has had", s.searchedTo)
			return s.err
		}
	}
	s.searchedTo = min(s.searchedTo, s.to)
	return s.err
}

// mayBeNext reports whether a writer may have put a payload at an offset whose slot is
// about to come, or never came: the first one, or one that lengths lead to from there. It
// is asked of offsets that go up.
func (s *payloadSearch) mayBeNext(at int64) bool {
	if s.encrypted && at-s.from >= format.RewriteMargin && s.zeros(at-format.RewriteMargin, at) {
		s.next = at
	}
	for s.next < at && s.next+format.LengthSize <= s.to {
		if s.next < s.at { // the window lies behind it, so that it takes a system call
			if s.wasted += lengthCost; s.wasted > maxWasted {
				return true // it may be
			}
		}
		s.next += format.LengthSize + int64(binary.BigEndian.Uint32(s.peek(s.next, format.LengthSize)))
	}
	return s.next == at
}

// lostPage reports whether a page begins at an offset, behind zeros: it, or all from there
// on, may be what a power loss has left of an append.
func (s *payloadSearch) lostPage(at int64) bool {
	return at%pageSize == 0 && at > s.from && s.zeros(max(at-endZeros, s.from), at)
}

// chain are the payloads that follow one another from an offset on. index is the first
// one's, 0 if it is not known.
func (s *payloadSearch) chain(at int64, index uint64) (chain []foundPayload) {
	for len(chain) < s.left {
		s.load(at)
		if len(chain) == 0 && !s.leadsOn(at) {
			break
		}
		f, ok := s.payloadAt(at)
		if !ok {
			break
		}
		if f.index = index; index > 0 {
			index++
		}
		chain = append(chain, f)
		at = f.end()
		if k := s.emptyAt(at); k > 0 {
			at += int64(k) * format.LengthSize
			if index > 0 {
				index += uint64(k)
			}
		}
	}
	if k := len(chain) - 1; k >= 0 && chain[k].end() == at && !s.ends(at) && len(chain) < s.left {
		s.wasted += chain[k].size
		return chain[:k] // nothing bears it out
	}
	return chain
}

// emptyAt is how many empty payloads lie at an offset before another one.
func (s *payloadSearch) emptyAt(at int64) int {
	for k := 1; k <= mostEmpty && s.zeros(at, at+int64(k)*format.LengthSize); k++ {
		if next := at + int64(k)*format.LengthSize; s.length(next) > 0 {
			if _, ok := s.payloadAt(next); ok {
				return k
			}
		}
	}
	return 0
}

// length is the one that stands at an offset, if it can be that of a payload; or else 0.
func (s *payloadSearch) length(at int64) int64 {
	if at+format.LengthSize > s.to {
		return 0
	}
	n := int64(binary.BigEndian.Uint32(s.peek(at, format.LengthSize)))
	if n > min(s.to-at-format.LengthSize, maxRemnant) {
		return 0
	}
	return n
}

// leadsOn reports whether there can be a payload at an offset, and something behind it
// that bears it out: without reading all of it, which would take long at each place. Of
// a large one more has to follow.
func (s *payloadSearch) leadsOn(at int64) bool {
	if !s.canBegin(at) {
		return false
	}
	more := 1
	if s.length(at) > cheapRemnant {
		more = moreBehind
	}
	end := at + format.LengthSize + s.length(at)
	if s.length(at) >= endZeros && s.zeros(end-endZeros, end) {
		return false // it would end somewhere in the zeros behind all that was stored
	}
	for ; more > 0 && !s.ends(end); more-- {
		for k := 0; !s.canBegin(end); k++ {
			if k == mostEmpty || !s.zeros(end, end+format.LengthSize) {
				s.wasted += candidateCost
				return false
			}
			end += format.LengthSize
		}
		end += format.LengthSize + s.length(end)
	}
	return true
}

// payloadAt gives the payload at an offset, if there is one.
func (s *payloadSearch) payloadAt(at int64) (f foundPayload, ok bool) {
	if !s.canBegin(at) {
		return f, false
	}
	n := s.length(at)
	if int64(cap(s.data)) < format.LengthSize+n {
		s.data = make([]byte, format.LengthSize+n)
	}
	data := s.data[:format.LengthSize+n]
	if s.err = readFull(s.l.f, data, at); s.err != nil {
		return f, false
	}
	f = foundPayload{at: at, size: n, sum: crc32.Checksum(data[format.LengthSize:], castagnoli)}
	s.decrypt(data[format.LengthSize:], at)
	f.typ, ok = s.recognizer.TypeOf(data[format.LengthSize:])
	if !ok {
		s.wasted += n + candidateCost
	}
	return f, ok
}

// canBegin reports whether there can be a payload at an offset.
func (s *payloadSearch) canBegin(at int64) bool {
	n := s.length(at)
	if n == 0 || s.err != nil {
		return false
	}
	var head [walcore.RecognizedHead]byte
	p := head[:copy(head[:], s.peek(at+format.LengthSize, int(min(n, walcore.RecognizedHead))))]
	s.decrypt(p, at)
	return s.recognizer.CanBegin(p, n)
}

func (s *payloadSearch) decrypt(p []byte, at int64) {
	if s.l.cipher != nil {
		format.Decrypt(s.l.cipher, s.l.Header.IV(uint64(at)), p, 0)
	}
}

// ends reports whether nothing is stored at an offset.
func (s *payloadSearch) ends(at int64) bool {
	return at == s.to || at < s.to && s.zeros(at, min(at+endZeros, s.to))
}

// zeros reports whether there are only zeros from one offset to another.
func (s *payloadSearch) zeros(from, to int64) bool {
	return to <= s.to && format.AllZero(s.peek(from, int(to-from)))
}

const searchWindow = 64 << 10

// load reads what is around an offset, if too little behind it was read.
func (s *payloadSearch) load(at int64) {
	if behind := min(at+2*walcore.RecognizedHead, s.to); max(at-endZeros, s.from) >= s.at && behind <= s.at+int64(len(s.window)) {
		return
	}
	if s.window == nil {
		s.window = make([]byte, searchWindow)
	}
	s.at = max(at-endZeros, s.from) // the search looks back
	s.window = s.window[:min(int64(cap(s.window)), s.to-s.at)]
	if err := readFull(s.l.f, s.window, s.at); err != nil {
		clear(s.window)
		s.err = err
	}
}

// peek gives a few bytes of the part, which has them. They are valid until the next call.
// Where reading fails, they are zero, and the search ends.
func (s *payloadSearch) peek(at int64, n int) []byte {
	if at >= s.at && at+int64(n) <= s.at+int64(len(s.window)) {
		return s.window[at-s.at:][:n]
	}
	p := s.small[:n]
	if err := readFull(s.l.f, p, at); err != nil {
		clear(p)
		s.err = err
	}
	return p
}
