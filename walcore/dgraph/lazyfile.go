package dgraph

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"iter"
	"sync"
	"sync/atomic"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// lazyFile is a log file in the log. Its table stays in memory, or it is read when an entry
// in it is asked for.
type lazyFile struct {
	*walcore.File
	f    file
	kept *LogFile // not nil: the table stays, and what follows, but for in, is not used

	sizesGiven bool // before the table became another one, see loadSized

	in     *lazyLog // nil: the tables of all files stay
	place  int      // in the log's order
	header format.KeyHeader
	table  *lazyTable
	err    atomic.Pointer[error] // why the table cannot be had, once that was so: what was left out once stays so
}

// lazyTable is a table that can be read again. The readers of a directory share it as
// long as the file stays what it is.
type lazyTable struct {
	presumption

	mu     sync.Mutex              // held while the table is read
	loaded atomic.Pointer[LogFile] // nil: it is not in memory
	used   atomic.Uint64           // when it was last used, see tableCache

	// before is the file as it was before the table could be dropped, if sizes of payloads were
	// given then. It is dropped once the table was read.
	before *LogFile

	looked  atomic.Pointer[lookedAt] // nil: it was not
	changed atomic.Bool              // it was other at a later look
}

// lookedAt is what a table that is as presumed was like when it was first looked at.
type lookedAt struct {
	slots, sizes uint64 // hashes
	firstFull    uint64 // as that of LogFile
	whole        bool   // as in LogFile
	types        map[walcore.EntryType]uint64
	bytes        uint64
	keys         *keyRing
	problems     []walcore.Problem // with these keys; nil: there are too many
}

// keptProblems is how many problems of a file are kept in memory. Others are found again.
const keptProblems = 20

var (
	// errPresumed: the table is not as its ends let one presume.
	errPresumed = errors.New("the slots between the first and the last are not as presumed")

	tableSeed = maphash.MakeSeed()
)

