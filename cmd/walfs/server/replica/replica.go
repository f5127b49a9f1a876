// Package replica holds the directories that a server shows, and what all of its pages,
// JSON and metrics say of them: a name for addresses, the newest tree, what its payloads add
// up to, and who wants to hear of changes.
//
//	set := replica.NewSet(replica.Directory{Path: dir, Live: live})
//	go set.Run(ctx)
//	now := set.Replicas[0].Now() // of one moment, whatever is written meanwhile
//	now.Status()
//
// A server answers each request from one Moment, so that its parts go together.
package replica

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/walfs/walfs/fsview"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/membership"
	"github.com/walfs/walfs/walcore/payload"
	"github.com/walfs/walfs/walcore/status"
	"github.com/walfs/walfs/walcore/tally"
)

// Directory is one to serve.
type Directory struct {
	Path string // absolute
	Live *fsview.Live
}

// Replica is a directory that is served.
type Replica struct {
	Name string // in addresses: no other replica of the set has it
	Dir  string
	Live *fsview.Live

	mu     sync.Mutex // protects moment
	moment *Moment

	tally   atomic.Pointer[tally.Tally]
	version atomic.Uint64

	rewrites, elections atomic.Uint64
	cost                atomic.Int64 // see Cost
}

// Now is the replica as its newest tree shows it: one Moment for all who ask.
func (r *Replica) Now() *Moment {
	r.mu.Lock()
	defer r.mu.Unlock()
	if tree := r.Live.Tree(); r.moment == nil || r.moment.Tree != tree {
		r.moment = &Moment{Replica: r, Tree: tree, Log: tree.Log()}
	}
	return r.moment
}

// Tally is what the log's payloads add up to so far. It may be of an earlier log, and nil
// before anything was counted.
func (r *Replica) Tally() *tally.Tally { return r.tally.Load() }

// Version grows with each change of what the replica shows.
func (r *Replica) Version() uint64 { return r.version.Load() }

// Rewrites is how many times entries were seen to be replaced or dropped at the log's end.
func (r *Replica) Rewrites() uint64 { return r.rewrites.Load() }

// Elections is by how much the term was seen to grow.
func (r *Replica) Elections() uint64 { return r.elections.Load() }

// Cost is how long it took to find out the most costly of what the newest moments were asked
// for. Who asks again and again may let ten times as long pass in between.
func (r *Replica) Cost() time.Duration { return time.Duration(r.cost.Load()) }

// Moment is a replica as one tree shows it. What takes work to find out is found out once.
type Moment struct {
	Replica *Replica
	Tree    *fsview.Tree
	Log     walcore.Log

	mu         sync.Mutex // protects what follows
	status     *status.Status
	members    []membership.Member
	membersErr error
	hasMembers bool
}

// Status is what walfs stat says of the log.
func (m *Moment) Status() *status.Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.status != nil {
		return m.status
	}
	defer m.took(time.Now())
	s := m.Tree.Status()
	if p, ok := m.Log.(walcore.Partial); !ok || p.Checked() { // otherwise there is more to come
		m.status = s
	}
	return s
}

// Members are those of the group, as membership.Replay has them, with its errors.
func (m *Moment) Members() ([]membership.Member, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.hasMembers {
		defer m.took(time.Now())
		m.members, m.membersErr = membership.Replay(m.Log)
		m.hasMembers = true
	}
	return m.members, m.membersErr
}

// took notes what finding something out has cost.
func (m *Moment) took(since time.Time) {
	cost := int64(time.Since(since))
	if before := m.Replica.cost.Load(); cost < before {
		cost = before - (before-cost)/8 // the machine may just have been busy with other things
	}
	m.Replica.cost.Store(cost)
}

// Decoder is what says what the entries mean, with secrets redacted as in decoded/.
func (m *Moment) Decoder() payload.Decoder { return m.Tree.Decoder() }

// count keeps the replica's tally up to date until ctx ends.
func (r *Replica) count(ctx context.Context, changed func()) {
	// Whoever asks first need not wait for what goes through all entries, too.
	now := r.Now()
	now.Status()
	_, _ = now.Members() // who asks is told what is wrong
	counter := tally.New()
	show := func(t *tally.Tally) {
		r.tally.Store(t)
		changed()
	}
	for ctx.Err() == nil {
		next := r.Live.Next()
		tree := r.Live.Tree()
		again := make(<-chan time.Time)
		t, err := counter.Update(ctx, tree.Log(), tree.Decoder(), show)
		if err != nil { // the log is not the newest any more, or an entry is damaged: another look tells
			again = time.After(changedWait)
		} else if t != r.Tally() {
			show(t)
		}
		select {
		case <-ctx.Done():
		case <-next:
		case <-again:
		}
	}
}

// changedWait is how long it takes at most until a change of a directory is seen.
const changedWait = 2 * time.Second

// watch counts what is seen to happen to the log until ctx ends.
func (r *Replica) watch(ctx context.Context, changed func()) {
	before := r.Live.Tree().Log()
	for {
		next := r.Live.Next()
		after := r.Live.Tree().Log()
		if after != before {
			if rewritten(before.Terms(), after.Terms()) {
				r.rewrites.Add(1)
			}
			if was, is := term(before), term(after); is > was {
				r.elections.Add(is - was)
			}
			before = after
		}
		changed()
		select {
		case <-ctx.Done():
			return
		case <-next:
		}
	}
}

// term is the one that the node is in, as far as its directory tells.
func term(log walcore.Log) uint64 {
	newest := uint64(0)
	if terms := log.Terms(); len(terms) > 0 {
		newest = terms[len(terms)-1].Term
	}
	if m := log.Meta(); m.HardState != nil {
		newest = max(newest, m.HardState.Term)
	} else if m.Stable != nil {
		newest = max(newest, m.Stable.CurrentTerm)
	}
	return newest
}

// rewritten reports whether an index has an entry of another term than before, or none
// though entries below it are still there: a later leader's entries were put in its place,
// or it was cut off for them.
func rewritten(before, after []walcore.TermSpan) bool {
	if len(before) == 0 || len(after) == 0 {
		return false
	}
	first, last := after[0].First, before[len(before)-1].Last
	if first > last { // what was there is in a snapshot now
		return false
	}
	if after[len(after)-1].Last < last {
		return true
	}
	for len(before) > 0 && len(after) > 0 {
		was, is := before[0], after[0]
		if max(was.First, is.First) <= min(was.Last, is.Last) && was.Term != is.Term {
			return true
		}
		if was.Last < is.Last {
			before = before[1:]
		} else {
			after = after[1:]
		}
	}
	return false
}
