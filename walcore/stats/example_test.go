package stats_test

import (
	"fmt"

	"github.com/walfs/walfs/test/memlog"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
	"github.com/walfs/walfs/walcore/stats"
)

func ExampleTable() {
	log := memlog.Sample("/var/lib/memory")
	decoder := payload.NewDgraph(payload.AppOf(log), payload.Options{})
	byKind := stats.NewTable(stats.Kind, log.Meta().Snapshot.Index)
	var payloads walcore.Scanner
	var facts payload.Facts
	for e := range log.Entries(1) {
		data, err := payload.Data(&payloads, &e)
		if err != nil {
			byKind.Add(&e, nil) // it counts all the same
			continue
		}
		decoder.Facts(&facts, payload.EntryOf(&e, data))
		byKind.Add(&e, &facts)
	}
	fmt.Println("all", byKind.Total.Entries, byKind.Total.Bytes)
	for _, row := range byKind.Rows() {
		fmt.Println(row.Name, row.Entries, row.Bytes)
	}
	// Output:
	// all 5 26
	// text 3 24
	// conf_change 1 2
	// empty 1 0
}
