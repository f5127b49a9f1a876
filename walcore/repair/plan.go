package repair

import (
	"context"
	"errors"
	"fmt"

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
}

// New finds out what can be kept of the directory that log shows. It reads all of it,
// and writes nothing.
//
// It fails with walcore.ErrDamaged if Raft could not start on what can be kept, or
// where it lacks an id that Options have to give; with walcore.ErrNoKey and
// walcore.ErrKey; and with walcore.ErrChanged if a node is writing to the directory.
func New(ctx context.Context, log *dgraph.Reader, opts Options) (*Plan, error) {
	p := &planner{Plan: &Plan{log: log, opts: opts, Problems: log.Problems()}, ctx: ctx, meta: log.Meta()}
	if err := p.checkKey(); err != nil {
		return nil, err
	}
	if err := p.takeSnapshot(); err != nil {
		return nil, err
	}
	if err := p.findFirst(); err != nil {
		return nil, err
	}
	if err := p.takeEntries(); err != nil {
		return nil, err
	}
	if p.Sound = len(p.Problems) == 0 && p.stopped == nil && p.hardStateFits(); p.Sound {
		return p.Plan, nil
	}
	p.listLeftOut()
	if err := p.checkStart(); err != nil {
		return nil, err
	}
	p.decideHardState()
	return p.Plan, p.decideIDs()
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
	for _, problem := range p.Problems {
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
	total := p.payloadBytes()
	p.Last = p.First - 1
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
		p.report(p.bytes, 3*total)
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

func (p *planner) payloadBytes() (n int64) {
	for e := range p.log.Entries(p.First) {
		n += e.Size
	}
	return n
}

func (p *Plan) report(done, total int64) {
	if p.opts.Progress != nil {
		p.opts.Progress(done, total)
	}
}

func slotError(e walcore.Entry, err error) error {
	return walcore.SlotError(e.File.Name, e.Slot, err).At(e.Offset).OfEntry(e.Index)
}

func hasChecksum(e walcore.Entry) bool {
	l, ok := e.File.Source.(*dgraph.LogFile)
	return ok && l.Sum(e.Slot) != 0
}
