package explain

import (
	"context"
	"errors"
	"strings"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
	"github.com/walfs/walfs/walcore/pending"
	"github.com/walfs/walfs/walcore/replay"
	"github.com/walfs/walfs/walcore/stats"
)

// scan goes through the entries, and reads those behind the snapshot.
type scan struct {
	*Report
	log     walcore.Log
	decoder payload.Decoder
	opts    Options

	scanner walcore.Scanner
	facts   payload.Facts
	summary payload.Summary

	snapshot, commit uint64 // commit: the last index there can be, where it is not known
	next             uint64 // the index behind the last entry behind the snapshot
	replay           *replay.Replay
	kinds            *stats.Table
	changes          map[string]*Change

	txns         pending.Txns
	committed    []pending.Txn // that were pending at the commit index
	atCommit     counted
	passedCommit bool

	decoded, foreign int    // normal entries with data that are Dgraph's, and others
	dropped          uint64 // the last drop that is committed
	lastDead         uint64 // the last index at or below the snapshot
	done, total      int64
}

// counted is what a pending.Txns had counted at some entry.
type counted struct{ len, untracked, commits int }

// changeKinds are the kinds of entries that a restart should not replay unnoticed.
var changeKinds = []string{payload.KindRestore, payload.KindDrop, payload.KindDeleteNs, payload.KindSchema}

// mostNamed is how many entries of a kind are named.
const mostNamed = 10

func newScan(r *Report, log walcore.Log, d payload.Decoder, opts Options) *scan {
	s := &scan{Report: r, log: log, decoder: d, opts: opts, commit: walcore.MaxNumber, changes: map[string]*Change{}}
	if r.Snapshot != nil {
		s.snapshot = r.Snapshot.Index
	}
	if r.HardState != nil {
		s.commit = r.HardState.Commit
	}
	s.next = s.snapshot + 1
	s.kinds = stats.NewTable(stats.Kind, 0)
	rep, err := replay.Of(log.Meta(), s.app())
	if err != nil {
		r.notKnown("replay", "%s", reason(err))
		return s
	}
	if r.System != dgraph {
		rep.Applied = rep.Handed
	}
	if r.FirstIndex != nil {
		rep.Handed.First = max(rep.Handed.First, *r.FirstIndex)
		rep.Applied.First = max(rep.Applied.First, *r.FirstIndex)
	}
	s.replay = &rep
	return s
}

// reason is why something is not known, without that it is not.
func reason(err error) string {
	return strings.TrimPrefix(err.Error(), replay.ErrNotKnown.Error()+": ")
}

// app is the application whose log a decoder of Dgraph's is for. Other systems have no
// checkpoint, as a Zero.
func (s *scan) app() payload.App {
	if d, ok := s.decoder.(*payload.Dgraph); ok {
		return d.App()
	}
	return payload.Zero
}

// run goes through all entries.
func (s *scan) run(ctx context.Context) error {
	if s.opts.Progress != nil {
		for e := range s.log.Entries(s.snapshot + 1) {
			s.total += e.Size
		}
	}
	for e := range s.log.Entries(0) {
		if err := ctx.Err(); err != nil {
			return err
		}
		s.addEntry(&e)
		if e.Index <= s.snapshot {
			s.lastDead = e.Index
			continue
		}
		s.missing(e.Index - 1)
		s.next = e.Index + 1
		if e.Index > s.commit {
			s.passCommit()
		}
		known, err := s.read(&e)
		if err != nil {
			return err
		}
		s.add(&e, known)
	}
	s.passCommit()
	if h := s.HardState; h != nil {
		s.missing(h.Commit)
		s.Missing = s.Missing || s.LastIndex != nil && h.Commit > max(*s.LastIndex, s.snapshot)
	}
	return nil
}

// missing looks for entries that the log had between the last one and an index.
func (s *scan) missing(last uint64) {
	last = min(last, s.commit)
	s.Missing = s.Missing || s.next <= last && s.log.Gap(s.next, last) != nil
}

// passCommit notes what is pending at the commit index.
func (s *scan) passCommit() {
	if !s.passedCommit {
		s.passedCommit = true
		s.committed = s.txns.List()
		s.atCommit = counted{s.txns.Len(), s.txns.Untracked(), s.txns.Commits}
	}
}

// read sets the facts of an entry. known is false if it cannot be read, which is counted.
func (s *scan) read(e *walcore.Entry) (known bool, err error) {
	data, err := payload.Data(&s.scanner, e)
	if s.opts.Progress != nil {
		s.done += e.Size
		s.opts.Progress(s.done, s.total)
	}
	switch {
	case err == nil:
		s.decoder.Facts(&s.facts, payload.EntryOf(e, data))
		if s.replay != nil && s.replay.Applied.Has(e.Index) {
			s.change(e, data)
		}
		return true, nil
	case errors.Is(err, walcore.ErrChanged):
		return false, err
	case errors.Is(err, walcore.ErrNoKey):
		s.Unreadable.NoKey++
	case errors.Is(err, walcore.ErrDataKey):
		s.Unreadable.NoDataKey++
	default:
		if s.Unreadable.Damaged == 0 {
			s.Unreadable.First = e.Index
		}
		s.Unreadable.Damaged++
	}
	return false, nil
}

// add takes an entry behind the snapshot, and its facts where they are known.
func (s *scan) add(e *walcore.Entry, known bool) {
	if s.replay != nil && s.replay.Applied.Has(e.Index) {
		if known {
			s.kinds.Add(e, &s.facts)
		} else {
			s.kinds.Add(e, nil)
		}
	}
	if !known {
		return
	}
	if e.Type == walcore.EntryNormal && e.Size > 0 {
		switch s.facts.Kind {
		case payload.KindText, payload.KindBinary:
			s.foreign++
		default:
			s.decoded++
		}
	}
	if e.Index <= s.commit && (s.facts.Is(payload.KindDrop) || s.facts.Is(payload.KindDeleteNs)) {
		s.dropped = e.Index
	}
	s.CDC = s.CDC || s.facts.Is(payload.KindCDC)
	s.txns.Add(&s.facts, e.Index)
}

// change names an entry of one of changeKinds.
func (s *scan) change(e *walcore.Entry, data []byte) {
	for _, kind := range changeKinds {
		if !s.facts.Is(kind) {
			continue
		}
		c := s.changes[kind]
		if c == nil {
			c = &Change{Kind: kind}
			s.changes[kind] = c
		}
		if c.Entries++; c.Entries <= mostNamed {
			_ = s.decoder.Summarize(&s.summary, payload.EntryOf(e, data)) // none that is built in fails
			c.First = append(c.First, Named{e.Index, string(s.summary.Line)})
		}
	}
}
