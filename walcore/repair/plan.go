package repair

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/storage"
	"go.etcd.io/raft/v3/raftpb"
)

// Options say what the directory does not tell.
type Options struct {
	// Key is the user's key, if payloads are encrypted. It is that of the Reader.
	Key []byte
	// RaftID is the node's id, for a directory that does not tell it.
	RaftID *uint64
	// KeepGoing asks for what is behind a hole. It is refused, for Raft accepts no
	// such log; holes below the snapshot are passed with or without it.
	KeepGoing bool
	// Progress, if it is set, is told how many bytes of payloads are done: read,
	// written and compared.
	Progress func(done, total int64)
}

// Plan is what is kept of a directory.
type Plan struct {
	// Sound says that there is nothing to repair: all can be read, and fits.
	Sound bool
	// Snapshot is the one that is kept, nil if there is none.
	Snapshot *raftpb.Snapshot
	// First and Last are the indexes of the entries that are kept. If there are none,
	// Last is First - 1.
	First, Last uint64
	State       storage.State
	Checksums   bool // entries have some
	// Problems are those of the directory.
	Problems []walcore.Problem
	// LeftOut are the entries that are not kept, by index. Those that the snapshot
	// stands for do not count.
	LeftOut []LeftOut
	// Remarks say in sentences what else is not as it was, and what it means.
	Remarks []string
	// Lost says that something is left out that was committed, or may have been, or
	// that the node may have voted as its hard state no longer tells.
	Lost bool

	log   *dgraph.Reader
	opts  Options
	bytes int64 // of the payloads that are kept
	all   int64 // of all payloads
	// reopened is log, if it was opened with keys that were found again.
	reopened *dgraph.Reader
}

// Close closes what New has opened. The Reader that New was given is not closed.
func (p *Plan) Close() error {
	if p.reopened == nil {
		return nil
	}
	return p.reopened.Close()
}

// LeftOut is a range of entries that are not kept.
type LeftOut struct {
	First, Last uint64
	// File is where they are, with the first and the last slot; "": they are in no
	// slot, or in one that cannot be trusted.
	File                string
	FirstSlot, LastSlot int
	Why                 string
}

// planner finds out what can be kept.
type planner struct {
	*Plan
	ctx  context.Context
	meta *walcore.Meta
	// stopped is why the entry after Last is not kept; nil: the log ends there.
	stopped error
	// replaced says that the entries behind the snapshot are older than it.
	replaced bool
	mended   []walcore.Problem // keys that were lost, and were found again
	found    []string          // says so
	// wrong is what check has found in what could be read.
	wrong struct {
		snapshot string // what is wrong with the snapshot's data; "": nothing
		index    uint64 // the first entry whose data are wrong; 0: none is
		entry    error
	}
}

// New finds out what can be kept of the directory that log shows. It reads all of it,
// and writes nothing. Close the Plan before the Reader.
//
// It fails with walcore.ErrDamaged if Raft could not start on what can be kept, or
// where it lacks an id that Options have to give; with walcore.ErrNoKey and
// walcore.ErrKey; and with walcore.ErrChanged if a node is writing to the directory.
func New(ctx context.Context, log *dgraph.Reader, opts Options) (*Plan, error) {
	p := &planner{Plan: &Plan{log: log, opts: opts}, ctx: ctx, meta: log.Meta()}
	if err := p.plan(); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p.Plan, nil
}

func (p *planner) plan() error {
	if err := p.checkKey(); err != nil {
		return err
	}
	if err := p.findErased(); err != nil {
		return err
	}
	for e := range p.log.Entries(0) {
		p.all += e.Size
	}
	report, err := p.check(p.wholeLog(), checking)
	if err != nil {
		return err
	}
	p.Problems = p.mended
	for _, f := range report.Problems {
		p.Problems = append(p.Problems, f.Problem)
	}
	for again := true; again; {
		if err := p.take(); err != nil {
			return err
		}
		if p.Sound = report.Sound && len(p.mended) == 0 && p.stopped == nil && p.hardStateFits(); p.Sound {
			return nil
		}
		if again, err = p.checkKept(); err != nil {
			return err
		}
	}
	p.listLeftOut()
	if err := p.checkStart(); err != nil {
		return err
	}
	p.decideHardState()
	return p.decideIDs()
}

