package filter

import (
	"fmt"
	"slices"

	"github.com/walfs/walfs/walcore/wording"
)

// Names are the filters that there are, as [Filter.Set] takes them.
var Names = []string{"from", "to", "term", "type", "kind", "predicate", "uid", "txn", "member", "key", "namespace",
	"replay", "since", "until", "grep", "limit"}

// Set sets a filter, by one of [Names], to a value as people write it: a number, a text, a
// time, true or false. It fails with a [UsageError]. What was set before is set anew, but
// for "kind": there, kinds are added. [Filter.Check] finds values that do not go together,
// and those that depend on the log.
func (f *Filter) Set(name, value string) error {
	if !slices.Contains(Names, name) {
		return UsageError(fmt.Sprintf("there is no filter %s: want %s%s", wording.Quoted(name), wording.OneOf(Names), wording.DidYouMean(name, Names)))
	}
	if err := f.set(name, value); err != nil {
		return f.wrongValue(name, value, err.Error())
	}
	return nil
}

func (f *Filter) wrongValue(name, value, want string) error {
	return UsageError(fmt.Sprintf("%s%s %s: %s", f.Prefix, name, wording.Quoted(value), want))
}

func (f *Filter) set(name, text string) (err error) {
	switch name {
	case "from":
		f.from, err = parseCount(text)
	case "to":
		var to uint64
		if to, err = parseCount(text); err == nil {
			f.to = &to
		}
	case "term":
		f.term, err = parseCount(text)
	case "type":
		f.typ, f.entryType = text, nil
	case "kind":
		err = f.kinds.add(text)
	case "predicate":
		err = f.predicate.set(text, parseText)
	case "uid":
		err = f.uid.set(text, parseID)
	case "txn":
		err = f.txn.set(text, parseID)
	case "member":
		err = f.member.set(text, parseMember)
	case "key":
		err = f.key.set(text, parseKey)
	case "namespace":
		err = f.namespace.set(text, parseNumber)
	case "replay":
		f.replay, err = parseBool(text)
	case "since":
		err = f.since.set(text, parseTimeNow)
	case "until":
		err = f.until.set(text, parseTimeNow)
	case "grep":
		f.grep, f.pattern = text, nil
	case "limit":
		f.limit, err = parseLimit(text)
	}
	return err
}
