package tally

import (
	"context"
	"errors"
	"math"
	"slices"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
)

// Counter counts the entries of a directory's log, as it changes. Only one goroutine may use
// it.
type Counter struct {
	log     walcore.Log // the one that is counted
	decoder payload.Decoder
	changed walcore.Log // an entry of it turned out to have changed
	tally   *Tally      // what Update gave last

	// parts are counted, from the log's begin on. rest are, too, behind entries that are not.
	// All have the entries that log has in their ranges.
	parts, rest []*part

	// sums is what all of parts but the last add up to, and cost what their own take.
	sums *sums
	cost int
	txns txnList // of parts

	// What was counted since the last report.
	entries int
	bytes   int64

	facts  payload.Facts
	limits limits
}

// limits are what tests make small.
type limits struct {
	// A part has at most so many entries. Of HashiCorp's raft.db, which is one log file, no
	// more are read again when it is compacted.
	partEntries int64
	cost        int // of the sums of parts, in bytes of memory, about
	txns        int // transactions, in whole blocks

	// What is counted from one report to the next.
	reportEntries int
	reportBytes   int64
}

// New makes a Counter that has counted nothing.
func New() *Counter {
	c := &Counter{limits: limits{16 << 10, 64 << 20, MaxTxns, 50_000, 64 << 20}}
	c.restart(nil)
	return c
}

// Update counts what has not been counted of a log, the directory's newest. report, if it is
// not nil, gets what is known so far, from time to time. If nothing has changed, Update gives
// the same Tally again, and reads nothing. With a decoder that may find other facts than that of
// before, it counts all again.
//
// It fails with the error of ctx; or with ErrChanged, when the log is not the newest any more:
// it has to be read again. What was counted until then is in the Tally, and is not counted
// again. An entry that has changed though its log has not, as a second Update with the same log
// shows, counts as one that cannot be read.
func (c *Counter) Update(ctx context.Context, log walcore.Log, decoder payload.Decoder, report func(*Tally)) (*Tally, error) {
	if c.tally != nil && c.tally.Done && log == c.log && sameFacts(decoder, c.decoder) {
		return c.tally, nil
	}
	c.keep(log, decoder)
	partial, ok := log.(walcore.Partial)
	presumed := ok && !partial.Checked()
	err := c.count(ctx, report)
	if err == nil && presumed && !c.asPresumed() {
		c.restart(nil)
		err = c.count(ctx, report)
	}
	c.changed = nil
	if errors.Is(err, walcore.ErrChanged) {
		c.changed = log
	}
	c.tally = c.publish(err == nil)
	return c.tally, err
}

// keep has the parts stay that are of the newest log, too.
func (c *Counter) keep(log walcore.Log, decoder payload.Decoder) {
	before, same := c.log, sameFacts(decoder, c.decoder)
	c.log, c.decoder = log, decoder
	if log == before && same {
		return
	}
	first, last := uint64(1), uint64(0)
	if f, ok := log.(walcore.Follower); ok && before != nil && same {
		first, last = f.Unchanged(before)
	}
	changed := func(p *part) bool { return p.first < first || p.last > last }
	c.rest = slices.DeleteFunc(c.rest, changed)
	if slices.ContainsFunc(c.parts, changed) {
		c.restart(append(slices.DeleteFunc(c.parts, changed), c.rest...))
	}
}

// sameFacts reports whether two decoders find the same in an entry. Those that are built in do
// if they are for the same application: a tree has another one after a rewrite.
func sameFacts(a, b payload.Decoder) bool {
	switch a := a.(type) {
	case *payload.Dgraph:
		b, ok := b.(*payload.Dgraph)
		return ok && a.App() == b.App()
	case *payload.Etcd:
		_, ok := b.(*payload.Etcd)
		return ok
	case *payload.HashiCorp:
		_, ok := b.(*payload.HashiCorp)
		return ok
	}
	return a == b
}

// asPresumed reports whether a log that had not looked at all its files gave the entries that it
// has, now that it has.
func (c *Counter) asPresumed() bool {
	f, ok := c.log.(walcore.Follower)
	if !ok || len(c.parts) == 0 {
		return true
	}
	first, last := f.Unchanged(f)
	return first <= c.parts[0].first && c.parts[len(c.parts)-1].last <= last
}

// restart goes back to the log's begin. The sums of all parts are added up from theirs again:
// sums cannot be taken away from others, as a row that stands for all more values cannot be
// parted. That reads nothing, and is seldom: an append needs none.
func (c *Counter) restart(rest []*part) {
	lost := c.txns.lost
	c.parts, c.rest, c.sums, c.cost, c.txns = nil, rest, newSums(), 0, txnList{most: c.limits.txns}
	if len(rest) > 0 && rest[0].txns == nil {
		c.txns.lost = lost
	}
}

