package dgraph

import (
	"bytes"
	"fmt"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// Where a rewrite has set slots to zero, the payloads that they had stay until others are
// written over them: a length and so many bytes each, one right behind the other. Where the
// first whole one begins, nothing tells. It is searched for.
//
// What counts as one: a length, and exactly so many bytes that the application's schema
// has every field of, with another such payload right behind, or zeros, or the end of the
// part that is searched. Up to two empty payloads may lie between; they are four zeros each
// and not counted as found. In 1 GiB of random bytes there are 25 places where a length of
// less than 100 stands. That so many bytes are a message, each of whose fields has a number,
// a type and a length that the schema allows, and which ends just there, happens less than
// once in 1,000; with longer ones it does not happen. So there is one false payload in 40
// such files, before anything has to follow it; what does makes it none. In the logs of real
// clusters there is no false one at 600,000 places where a length stands that would fit. But
// a client can send a value that holds such bytes, to be found if it is cut off before them.
//
// Where is searched, and what is left out:
//
//   - Behind the last entry's payload. What begins right there is left out, with all that
//     follows without a gap. A writer begins its next payload there, and writes its slot
//     later: it may be an entry that is just being written, or of an append that a crash
//     has cut off. In an encrypted file walfs begins behind 16 zeros, so what follows so
//     many is left out there, too.
//   - Not beyond a 4 KiB page that begins behind 16 zeros: a power loss during an append
//     can leave a later page on disk without the one before, and never replaced anything.
//     A power loss that leaves both what an earlier rewrite has left and such pages
//     cannot be told from a rewrite: those payloads were written, and the log does not
//     have them, but it was no leader that put others in their place.
//   - In encrypted files also between the log's payloads, where walfs does not write over
//     encrypted bytes. There, what begins right behind an entry's payload was the next
//     index's, and so on: the index is known.
//   - Not where slots are damaged, or the commit index says that the log has lost its end:
//     a payload may be theirs.
//
// The file is compared with what was listed after it was searched, see replacedSource.

// maxRemains bounds what is found: a log file has 30,000 slots, and a few rewrites.
const maxRemains = 100_000

// Remains looks for payloads of which no slot is left, and that no entry of the log has.
func (r *Reader) Remains(recognizer walcore.Recognizer) (walcore.Remains, error) {
	r = r.verified()
	var all walcore.Remains
	for _, f := range r.files {
		l, err := f.load()
		if err != nil {
			return walcore.Remains{}, walcore.FileError(f.Name, err)
		}
		if l.full && !l.mayBeEncrypted {
			continue // it ends with its last payload, and has none between others
		}
		if err := r.searchFile(l, recognizer, &all); err != nil {
			return walcore.Remains{}, err
		}
	}
	return all, nil
}

// searchFile adds what a log file has. What is read in vain is counted over all of its parts:
// between payloads there can be thousands.
func (r *Reader) searchFile(l *LogFile, recognizer walcore.Recognizer, all *walcore.Remains) error {
	source, wasted := newReplacedSource(l), int64(0)
	for _, p := range r.partsOf(l, r.findReplaced().left[l]) {
		if p.err != nil {
			all.Searched = append(all.Searched, walcore.Searched{File: l.Name, From: p.from, To: p.from, Err: p.err})
			continue
		}
		s := payloadSearch{part: p, l: l, recognizer: recognizer, left: maxRemains - len(all.Found), wasted: wasted}
		err := s.run()
		if err == nil && len(s.found) > 0 && !source.unchangedAt(p.from) {
			err = walcore.ErrChanged
		}
		if err != nil {
			return walcore.FileError(l.Name, err).At(uint64(p.from))
		}
		all.Found = append(all.Found, r.remnants(source, s.found)...)
		all.Searched = append(all.Searched, walcore.Searched{File: l.Name, From: p.from, To: s.searchedTo, Note: s.note})
		if wasted = s.wasted; s.gaveUp {
			break
		}
	}
	return nil
}

// remnants are the payloads that were found in a file, but for those of the log's entries.
func (r *Reader) remnants(in *replacedSource, found []foundPayload) (list []walcore.Remnant) {
	for _, f := range found {
		if f.index > 0 && r.hasSame(in.l, f) {
			continue
		}
		in.sums[uint64(f.at)] = f.sum
		list = append(list, walcore.Remnant{Sum: f.sum, Entry: walcore.Entry{Index: f.index, Type: f.typ,
			Size: f.size, Offset: uint64(f.at), Slot: -1, File: &in.file}})
	}
	return list
}

// part is a part of a log file that can have such payloads.
type part struct {
	from, to  int64
	index     uint64 // that of a payload which begins at from; 0: not known
	tail      bool   // a writer's next payload may begin at from
	encrypted bool
	taken     map[int64]int64 // offsets and ends of what other slots have
	err       error           // why it is not searched
}

// partsOf are the parts of a file to search. left is what was found of its slots.
func (r *Reader) partsOf(l *LogFile, left leftSlots) []part {
	end := l.logEnd()
	var parts []part
	if l.mayBeEncrypted && l.whole {
		parts = l.gaps()
	}
	if tail := (part{from: end.at, to: l.Attr.Size, tail: true, taken: map[int64]int64{}}); !l.full && !end.empty {
		for offset, end := range left.replaced {
			tail.taken[int64(offset)] = end
		}
		damaged := func(text string) { tail.err = fmt.Errorf("%s: %w", text, walcore.ErrDamaged) }
		switch {
		case left.others > 0:
			damaged("slots are, and payloads behind the last entry's may be theirs")
		case !end.sure && len(left.replaced) == 0:
			damaged("where the last entry ends is not known, nor what is behind it")
		case r.endLost():
			damaged("entries are lost, and payloads behind the last entry's may be theirs")
		}
		parts = append(parts, tail)
	}
	for i := range parts {
		p := &parts[i]
		p.encrypted = l.mayBeEncrypted
		switch {
		case p.err != nil:
		case l.erased != nil:
			p.err = fmt.Errorf("the key header was erased: %w", walcore.ErrDataKey)
		default:
			p.err = l.cipherErr
		}
	}
	return parts
}

// endLost reports whether the log has lost entries at its end, or may have.
func (r *Reader) endLost() bool {
	last, known := r.LastIndex()
	if k := len(r.terms) - 1; k >= 0 { // the last entry may have a length that nothing bears out
		last = max(last, r.terms[k].Last)
	}
	commitLost := r.meta.HardState == nil && len(r.meta.Faults) > 0
	return !known || commitLost || r.meta.HardState.GetCommit() > last
}

// gaps are the parts between a file's payloads that a rewrite has left there, see
// format.Gap.
func (l *LogFile) gaps() []part {
	var parts []part
	before := format.Gap{Encrypted: true, Type: format.NoEntry}
	end := int64(format.PayloadAt)
	add := func(to int64, index uint64) {
		gap := before
		gap.Bytes = to - end
		emptied := before.Type != format.NoEntry && before.Size == 0 && format.CanBeEmptied(before.Type, before.Sum)
		if gap.Bytes > 0 && !emptied && l.legal(gap, end, func() bool { return true }) {
			parts = append(parts, part{from: end, to: to, index: index})
		}
	}
	for i := range l.Len() {
		size, whole := l.size(i)
		if !whole {
			return nil
		}
		add(int64(l.Offset(i)), l.Index(i))
		before = format.Gap{Encrypted: true, Size: size, Type: l.Type(i), Sum: l.Sum(i)}
		end = int64(l.Offset(i)) + format.LengthSize + int64(size)
	}
	if l.full {
		add(l.Attr.Size, l.Index(l.Len()-1)+1)
	}
	return parts
}

// hasSame reports whether the log has the same payload under the index that is known of
// one: a crash has cut off an append, and the leader has sent the entry again.
func (r *Reader) hasSame(l *LogFile, f foundPayload) bool {
	e, err := r.Entry(f.index)
	if err != nil || e.Size != f.size || e.Type != f.typ {
		return false
	}
	data, err := e.Data()
	old := make([]byte, f.size)
	if err != nil || readFull(l.f, old, f.at+format.LengthSize) != nil {
		return false
	}
	if l.cipher != nil {
		format.Decrypt(l.cipher, l.Header.IV(uint64(f.at)), old, 0)
	}
	return bytes.Equal(data, old)
}

func tooMuch(what string, at int64) string {
	return fmt.Sprintf("%s: the search has ended at %d", what, at)
}
