/*
Package filter says which entries of a log are asked for, by what stands beside a payload
and by what the payload says. A command line and a server's query have the same filters, by
the same names:

	var f filter.Filter // matches all
	for name, value := range query {
		if err := f.Set(name, value); err != nil {
			return err // a UsageError
		}
	}
	if err := f.Resolve(log); err != nil {
		return err
	}

Most entries are decided by the cheap questions, without their payload:

	for e := range log.Entries(max(f.First(), 1)) {
		if e.Index > f.Last() {
			break
		}
		match := f.Matches(&e)
		if match == filter.No {
			continue
		}
		data, err := payload.Data(&scanner, &e)
		…
		if match == filter.Unknown && !f.MatchesData(&e, data, decoder) {
			continue
		}
		…
	}

Whoever lists entries counts them, too, and stops at [Filter.Limit].

# Time

Where a system stores a time with an entry, "since" and "until" go by that. Where it stores
none, they take whole log files, by when they were written: [Filter.TimesText] says which.
*/
package filter
