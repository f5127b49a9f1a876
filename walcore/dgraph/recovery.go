package dgraph

import (
	"fmt"

	"github.com/walfs/walfs/meta"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// Recovery is what opening a directory for writing makes of it: the log that is
// kept, and what goes.
type Recovery struct {
	Files    []KeptFile        // the log, in its order; all but the last one whole
	Removed  []walcore.Problem // files that go: without entries, or replaced by the snapshot
	Dropped  []walcore.Problem // what is cut from the end of the last file
	Warnings []walcore.Problem // what stays as it is, and may keep Raft from working
}

// KeptFile is a log file of which the slots from slot 0 on are kept.
type KeptFile struct {
	*LogFile
	Slots int // how many are kept
	// Obsolete is how many of these come before the log's entries: a snapshot has
	// replaced theirs, and the node went on behind it in the same file.
	Obsolete int
	End      int64 // where the last of their payloads ends, in the file
	Used     int   // how many slots there are up to the last one that is not zero
}

// Recovery says what opening the directory for writing makes of it. It reads no
// payloads, but for the last file's where they have checksums, and changes nothing.
//
// It drops the end of the last file where nothing says that it was committed, and
// the reader shows no entry in it: that is what a crash leaves of the last append or
// of a rewrite. With checksums the entries behind the first one that fails its own
// go, too, since an append writes them in any order. Files go that hold no slots,
// and those that the snapshot has replaced for certain.
//
// It fails with walcore.ErrDamaged (file, slots, reason, the command that mends it)
// where entries would go that are committed, may be, or can be read.
func (r *Reader) Recovery() (*Recovery, error) {
	p := recovery{Reader: r.readAll()}
	for _, step := range []func() error{
		p.readMeta, p.checkReadable, p.sortFiles, p.findEnd, p.checkWhole, p.dropReplaced, p.checkOrder, p.checkEnd, p.keepLog, p.removeEmpty,
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	p.warn()
	return &p.plan, nil
}

// Opens fails where opening the directory for writing would be refused. It changes
// nothing.
func (r *Reader) Opens() error {
	_, err := r.Recovery()
	return err
}

// recovery is a Recovery that is being worked out.
type recovery struct {
	*Reader
	snapIndex, snapTerm uint64
	commit, checkpoint  uint64
	emptying            emptyingNote

	log   []*foundFile // those with entries, in the log's order
	stale *foundFile   // the newest file, of which no slot is kept; or nil
	end   *foundFile   // the last file, if slots of it are not kept
	empty []*LogFile   // those whose slots are all zero

	plan Recovery
}

// foundFile is a log file as far as its slots are in order.
type foundFile struct {
	KeptFile
	why string // what is wrong with the slot behind those that are kept; "": nothing is there
}

// first and last are the first and the last index.

func (f *foundFile) first() uint64 { return f.Index(f.Obsolete) }
func (f *foundFile) last() uint64  { return f.Index(f.Slots - 1) }

// lastTerm is the last entry's term, the highest.
func (f *foundFile) lastTerm() uint64 { return f.Term(f.Slots - 1) }

// keep keeps no more than n slots; why says what is wrong with the one behind them.
func (f *foundFile) keep(n int, why string) {
	f.Slots, f.why = n, why
	f.Obsolete = min(f.Obsolete, max(n-1, 0))
}

// refuse is the error for what only a person can decide about.
func (p *recovery) refuse(at *walcore.Error, text string, args ...any) error {
	refused := *at
	refused.Err = fmt.Errorf("%s: %w; nothing was changed: `walfs repair %s OUT` writes what can be trusted into a new directory",
		fmt.Sprintf(text, args...), walcore.ErrDamaged, p.follower.path)
	return &refused
}

// atFile, atMeta and atSlot say where something is wrong.

func atFile(name string) *walcore.Error { return walcore.FileError(name, nil) }

func atMeta(offset int64) *walcore.Error {
	return walcore.FileError(format.MetaName, nil).At(uint64(offset))
}

func atSlot(l *LogFile, slot int) *walcore.Error {
	e := walcore.SlotError(l.Name, slot, nil)
	if slot < l.Len() {
		e = e.At(l.Offset(slot)).OfEntry(l.Index(slot))
	}
	return e
}

// slots names slots from one to another.
func slots(from, to int) string {
	if from == to {
		return fmt.Sprintf("slot %d", from)
	}
	return fmt.Sprintf("slots %d to %d", from, to)
}

// believed reports whether the hard state can be the one that belongs to a log
// whose entries have terms up to the given one. Where it cannot, the commit index
// says nothing: it may be lost.
func (p *recovery) believed(term uint64) bool {
	hs := p.meta.HardState
	return hs.GetTerm() > 0 && hs.GetTerm() <= walcore.MaxNumber && hs.GetTerm() >= term
}

// committedText says what wal.meta says was committed.
func (p *recovery) committedText() string {
	if p.checkpoint > p.commit {
		return fmt.Sprintf("the checkpoint is %d", p.checkpoint)
	}
	return fmt.Sprintf("the commit index is %d", p.commit)
}

// warn says what is odd about what is kept.
func (p *recovery) warn() {
	what, term := fmt.Sprintf("the snapshot at index %d", p.snapIndex), p.snapTerm
	if k := len(p.log) - 1; k >= 0 && p.log[k].lastTerm() > term {
		what, term = fmt.Sprintf("entry %d", p.log[k].last()), p.log[k].lastTerm()
	}
	if hard := p.meta.HardState.GetTerm(); hard < term && !p.neverVoted(term) {
		p.plan.Warnings = append(p.plan.Warnings, walcore.FileProblem(format.MetaName, walcore.KindHardState, fmt.Sprintf(
			"the hard state's term is %d, but %s is of term %d: it is lost, and the node may vote again in a term in which it has voted",
			hard, what, term)).At(meta.HardStateAt))
	}
	var c contradictions
	p.checkBeginning(&c)
	p.plan.Warnings = append(p.plan.Warnings, c.list...)
}
