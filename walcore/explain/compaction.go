package explain

import (
	"context"
	"errors"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
)

// When the leading Alpha makes a snapshot, as Dgraph has it if it is not told otherwise: it
// looks once a minute. The second also takes half an hour since the last one.
const (
	MostFullFiles = 4
	MostEntries   = 10_000
)

// compaction says what the next snapshot depends on.
func (s *scan) compaction(ctx context.Context) error {
	switch {
	case s.Pending == nil && s.App != nil && s.app() == payload.Zero:
		s.notKnown("compaction", "a Zero's snapshot goes up to the lowest timestamp that the Alphas' groups have told its leader, which no log stores")
		return nil
	case s.Pending == nil && s.App == nil:
		s.notKnown("compaction", "what the entries mean is not known")
		return nil
	case s.Pending == nil && s.Unreadable.key() != "":
		s.notKnown("compaction", "%s", s.Unreadable.key())
		return nil
	case s.Pending == nil || s.HardState == nil || s.FirstIndex == nil || s.LastIndex == nil,
		s.commit > s.snapshot && *s.LastIndex <= s.snapshot: // all that is committed is missing
		s.notKnown("compaction", "what it depends on is damaged")
		return nil
	}
	c := &Compaction{Due: []string{}, FullFiles: s.fullFiles(), Frees: []string{}}
	if s.commit > s.snapshot {
		c.Committed = s.commit - s.snapshot
	}
	at := uint64(0)
	if s.CheckpointIndex != nil {
		at = min(*s.CheckpointIndex, s.commit)
	}
	if at > s.snapshot {
		c.Checkpoint = at - s.snapshot
	}
	if err := s.hold(ctx, c); err != nil {
		return err
	}
	s.due(c, at)
	last := min(s.commit, *s.LastIndex)
	if c.Hold != nil {
		last = c.Hold.Index - 1
	}
	if last > s.snapshot && last >= *s.FirstIndex {
		c.AtMost = &last
		c.Frees = s.frees(last)
	}
	if h := c.Hold; h != nil {
		c.HeldBack = h.Behind >= MostEntries || c.FullFiles-len(c.Frees) > MostFullFiles ||
			h.Behind >= FarBehind && at == h.Index-1 && at > 0
	}
	s.Compaction = c
	return nil
}

// due says why a snapshot is due, if it is.
func (s *scan) due(c *Compaction, checkpoint uint64) {
	if s.snapshot == 0 && s.atCommit.commits > 0 {
		c.Due = append(c.Due, DueNoSnapshot)
	}
	if c.FullFiles > MostFullFiles {
		c.Due = append(c.Due, DueFullFiles)
	}
	if checkpoint >= *s.FirstIndex+MostEntries {
		c.Due = append(c.Due, DueEntries)
	}
}

// hold finds the entry that a snapshot cannot pass: the first behind the last snapshot of a
// transaction whose timestamp is not below the oldest pending one's.
func (s *scan) hold(ctx context.Context, c *Compaction) error {
	if s.Pending.Oldest == nil {
		return nil
	}
	h := &Hold{StartTs: *s.Pending.Oldest}
	for _, txn := range s.Pending.Txns {
		if txn.StartTs == h.StartTs {
			h.FirstIndex, h.Index = txn.First, txn.First
		}
	}
	for e := range s.log.Entries(s.snapshot + 1) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if e.Index >= h.FirstIndex {
			break
		}
		data, err := payload.Data(&s.scanner, &e)
		if errors.Is(err, walcore.ErrChanged) {
			return err
		}
		if err != nil { // it was counted before
			continue
		}
		s.decoder.Facts(&s.facts, payload.EntryOf(&e, data))
		if s.facts.StartTs >= h.StartTs {
			h.Index = e.Index
			break
		}
	}
	h.Behind = s.commit - h.Index + 1
	if s.dropped > h.FirstIndex {
		h.Dropped = &s.dropped
	}
	c.Hold = h
	return nil
}

// frees are the log files that a snapshot at an index deletes: those before the one that
// holds the index.
func (s *scan) frees(index uint64) []string {
	names := []string{}
	for i, f := range s.LogFiles {
		if i+1 < len(s.LogFiles) && s.LogFiles[i+1].FirstIndex <= index {
			names = append(names, f.Name)
		}
	}
	return names
}

// fullFiles is how many log files there are beside the one that is written to: Dgraph counts
// those.
func (s *scan) fullFiles() int { return max(0, len(s.LogFiles)-1) }
