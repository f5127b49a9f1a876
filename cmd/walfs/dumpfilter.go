package main

import (
	"math"
	"regexp"

	"github.com/spf13/pflag"
	"github.com/walfs/walfs/fsview"
	"github.com/walfs/walfs/walcore/dgraph"
)

// filter says which entries to print.
type filter struct {
	from, to uint64
	term     uint64 // 0: any
	typ      string // "": any
	grep     string
	limit    int64 // 0: all

	pattern *regexp.Regexp
}

func (f *filter) add(flags *pflag.FlagSet) {
	flags.Uint64Var(&f.from, "from", 0, "the first `INDEX`")
	flags.Uint64Var(&f.to, "to", math.MaxUint64, "the last `INDEX`; if not given, the log's last")
	flags.Uint64Var(&f.term, "term", 0, "only this `TERM`")
	flags.StringVar(&f.typ, "type", "", "only this `TYPE`: normal, conf_change or conf_change_v2")
	flags.StringVar(&f.grep, "grep", "", "only entries whose decoded text matches this `REGEXP`")
	flags.Int64Var(&f.limit, "limit", 0, "at most `N` entries")
	flags.Lookup("to").DefValue = "0" // which help does not show
}

func (f *filter) parse() error {
	if _, ok := fsview.TypeOf(f.typ); !ok && f.typ != "" {
		return usage("--type " + f.typ + ": want normal, conf_change or conf_change_v2")
	}
	if f.limit < 0 {
		return usage("--limit takes a number of entries")
	}
	if f.from > f.to {
		return usage("--from lies above --to")
	}
	if f.grep == "" {
		return nil
	}
	re, err := regexp.Compile(f.grep)
	if err != nil {
		return usage("--grep: " + err.Error())
	}
	f.pattern = re
	return nil
}

// takes is all of the filter but the range of indexes and the pattern.
func (f *filter) takes(e *dgraph.Entry) bool {
	if f.term != 0 && e.Term != f.term {
		return false
	}
	t, any := fsview.TypeOf(f.typ)
	return !any || e.Type == t
}