// take keeps what can be read.
func (p *planner) take() error {
	p.Snapshot, p.Remarks, p.stopped, p.replaced = nil, slices.Clone(p.found), nil, false
	if err := p.takeSnapshot(); err != nil {
		return err
	}
	p.findFirst()
	return p.takeEntries()
}

// checkKey fails if the key is missing, or there is nothing that it could open.
func (p *planner) checkKey() error {
	encrypted := false
	for _, f := range p.log.Files() {
		encrypted = encrypted || f.KeyID != 0
	}
	for _, n := range p.log.Native() {
		encrypted = encrypted || n.Name == registryName
	}
	for _, name := range p.log.Unreadable() {
		encrypted = encrypted || name == registryName
	}
	if len(p.opts.Key) > 0 && !encrypted {
		return fmt.Errorf("%s is not encrypted: %w; leave the key out", p.meta.Path, walcore.ErrKey)
	}
	if len(p.opts.Key) > 0 {
		return nil
	}
	for _, problem := range p.log.Problems() {
		if problem.AboutKey() {
			return walcore.FileError(problem.File, walcore.ErrNoKey)
		}
	}
	return nil
}

// takeEntries keeps entries from First on, up to the first one that is missing or
// damaged.
func (p *planner) takeEntries() error {
	var scan walcore.Scanner
	p.Last, p.bytes, p.Checksums = p.First-1, 0, false
	if p.replaced {
		return nil
	}
	for e := range p.log.Entries(p.First) {
		if err := p.ctx.Err(); err != nil {
			return err
		}
		if e.Index != p.Last+1 {
			break
		}
		if e.Index == p.wrong.index {
			p.stopped = p.wrong.entry
			return nil
		}
		if _, known := p.meta.System.TypeName(e.Type); !known {
			p.stopped = slotError(e, fmt.Errorf("type %d is none of Raft's: %w", e.Type, walcore.ErrDamaged))
			return nil
		}
		data, err := scan.Data(&e)
		switch {
		case errors.Is(err, walcore.ErrNoKey), errors.Is(err, walcore.ErrChanged):
			return err
		case err != nil:
			p.stopped = err
			return nil
		}
		p.Last = e.Index
		p.bytes += int64(len(data))
		p.Checksums = p.Checksums || hasChecksum(e)
		p.report(reading, p.bytes)
	}
	p.stopped = p.whyEnded()
	return nil
}

// whyEnded says what keeps the log from going on behind Last; nil: it ends there.
func (p *planner) whyEnded() error {
	next := p.Last + 1
	_, err := p.log.Entry(next)
	if errors.Is(err, walcore.ErrDamaged) {
		return err
	}
	for e := range p.log.Outline(next) {
		return fmt.Errorf("entries %d to %d are missing: %w", next, e.Index-1, walcore.ErrDamaged)
	}
	return nil
}

// phase is a part of the work in which payloads are read.
type phase int64

const (
	checking phase = iota
	reading
	checkingKept
	writing
	comparing
	phases
)

// report tells how far a phase has come, in bytes.
func (p *Plan) report(in phase, done int64) {
	if p.opts.Progress != nil {
		p.opts.Progress(int64(in)*p.all+done, int64(phases)*p.all)
	}
}

func slotError(e walcore.Entry, err error) error {
	return walcore.SlotError(e.File.Name, e.Slot, err).At(e.Offset).OfEntry(e.Index)
}

func hasChecksum(e walcore.Entry) bool {
	l, ok := e.File.Source.(*dgraph.LogFile)
	return ok && l.Sum(e.Slot) != 0
}
