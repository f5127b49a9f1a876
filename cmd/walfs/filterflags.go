package main

import (
	"github.com/spf13/pflag"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/detect"
	"github.com/walfs/walfs/walcore/filter"
)

// filterFlags are the flags of every command that can be asked for some of the entries.
type filterFlags struct {
	filter.Filter
	timesNoted bool // stderr says what --since and --until go by
}

func (f *filterFlags) add(flags *pflag.FlagSet) {
	f.Prefix = "--"
	add := func(name, usage string) *pflag.Flag {
		return flags.VarPF(&filterFlag{filter: &f.Filter, name: name}, name, "", usage)
	}
	add("from", "the first `INDEX`")
	add("to", "the last `INDEX`; if not given, the log's last")
	add("term", "only this `TERM`")
	add("type", "only this `TYPE`: normal, conf_change or conf_change_v2")
	add("kind", "only this `KIND`, as in mutation, commit, schema, drop; more with commas")
	add("predicate", "only entries that name this `PREDICATE`, as in name or 0-name")
	add("uid", "only entries with an edge from or to this `UID`, decimal or 0x…")
	add("txn", "only entries of the transaction with this start `TS`: its edges, its commit or abort")
	add("member", "only what the node with this `ID` proposed, and what is about it")
	add("key", "only this `KEY`: of a proposal, a number; of a key-value, a text or 0x…")
	add("namespace", "only this `NAMESPACE`, decimal or 0x…")
	add("replay", "only what the application replays after a restart").NoOptDefVal = "true"
	add("since", "only from this `TIME` on, as in \"2026-03-01 15:04\", or 3h for three hours ago")
	add("until", "only before this `TIME`")
	add("grep", "only entries whose decoded text matches this `REGEXP`")
	add("limit", "at most `N` entries; 0 is all")
}

// check finds what is wrong with the flags by themselves. Which types a log has turns out
// when it is open; a name that no system has is wrong before.
func (f *filterFlags) check() error { return f.Check(detect.Types()) }

// resolve finds what the flags mean in a log, and says on stderr, once, what --since and
// --until go by.
func (f *filterFlags) resolve(log walcore.Log) error {
	if err := f.Resolve(log); err != nil {
		return err
	}
	if text := f.TimesText(log); text != "" && !f.timesNoted {
		f.timesNoted = true
		notef("%s", text)
	}
	return nil
}

// filterFlag is a pflag.Value that sets a filter.
type filterFlag struct {
	filter     *filter.Filter
	name, text string
}

// Set implements pflag.Value.
func (v *filterFlag) Set(text string) error {
	v.text = text
	return v.filter.Set(v.name, text)
}

func (v *filterFlag) String() string { return v.text }

// Type is what help calls a value that has no name there. It shows none for a bool.
func (v *filterFlag) Type() string {
	if v.name == "replay" {
		return "bool"
	}
	return "value"
}