// load gives the file with its table. It fails with errPresumed if that is not as presumed,
// with ErrChanged if it is not as it was before, and where it cannot be read.
func (f *lazyFile) load() (*LogFile, error) {
	if f.kept != nil {
		return f.kept, nil
	}
	t := f.table
	if l := t.loaded.Load(); l != nil && l.File == f.File {
		f.in.cache.use(t)
		return l, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := f.err.Load(); err != nil {
		return nil, *err
	}
	l := t.loaded.Load()
	switch {
	case l == nil:
		var err error
		if l, err = f.read(); err != nil {
			f.err.Store(&err)
			return nil, err
		}
	case l.File != f.File: // another reader's
		l = f.adopt(l)
	}
	f.in.cache.put(t, l)
	return l, nil
}

// make makes the file of a table. Others come after it, so that it is full.
func (f *lazyFile) make(table *slotTable, before *LogFile) *LogFile {
	t := tableFile{slotFile: slotFile{id: f.ID, name: f.Name, size: f.Attr.Size, slotTable: table}, f: f.f, header: f.header, file: f.File, before: before}
	l := f.in.reader.newLogFile(t, slotFindings{entrySlots: entrySlots{runs: table.chain}})
	l.full, l.earlier = true, f.in.earlier[:f.place:f.place]
	return l
}

// adopt makes the file with what another reader has read of it.
func (f *lazyFile) adopt(other *LogFile) *LogFile {
	l := f.make(other.slotTable, nil)
	l.sizesOnce.Do(func() {
		l.sizes, l.whole, l.sizesProblems = other.sizes, other.whole, other.sizesProblems
		l.emptyingEnded, l.emptiedDuringRead = other.emptyingEnded, other.emptiedDuringRead
		l.verified.Store(other.verified.Load())
		l.sized.Store(true)
	})
	return l
}

// read reads the table, and the payloads' lengths.
func (f *lazyFile) read() (*LogFile, error) {
	table := f.table
	read, err := (&reading{Reader: f.in.reader}).readStableTable(&nativeFile{Attr: f.Attr, f: f.f}, false, nil)
	if err != nil {
		return nil, f.unlike(err)
	}
	if !table.holds(read) {
		return nil, f.unlike(errPresumed)
	}
	l := f.make(read, table.before)
	l.loadSizes()
	if f.in.failed.Load() {
		return nil, errPresumed
	}
	table.before = nil
	now, before := f.lookAt(l), table.looked.Load()
	if before == nil {
		table.changed.Store(l.emptiedDuringRead)
		table.looked.Store(now)
	} else if now.slots != before.slots || now.sizes != before.sizes {
		table.changed.Store(true)
		return nil, walcore.ErrChanged
	}
	return l, nil
}

// lookAt says what a table is like.
func (f *lazyFile) lookAt(l *LogFile) *lookedAt {
	at := &lookedAt{slots: l.slotsHash(), sizes: l.sizesHash(), firstFull: l.firstFull(), whole: l.whole, keys: f.in.reader.keys,
		types: map[walcore.EntryType]uint64{}}
	for i := range l.Len() {
		n, _ := l.sizes.at(i)
		at.types[walcore.EntryType(l.Type(i))]++
		at.bytes += uint64(n)
	}
	if problems := append(l.problems.all(), l.sizesProblems.all()...); len(problems) <= keptProblems {
		at.problems = append([]walcore.Problem{}, problems...)
	}
	return at
}

// unlike tells a file that has changed since it was opened from one that never was as presumed: err says
// what is wrong with it. A writer that changes slots of a file changes the last one of them.
func (f *lazyFile) unlike(err error) error {
	if f.table.looked.Load() != nil || !f.table.endsTheSameIn(f.f) {
		f.table.changed.Store(true)
		if errors.Is(err, errPresumed) {
			err = walcore.ErrChanged
		}
		return err
	}
	f.in.failed.Store(true)
	return errPresumed
}

// slotsHash tells whether slots are the same as at another time.
func (t *slotTable) slotsHash() uint64 {
	var h maphash.Hash
	h.SetSeed(tableSeed)
	raw := make([]byte, slotsAtOnce*format.SlotSize)
	for i := 0; i < t.Len(); i += slotsAtOnce {
		part := raw[:min(slotsAtOnce, t.Len()-i)*format.SlotSize]
		t.Unpack(part, i)
		h.Write(part)
	}
	return h.Sum64()
}

// sizesHash tells whether payloads' sizes are the same as at another time.
func (l *LogFile) sizesHash() uint64 {
	var h maphash.Hash
	h.SetSeed(tableSeed)
	var raw [4]byte
	for i := range l.Len() {
		n, _ := l.sizes.at(i)
		binary.LittleEndian.PutUint32(raw[:], n)
		h.Write(raw[:])
	}
	return h.Sum64()
}

// now gives the file with the table that answers are made of now.
func (f *lazyFile) now() (*LogFile, error) {
	if f.in == nil {
		return f.kept, nil
	}
	w := f.in.whole.Load()
	if w == nil {
		l, err := f.load()
		if !errors.Is(err, errPresumed) {
			return l, err
		}
		w = f.in.readAll()
	}
	for _, other := range w.files {
		if other.File == f.File {
			return other.kept, nil
		}
	}
	return nil, fmt.Errorf("its slots cannot be read: %w", walcore.ErrDamaged)
}

// Entries goes through the file's whole entries with an index of at least from, upwards.
func (f *lazyFile) Entries(from uint64) iter.Seq[walcore.Entry] {
	return func(yield func(walcore.Entry) bool) {
		if l, err := f.now(); err == nil {
			l.Entries(from)(yield)
		}
	}
}

// ReadPayload fills p with a payload's bytes, see LogFile.ReadPayload.
func (f *lazyFile) ReadPayload(e walcore.Entry, p []byte, at int64) error {
	l, err := f.now()
	if err != nil {
		return err
	}
	if !l.has(&e) {
		return walcore.ErrChanged
	}
	return l.ReadPayload(e, p, at)
}

// has reports whether an entry's slot is in the table.
func (l *LogFile) has(e *walcore.Entry) bool {
	return e.Slot < l.Len() && l.Index(e.Slot) == e.Index && l.Term(e.Slot) == e.Term && l.Offset(e.Slot) == e.Offset &&
		walcore.EntryType(l.Type(e.Slot)) == e.Type
}

// Window makes one that serves the entries of any log file.
func (f *lazyFile) Window() walcore.Window { return &window{} }

// len is how many slots the file has.
func (f *lazyFile) len() int {
	if f.kept != nil {
		return f.kept.Len()
	}
	return f.table.n
}

// listProblems lists what is wrong with the file. It reads each payload's length.
func (f *lazyFile) listProblems() []walcore.Problem {
	if found, ok := f.foundProblems(); ok {
		return found
	}
	l, err := f.load()
	switch {
	case errors.Is(err, errPresumed):
		f.in.readAll()
		return nil // it lists all
	case err != nil:
		return []walcore.Problem{walcore.FileProblem(f.Name, walcore.KindUnreadable, fmt.Sprintf("cannot be read again: %v", err))}
	}
	l.loadSizes()
	return append(l.problems.all(), l.sizesProblems.all()...)
}

// foundProblems gives what was found wrong with the file, if it was looked at and that is still known.
func (f *lazyFile) foundProblems() (problems []walcore.Problem, ok bool) {
	if f.kept != nil || f.err.Load() != nil {
		return nil, false
	}
	at := f.table.looked.Load()
	if at == nil || at.problems == nil || at.keys != f.in.reader.keys && (at.keys.there || f.in.reader.keys.there) {
		return nil, false
	}
	return at.problems, true
}

// isLookedAt reports whether there is nothing more to find out about the file.
func (f *lazyFile) isLookedAt() bool {
	return f.kept != nil || f.table.looked.Load() != nil || f.err.Load() != nil
}

// Count is what the entries add up to, if the file is as presumed.
func (f *lazyFile) Count() (c walcore.FileCount, ok bool) {
	if f.kept != nil || f.err.Load() != nil || f.in.whole.Load() != nil {
		return c, false
	}
	c.Terms = f.table.spans
	at := f.table.looked.Load()
	if at != nil {
		c.Types, c.Bytes = at.types, at.bytes
	}
	return c, at == nil || at.whole
}

// hasChanged reports whether it was found, when it was read, that something has changed.
func (f *lazyFile) hasChanged() bool {
	if f.kept == nil {
		return f.table.changed.Load()
	}
	return f.kept.sized.Load() && f.kept.emptiedDuringRead
}

// emptiedSince is that of LogFile, of a table that need not be in memory.
func (t *lazyTable) emptiedSince(f file) bool {
	at := t.looked.Load()
	return at != nil && emptiedAt(f, at.firstFull)
}

// isTableOf reports whether a file of which all was read has this table, and each slot is an entry.
func (t *lazyTable) isTableOf(l *LogFile) bool {
	at := t.looked.Load()
	return l.dropped == nil && t.holds(l.slotTable) && (at == nil || at.slots == l.slotsHash())
}

// asFull is a log file as one that others come after.
func (f *lazyFile) asFull() *fullFile {
	return &fullFile{f: f.f, size: f.Attr.Size, slots: &storedSlots{lazyFile: f}}
}

// storedSlots are those of a file whose table need not be in memory. They are asked for from the last one
// on, and for few.
type storedSlots struct {
	*lazyFile
	mu   sync.Mutex
	from int // of part in the table
	part []byte
}

// slotsPart is how many are read at once.
const slotsPart = 64

func (s *storedSlots) Len() int { return s.table.n }

// Slot gives a slot. Where it is not as presumed, or cannot be read, it is zero, and the log is read
// as a whole.
func (s *storedSlots) Slot(i int) (slot format.Slot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.in.failed.Load() {
		return slot
	}
	if i < s.from || i >= s.from+len(s.part)/format.SlotSize {
		s.from = max(i-slotsPart+2, 0)
		s.part = make([]byte, min(slotsPart, s.table.n-s.from)*format.SlotSize)
		if readFull(s.f, s.part, int64(s.from)*format.SlotSize) != nil {
			s.part = nil
			s.in.failed.Store(true)
			return slot
		}
	}
	if slot = format.DecodeSlot(s.part[(i-s.from)*format.SlotSize:]); slot.Index != s.table.first.Index+uint64(i) {
		s.in.failed.Store(true)
		return format.Slot{}
	}
	return slot
}
