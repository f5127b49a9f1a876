package filter

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"regexp/syntax"
	"time"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
	"github.com/walfs/walfs/walcore/replay"
	"github.com/walfs/walfs/walcore/wording"
)

// Filter says which entries are asked for: those that match all that was set. The zero
// value matches every entry.
//
// A Filter belongs to one goroutine. Before it was asked about an entry, it may be copied
// for others.
type Filter struct {
	// Prefix stands before the names of filters in all texts: -- on a command line.
	Prefix string

	from      uint64
	to        *uint64 // nil: no end
	term      uint64  // 0: any
	typ       string  // "": any
	kinds     kindList
	predicate given[string]
	uid       given[uint64]
	txn       given[uint64]
	member    given[memberID]
	key       given[entryKey]
	namespace given[uint64]
	replay    bool
	since     given[time.Time]
	until     given[time.Time]
	grep      string
	limit     int64 // 0: all

	// What Check and Resolve make of grep, typ, replay, since and until; nil: any.
	pattern     *regexp.Regexp
	entryType   *walcore.EntryType
	replayed    *replay.Range
	filesInTime map[uint64]bool // by File.ID: may have entries of that time

	// For MatchesData.
	facts      payload.Facts
	namespaces []uint64
	text       []byte
}

// UsageError says what is wrong with a filter, by its name: whoever asks has to ask
// otherwise. All other errors are about the log.
type UsageError string

func (e UsageError) Error() string { return string(e) }

// noEnd is the last index that is asked for where "to" is not given.
const noEnd = math.MaxUint64

// Check finds what is wrong with a filter by itself, with a [UsageError]. types are those
// that an entry can have: as long as no log is open, those of all systems.
func (f *Filter) Check(types []walcore.TypeName) error {
	if err := f.resolveType(types); err != nil {
		return err
	}
	if f.limit < 0 {
		return f.usage("%s takes a number of entries", "limit")
	}
	if f.from > f.end() {
		return f.usage("%s lies above %s", "from", "to")
	}
	if f.since.isGiven() && f.until.isGiven() && !f.since.value.Before(f.until.value) {
		return f.usage("%s does not lie before %s", "since", "until")
	}
	if f.grep == "" {
		return nil
	}
	re, err := regexp.Compile(f.grep)
	if err != nil {
		return f.wrongValue("grep", f.grep, patternErrorText(err)+"; the syntax is that of RE2")
	}
	f.pattern = re
	return nil
}

// usage is the error of a text with the names of filters.
func (f *Filter) usage(format string, names ...string) error {
	var shown []any
	for _, name := range names {
		shown = append(shown, f.Prefix+name)
	}
	return UsageError(fmt.Sprintf(format, shown...))
}

// patternErrorText says what is wrong with a regular expression, and where.
func patternErrorText(err error) string {
	var e *syntax.Error
	if !errors.As(err, &e) {
		return err.Error()
	}
	return fmt.Sprintf("%s: %s", e.Code, wording.Quoted(e.Expr))
}

// Resolve finds what the filter means in a log: which type, which indexes, which log files.
// It is to be called before an entry of the log is asked about, and again for the log as it
// is later. It fails with a [UsageError], and with [replay.ErrNotKnown] where "replay" is
// asked for and the directory does not tell what that is.
func (f *Filter) Resolve(log walcore.Log) error {
	system := log.Meta().System
	f.replayed = nil
	if err := f.Check(system.Types); err != nil {
		return err
	}
	if m := f.member.value; f.member.isGiven() && len(m.numbers) == 0 && system.Name != walcore.HashiCorp {
		return f.wrongValue("member", m.text, "want a number above 0, or one in hex as in 0x1f")
	}
	if err := f.resolveReplay(log); err != nil {
		return err
	}
	f.ResolveTimes(log, time.Time{})
	return nil
}

// resolveType finds the type that is asked for.
func (f *Filter) resolveType(types []walcore.TypeName) error {
	if f.typ == "" {
		return nil
	}
	system := walcore.System{Types: types}
	t, ok := system.FindType(f.typ)
	if !ok {
		var names []string
		for _, n := range types {
			names = append(names, n.Name)
		}
		return f.wrongValue("type", f.typ, "want "+wording.OneOf(names)+wording.DidYouMean(f.typ, names))
	}
	f.entryType = &t
	return nil
}

func (f *Filter) resolveReplay(log walcore.Log) error {
	if !f.replay {
		return nil
	}
	r, err := replay.Of(log.Meta(), payload.AppOf(log))
	if err != nil {
		return fmt.Errorf("%sreplay: %w; give a range with %[1]sfrom and %[1]sto", f.Prefix, err)
	}
	f.replayed = &r.Applied
	return nil
}

// First is the first index that is asked for; 0 is the log's first.
func (f *Filter) First() uint64 {
	if f.replayed != nil {
		return max(f.from, f.replayed.First)
	}
	return f.from
}

// Last is the last index that is asked for, of which a log may have less.
func (f *Filter) Last() uint64 {
	if f.replayed != nil {
		return min(f.end(), f.replayed.Last)
	}
	return f.end()
}

// end is the last index that "to" leaves.
func (f *Filter) end() uint64 {
	if f.to != nil {
		return *f.to
	}
	return noEnd
}

// InRange reports whether "from" and "to" leave an index. One that is not known, 0, is in no
// range that was asked for.
func (f *Filter) InRange(index uint64) bool {
	return f.from == 0 && f.end() == noEnd || max(f.from, 1) <= index && index <= f.end()
}

// Replay reports whether only that is asked for which a restart replays.
func (f *Filter) Replay() bool { return f.replay }

// Limit is how many entries are asked for at most; 0 is all.
func (f *Filter) Limit() int64 { return f.limit }
