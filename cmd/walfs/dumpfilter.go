package main

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"regexp/syntax"
	"time"

	"github.com/spf13/pflag"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/detect"
	"github.com/walfs/walfs/walcore/payload"
	"github.com/walfs/walfs/walcore/replay"
)

// filter says which entries are asked for: those that match all of its flags. What it is
// asked about an entry comes in an order, so that most entries are decided by the cheap
// questions:
//
//	switch f.matches(&e) {      // by what stands beside the payload
//	case matchNo:
//	case matchYes:
//	case matchUnknown:
//		data, err := payload.Data(&scanner, &e)
//		…
//		ok := f.matchesData(&e, data, decoder)
//	}
//
// A filter belongs to one goroutine. Before it was asked about an entry, it may be copied
// for others.
type filter struct {
	from, to uint64
	term     uint64 // 0: any
	typ      string // "": any
	grep     string
	limit    int64 // 0: all
	replay   bool

	kinds     kindList
	predicate given[string]
	uid       given[uint64]
	txn       given[uint64]
	member    given[memberID]
	key       given[entryKey]
	namespace given[uint64]
	since     given[time.Time]
	until     given[time.Time]

	// What parse and resolve make of grep, typ and replay; nil: any.
	pattern   *regexp.Regexp
	entryType *walcore.EntryType
	replayed  *replay.Range
	// What resolveTimes makes of since and until.
	filesInTime map[uint64]bool // by File.ID: may have entries of that time
	timesNoted  bool            // stderr says what they go by

	// For matchesData.
	facts      payload.Facts
	namespaces []uint64
	text       []byte
}

// noEnd is what to is without --to.
const noEnd = math.MaxUint64

func (f *filter) add(flags *pflag.FlagSet) {
	flags.Uint64Var(&f.from, "from", 0, "the first `INDEX`")
	flags.Uint64Var(&f.to, "to", noEnd, "the last `INDEX`; if not given, the log's last")
	flags.Uint64Var(&f.term, "term", 0, "only this `TERM`")
	flags.StringVar(&f.typ, "type", "", "only this `TYPE`: normal, conf_change or conf_change_v2")
	flags.Var(&f.kinds, "kind", "only this `KIND`, as in mutation, commit, schema, drop; more with commas")
	addGiven(flags, &f.predicate, "predicate", "only entries that name this `PREDICATE`, as in name or 0-name", parseText)
	addGiven(flags, &f.uid, "uid", "only entries with an edge from or to this `UID`, decimal or 0x…", parseID)
	addGiven(flags, &f.txn, "txn", "only entries of the transaction with this start `TS`: its edges, its commit or abort", parseID)
	addGiven(flags, &f.member, "member", "only what the node with this `ID` proposed, and what is about it", parseMember)
	addGiven(flags, &f.key, "key", "only this `KEY`: of a proposal, a number; of a key-value, a text or 0x…", parseKey)
	addGiven(flags, &f.namespace, "namespace", "only this `NAMESPACE`, decimal or 0x…", parseNumber)
	flags.BoolVar(&f.replay, "replay", false, "only what the application replays after a restart")
	addGiven(flags, &f.since, "since", "only from this `TIME` on, as in \"2026-03-01 15:04\", or 3h for three hours ago", parseTimeNow)
	addGiven(flags, &f.until, "until", "only before this `TIME`", parseTimeNow)
	flags.StringVar(&f.grep, "grep", "", "only entries whose decoded text matches this `REGEXP`")
	flags.Int64Var(&f.limit, "limit", 0, "at most `N` entries; 0 is all")
	flags.Lookup("to").DefValue = "0" // help shows no default of 0
}

// parse finds what is wrong with the flags by themselves. Which types a log has
// turns out when it is open; a name that no system has is wrong before.
func (f *filter) parse() error {
	if err := f.resolveType(&walcore.System{Types: detect.Types()}); err != nil {
		return err
	}
	if f.limit < 0 {
		return usageError("--limit takes a number of entries")
	}
	if f.from > f.to {
		return usageError("--from lies above --to")
	}
	if f.since.isGiven() && f.until.isGiven() && !f.since.value.Before(f.until.value) {
		return usageError("--since does not lie before --until")
	}
	if f.grep == "" {
		return nil
	}
	re, err := regexp.Compile(f.grep)
	if err != nil {
		return usageError(fmt.Sprintf("--grep %s: %s; the syntax is that of RE2", f.grep, patternErrorText(err)))
	}
	f.pattern = re
	return nil
}

// patternErrorText says what is wrong with a regular expression, and where.
func patternErrorText(err error) string {
	var e *syntax.Error
	if !errors.As(err, &e) {
		return err.Error()
	}
	return fmt.Sprintf("%s: %s", e.Code, quoted(e.Expr))
}

// resolve finds what the flags mean in a log: which type, which indexes, which log files.
// To be called again for the log as it is later.
func (f *filter) resolve(log walcore.Log) error {
	if err := f.resolveType(log.Meta().System); err != nil {
		return err
	}
	if m := f.member.value; f.member.isGiven() && len(m.numbers) == 0 && log.Meta().System.Name != walcore.HashiCorp {
		return usageError(fmt.Sprintf("--member %s: want a number above 0, or one in hex as in 0x1f", quoted(m.text)))
	}
	if err := f.resolveReplay(log); err != nil {
		return err
	}
	f.resolveTimes(log, time.Time{})
	return nil
}

// resolveType finds the type that --type names among those of a system.
func (f *filter) resolveType(s *walcore.System) error {
	if f.typ == "" {
		return nil
	}
	t, ok := s.FindType(f.typ)
	if !ok {
		var names []string
		for _, n := range s.Types {
			names = append(names, n.Name)
		}
		return wrongValue("--type", f.typ, names)
	}
	f.entryType = &t
	return nil
}

func (f *filter) resolveReplay(log walcore.Log) error {
	if !f.replay {
		return nil
	}
	r, err := replay.Of(log.Meta(), payload.AppOf(log))
	if err != nil {
		return fmt.Errorf("--replay: %w; give a range with --from and --to", err)
	}
	f.replayed = &r.Applied
	return nil
}

// first and last are the range of indexes that is asked for.
func (f *filter) first() uint64 {
	if f.replayed != nil {
		return max(f.from, f.replayed.First)
	}
	return f.from
}

func (f *filter) last() uint64 {
	if f.replayed != nil {
		return min(f.to, f.replayed.Last)
	}
	return f.to
}
