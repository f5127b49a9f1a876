package check

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
)

// Options say how Run works.
type Options struct {
	// Progress is told how many bytes of payloads have been read, of how many. It is
	// called from one goroutine.
	Progress func(done, total int64)
}

// Run checks a log, and closes it. It fails if ctx ends, and where the directory is
// gone.
func Run(ctx context.Context, log walcore.Log, opts Options) (*Report, error) {
	c := &checker{log: log, opts: opts, decoder: payload.NewDgraph(payload.AppOf(log), payload.Options{})}
	defer func() { c.log.Close() }() // it was only read
	if err := c.scan(ctx); err != nil {
		return nil, err
	}
	problems, err := c.settledProblems(ctx)
	if err != nil {
		return nil, err
	}
	changes, err := readChanges(ctx, c.log)
	if err != nil {
		return nil, err
	}
	problems = append(problems, c.damaged.problems()...)
	problems = append(problems, c.foreignPayloads()...)
	problems = append(problems, c.foreignChanges(&changes)...)
	problems = append(problems, c.snapshotProblems()...)
	problems = append(problems, c.openingProblem(problems)...)
	for _, name := range c.log.Meta().Ignored {
		problems = append(problems, walcore.FileProblem(name, walcore.KindIgnored, "is no part of the log"))
	}
	return c.report(problems), nil
}

// checker is a check under way.
type checker struct {
	log     walcore.Log // the newest
	opts    Options
	decoder *payload.Dgraph
	tally
}

// maxRounds bounds how often entries are looked at again that have changed. Each round
// is shorter than the one before; what has changed in all of them is being written, and
// is left out.
const maxRounds = 20

// scan reads all payloads, and reads again what has changed meanwhile.
func (c *checker) scan(ctx context.Context) error {
	progress := c.progress()
	wanted := func(uint64) bool { return true }
	for range maxRounds {
		t, err := readPayloads(ctx, c.log, c.decoder, wanted, progress)
		if err != nil {
			return err
		}
		c.unread += t.unread
		c.fits += t.fits
		c.malformed.merge([]*findings{&t.malformed})
		c.damaged.merge([]*findings{&t.damaged})
		if t.changed.empty() {
			return nil
		}
		follower, ok := c.log.(walcore.Follower)
		if !ok {
			return c.stillChanged(t.changed)
		}
		next, err := follower.Refresh()
		if err != nil {
			return err
		}
		if next == c.log {
			return c.stillChanged(t.changed)
		}
		first, last := next.Unchanged(c.log)
		wanted = func(index uint64) bool { return t.changed.has(index) || index < first || index > last }
		c.malformed.forget(wanted)
		c.damaged.forget(wanted)
		c.log = next
	}
	return nil
}

// stillChanged reports entries that have other bytes than when they were listed, in a
// directory that has not changed since.
func (c *checker) stillChanged(changed indexRange) error {
	for e := range c.log.Entries(changed.first) {
		if e.Index > changed.last {
			break
		}
		if _, err := e.ReadAt(make([]byte, 1), 0); err != nil {
			c.damaged.add(&e, walcore.KindUnreadable, "the payload cannot be read: "+reason(err))
		}
	}
	return nil
}

// progress gives what is told how many bytes more were read.
func (c *checker) progress() func(bytes int64) {
	if c.opts.Progress == nil {
		return func(int64) {}
	}
	var done, total int64
	for e := range c.log.Entries(0) {
		total += e.Size
	}
	return func(bytes int64) {
		done += bytes
		c.opts.Progress(min(done, total), total) // what has changed is read twice
	}
}

const (
	// maxLooks is how often the problems of a directory are looked at while somebody
	// writes to it, lookAgain how long to wait in between: what is half written at
	// one look is ended at the next.
	maxLooks  = 3
	lookAgain = 50 * time.Millisecond
)

// settledProblems are the log's own problems, without those that come and go while
// somebody writes to the directory.
func (c *checker) settledProblems(ctx context.Context) ([]walcore.Problem, error) {
	problems := c.log.Problems()
	follower, ok := c.log.(walcore.Follower)
	for look := 1; ok && look < maxLooks; look++ {
		next, err := follower.Refresh()
		if err != nil {
			return nil, err
		}
		if next == c.log {
			break
		}
		c.log, follower = next, next
		problems = stillThere(problems, next.Problems())
		if len(problems) == 0 {
			break
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(lookAgain):
		}
	}
	return problems, nil
}

