package sums_test

import (
	"context"
	"fmt"

	"github.com/walfs/walfs/test/memlog"
	"github.com/walfs/walfs/walcore/filter"
	"github.com/walfs/walfs/walcore/payload"
	"github.com/walfs/walfs/walcore/stats"
	"github.com/walfs/walfs/walcore/sums"
)

func ExampleAdd() {
	log := memlog.Sample("w")
	var f filter.Filter
	if err := f.Set("to", "10"); err != nil {
		fmt.Println(err)
	}
	if err := f.Resolve(log); err != nil {
		fmt.Println(err)
	}
	s, err := sums.Add(context.Background(), log, sums.Options{
		By:      []stats.By{stats.Kind, stats.Term},
		Filter:  f,
		Decoder: payload.Of(log, payload.Options{}),
		Failed:  func(err error) { fmt.Println(err) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, row := range s.Report(10).By[stats.Term] {
		fmt.Println("term", row.Name, row.Entries, "entries", row.Bytes, "bytes")
	}
	// Output:
	// entry 10: damaged
	// term 1 2 entries 9 bytes
	// term 2 1 entries 8 bytes
}
