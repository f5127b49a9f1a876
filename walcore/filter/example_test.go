package filter_test

import (
	"fmt"

	"github.com/walfs/walfs/test/memlog"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/filter"
	"github.com/walfs/walfs/walcore/payload"
)

// The entries of a term that say something, as text.
func Example() {
	log := memlog.Sample("w")
	var f filter.Filter
	for _, set := range [][2]string{{"term", "2"}, {"kind", "text,conf_change"}, {"grep", "term.*s"}} {
		if err := f.Set(set[0], set[1]); err != nil {
			fmt.Println(err)
		}
	}
	if err := f.Resolve(log); err != nil {
		fmt.Println(err)
	}
	decoder := payload.Of(log, payload.Options{})
	var payloads walcore.Scanner
	for e := range log.Entries(max(f.First(), 1)) {
		match := f.Matches(&e)
		if match == filter.No {
			continue
		}
		data, err := payload.Data(&payloads, &e)
		if err != nil {
			fmt.Println(err)
			continue
		}
		if match == filter.Yes || f.MatchesData(&e, data, decoder) {
			fmt.Printf("%d: %s\n", e.Index, data)
		}
	}
	fmt.Println(f.Set("uid", "0"))
	// Output:
	// 9: term 2's
	// uid 0: want a number above 0
}
