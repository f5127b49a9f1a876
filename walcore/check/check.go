package check

import (
	"context"
	"errors"
	"fmt"
	"slices"

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
	c := &checker{log: log, opts: opts}
	if _, other := otherMeanings[log.Meta().System.Name]; !other {
		c.decoder = payload.NewDgraph(payload.AppOf(log), payload.Options{})
	}
	defer func() { c.log.Close() }() // it was only read
	if err := c.scan(ctx); err != nil {
		return nil, err
	}
	problems, err := c.settledProblems(ctx)
	if err != nil {
		return nil, err
	}
	if c.live {
		c.outline = outlineOf(c.log)
	}
	changes, err := readChanges(ctx, c.log, c.outline)
	if err != nil {
		return nil, err
	}
	problems = append(problems, c.damaged.problems()...)
	problems = append(problems, c.foreignPayloads()...)
	problems = append(problems, c.foreignChanges(&changes)...)
	problems = append(problems, c.snapshotProblems()...)
	problems = append(problems, c.missingSnapshot()...)
	problems = withoutExplained(problems)
	for _, name := range c.log.Meta().Ignored {
		problems = append(problems, walcore.FileProblem(name, walcore.KindIgnored, "is no part of the log"))
	}
	return c.report(problems), nil
}

// checker is a check under way.
type checker struct {
	log     walcore.Log // the newest
	live    bool        // somebody writes to the directory: it has changed since it was opened
	opts    Options
	decoder *payload.Dgraph // nil: it is another system's log
	outline *outline
	tally
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
	if s.ConfState.Servers != nil {
		return nil // their rules are not Raft's own
	}
	if replay, _ := begin(s); replay == nil {
		report("the conf state of the snapshot at %d contradicts itself", s.Index)
	} else if len(s.ConfState.Voters) == 0 {
		report("the snapshot at %d has no voters: nobody can be elected", s.Index)
	}
	if blob, err := payload.SnapshotData(s); err == nil && len(blob) > 0 && c.isDgraphs() && c.decoder.FitSnapshot(blob) == payload.Malformed {
		report("the data of the snapshot at %d are none of Dgraph's, as those of the entries are", s.Index)
	}
	return problems
}

// missingSnapshot finds out whether entries are missing that no snapshot stands for, at the
// beginning of a log of HashiCorp's. Of others the readers tell.
func (c *checker) missingSnapshot() []walcore.Problem {
	m, terms := c.log.Meta(), c.log.Terms()
	if m.System.Name != walcore.HashiCorp || m.Snapshot == nil || len(terms) == 0 || terms[0].First <= m.Snapshot.Index+1 {
		return nil
	}
	return []walcore.Problem{walcore.FileProblem(".", walcore.KindSnapshot,
		fmt.Sprintf("the log begins with index %d, and no whole snapshot reaches up to it (index %d)", terms[0].First, m.Snapshot.Index))}
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

// ownProblems are those that a log has found itself. Where it found none, there is the one
// that opening for writing refuses the directory.
func ownProblems(log walcore.Log) []walcore.Problem {
	problems := log.Problems()
	if o, ok := log.(walcore.Opener); ok && !slices.ContainsFunc(problems, isDamage) {
		if err := o.Opens(); errors.Is(err, walcore.ErrDamaged) { // of what it cannot read others tell
			problems = append(problems, refusal(err))
		}
	}
	return problems
}

// withoutExplained leaves out that opening is refused, where other damage explains it.
func withoutExplained(problems []walcore.Problem) []walcore.Problem {
	refused := func(p walcore.Problem) bool { return p.Kind == walcore.KindRefused }
	if !slices.ContainsFunc(problems, func(p walcore.Problem) bool { return isDamage(p) && !refused(p) }) {
		return problems
	}
	return slices.DeleteFunc(problems, refused)
}

func isDamage(p walcore.Problem) bool { return !MeaningOf(p.Kind).Note }

// refusal is the problem that an error of opening tells of.
func refusal(err error) walcore.Problem {
	p := walcore.FileProblem(".", walcore.KindRefused, reason(err))
	var e *walcore.Error
	if errors.As(err, &e) {
		p.File, p.Slot = e.File, e.Slot
		p = p.At(e.Offset).OfEntry(e.Index)
	}
	return p
}