// stillThere are the problems of now that were there before, and notes.
func stillThere(before, now []walcore.Problem) []walcore.Problem {
	return slices.DeleteFunc(now, func(p walcore.Problem) bool {
		return !MeaningOf(p.Kind).Note && !slices.ContainsFunc(before, func(b walcore.Problem) bool {
			return b.File == p.File && b.Kind == p.Kind && b.Slot == p.Slot
		})
	})
}

// certainly is how many sound payloads there must be, and how many for each that is
// not, so that it is clear what the others should be.
const (
	certainly        = 8
	soundForEachLost = 8
)

func isCertain(sound int, wrong *findings) bool {
	lost := wrong.more
	for _, p := range wrong.list {
		lost += max(p.Slots, 1)
	}
	return sound >= certainly && sound >= soundForEachLost*lost
}

// isDgraphs reports whether the log is certainly Dgraph's.
func (c *checker) isDgraphs() bool { return isCertain(c.fits, &c.malformed) }

// foreignPayloads are data that are no proposal, if all others are.
func (c *checker) foreignPayloads() []walcore.Problem {
	if !c.isDgraphs() {
		return nil
	}
	problems := c.malformed.problems()
	for i := range problems {
		problems[i].Message = fmt.Sprintf("the data are no proposal, as those of %d other entries are%s", c.fits, problems[i].Message)
	}
	return problems
}

// foreignChanges are configuration changes that do not parse or cannot be applied. An
// application may put into them what it wants, so that they are wrong only where it is
// clear that they are Raft's: in Dgraph's logs, and where many others are right.
func (c *checker) foreignChanges(ch *changes) []walcore.Problem {
	var problems []walcore.Problem
	if c.isDgraphs() || isCertain(ch.parsed, &ch.unparsed) {
		problems = ch.unparsed.problems()
	}
	if c.isDgraphs() || isCertain(ch.applied, &ch.misfits) {
		problems = append(problems, ch.misfits.problems()...)
	}
	return problems
}

// snapshotProblems are those with what is in the snapshot.
func (c *checker) snapshotProblems() []walcore.Problem {
	s := c.log.Meta().Snapshot
	if s == nil || s.Index == 0 {
		return nil
	}
	var problems []walcore.Problem
	report := func(format string, args ...any) {
		p := walcore.FileProblem(c.snapshotFile(), walcore.KindSnapshot, fmt.Sprintf(format, args...))
		problems = append(problems, p.OfEntry(s.Index))
	}
	if replay, _ := begin(s); replay == nil {
		report("the conf state of the snapshot at %d contradicts itself", s.Index)
	} else if len(s.ConfState.Voters) == 0 {
		report("the snapshot at %d has no voters: nobody can be elected", s.Index)
	}
	if blob, err := payload.SnapshotData(c.log); err == nil && len(blob) > 0 && c.isDgraphs() && c.decoder.FitSnapshot(blob) == payload.Malformed {
		report("the data of the snapshot at %d are none of Dgraph's, as those of the entries are", s.Index)
	}
	return problems
}

// snapshotFile is the name of the file that a snapshot's problem is with: that of the
// other problems with it, or the directory.
func (c *checker) snapshotFile() string {
	if f, ok := c.log.(walcore.Filer); ok {
		for _, n := range f.Native() {
			if n.Attr.Same(c.log.Meta().Snapshot.Attr) {
				return n.Name
			}
		}
	}
	return "."
}

// openingProblem is that opening for writing refuses the directory where nothing else
// was found that would explain it.
func (c *checker) openingProblem(problems []walcore.Problem) []walcore.Problem {
	o, ok := c.log.(walcore.Opener)
	if !ok || slices.ContainsFunc(problems, func(p walcore.Problem) bool { return !MeaningOf(p.Kind).Note }) {
		return nil
	}
	err := o.Opens()
	if err == nil {
		return nil
	}
	p := walcore.FileProblem(".", walcore.KindRefused, reason(err))
	if e := (*walcore.Error)(nil); errors.As(err, &e) {
		p.File, p.Slot = e.File, e.Slot
		p = p.At(e.Offset).OfEntry(e.Index)
	}
	return []walcore.Problem{p}
}