// count goes through the entries that are in no part.
func (c *Counter) count(ctx context.Context, report func(*Tally)) error {
	var payloads walcore.Scanner
	for {
		until := uint64(math.MaxUint64)
		if len(c.rest) > 0 {
			until = c.rest[0].first - 1
		}
		if from := c.through() + 1; from <= until {
			for e := range c.log.Entries(from) {
				if e.Index > until {
					break
				}
				if err := ctx.Err(); err != nil {
					return err
				}
				if err := c.read(&payloads, &e); err != nil {
					return err
				}
				if report != nil && (c.entries >= c.limits.reportEntries || c.bytes >= c.limits.reportBytes) {
					c.entries, c.bytes = 0, 0
					report(c.publish(false))
				}
			}
		}
		if len(c.rest) == 0 {
			return nil
		}
		c.adopt(c.rest[0])
		c.rest = c.rest[1:]
	}
}

// read counts an entry.
func (c *Counter) read(payloads *walcore.Scanner, e *walcore.Entry) error {
	data, err := payload.Data(payloads, e)
	if errors.Is(err, walcore.ErrChanged) && c.changed != c.log {
		return err
	}
	p := c.lastPart()
	if p == nil || !p.takes(e) || p.sums.total().Entries >= c.limits.partEntries {
		p = newPart(e, c.limits.txns)
		c.begin(p)
	}
	if err == nil {
		c.decoder.Facts(&c.facts, payload.EntryOf(e, data))
		p.add(e, &c.facts)
		c.txns.addFacts(p.txns, e.Index, &c.facts)
	} else {
		p.add(e, nil)
		p.sums.unreadable++
		if errors.Is(err, walcore.ErrNoKey) || errors.Is(err, walcore.ErrDataKey) {
			p.sums.noKey++
		}
	}
	c.entries++
	c.bytes += e.Size
	return nil
}

func (c *Counter) lastPart() *part {
	if len(c.parts) == 0 {
		return nil
	}
	return c.parts[len(c.parts)-1]
}

// through is the index of the last entry that is counted.
func (c *Counter) through() uint64 {
	if p := c.lastPart(); p != nil {
		return p.last
	}
	return 0
}

// begin takes the next part. The one before gets no more entries.
func (c *Counter) begin(p *part) {
	if before := c.lastPart(); before != nil {
		before.close()
		before.begun = c.txns.number() - before.firstTxn
		c.sums.merge(before.sums)
		c.cost += before.cost
		c.bound()
	}
	p.firstTxn = c.txns.number()
	c.parts = append(c.parts, p)
}

// adopt takes a part that was counted before.
func (c *Counter) adopt(p *part) {
	c.begin(p)
	c.txns.addAll(p.txns, p.begun)
}

// bound has parts that are closed take less memory, where they take too much.
func (c *Counter) bound() {
	for c.cost > c.limits.cost && len(c.parts) > 1 {
		// More of them share what they have in common. When one of their entries changes, all of
		// them are read again.
		var fewer []*part
		c.cost = 0
		for pair := range slices.Chunk(c.parts, 2) {
			p := pair[0]
			if len(pair) == 2 {
				p = joined(pair[0], pair[1])
			}
			fewer = append(fewer, p)
			c.cost += p.cost
		}
		c.parts = fewer
	}
	if c.txns.left > 0 {
		oldest := c.txns.oldest()
		for _, p := range c.parts {
			if p.last >= oldest {
				break
			}
			p.txns = nil
		}
	}
}

// publish gives what is known so far.
func (c *Counter) publish(done bool) *Tally {
	t := &Tally{Through: c.through(), Done: done, Entries: int64(walcore.Count(c.log)), Txns: c.txns.publish(), tables: newSums()}
	t.tables.merge(c.sums)
	if p := c.lastPart(); p != nil {
		t.tables.merge(p.sums)
	}
	t.Counted, t.Unreadable = t.tables.total(), t.tables.unreadable
	for _, p := range c.parts {
		t.Files = appendFiles(t.Files, p.sumsByFile())
	}
	t.Pending = c.pending(t)
	return t
}

// pending is which transactions are; nil where that is not known.
func (c *Counter) pending(t *Tally) *Pending {
	d, ok := c.decoder.(interface{ App() payload.App })
	m := c.log.Meta()
	if !ok || d.App() != payload.Alpha || m.Snapshot == nil || t.tables.noKey > 0 {
		return nil
	}
	p := &Pending{Snapshot: m.Snapshot.Index, Commit: t.Through, Unknown: c.txns.lost}
	if m.HardState != nil {
		p.Commit = m.HardState.Commit
	}
	if !t.Done && t.Through < p.Commit || m.HardState == nil && !t.Done {
		return nil
	}
	for range t.Txns.Pending(p.Snapshot, p.Commit) {
		p.Count++
	}
	return p
}
