package main

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"regexp/syntax"

	"github.com/spf13/pflag"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/detect"
)

// filter says which entries to print.
type filter struct {
	from, to uint64
	term     uint64 // 0: any
	typ      string // "": any
	grep     string
	limit    int64 // 0: all

	// What parse and resolve make of grep and typ; nil: any.
	pattern   *regexp.Regexp
	entryType *walcore.EntryType
}

// noEnd is what to is without --to.
const noEnd = math.MaxUint64

func (f *filter) add(flags *pflag.FlagSet) {
	flags.Uint64Var(&f.from, "from", 0, "the first `INDEX`")
	flags.Uint64Var(&f.to, "to", noEnd, "the last `INDEX`; if not given, the log's last")
	flags.Uint64Var(&f.term, "term", 0, "only this `TERM`")
	flags.StringVar(&f.typ, "type", "", "only this `TYPE`: normal, conf_change or conf_change_v2")
	flags.StringVar(&f.grep, "grep", "", "only entries whose decoded text matches this `REGEXP`")
	flags.Int64Var(&f.limit, "limit", 0, "at most `N` entries; 0 is all")
	flags.Lookup("to").DefValue = "0" // help shows no default of 0
}

// parse finds what is wrong with the flags by themselves. Which types a log has
// turns out when it is open; a name that no system has is wrong before.
func (f *filter) parse() error {
	if err := f.resolve(&walcore.System{Types: detect.Types()}); err != nil {
		return err
	}
	if f.limit < 0 {
		return usageError("--limit takes a number of entries")
	}
	if f.from > f.to {
		return usageError("--from lies above --to")
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

// resolve finds the type that --type names among those of a system.
func (f *filter) resolve(s *walcore.System) error {
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

// matches is all of the filter but the range of indexes and the pattern.
func (f *filter) matches(e *walcore.Entry) bool {
	if f.term != 0 && e.Term != f.term {
		return false
	}
	return f.entryType == nil || e.Type == *f.entryType
}
