package walcore_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/walfs/walfs/test/memlog"
	"github.com/walfs/walfs/walcore"
)

// A loop over Entries skips entries that are damaged; Gap reports them.
func ExampleLog() {
	var l walcore.Log = memlog.Sample("/var/lib/memory")
	var payloads walcore.Scanner // many payloads with one system call
	next := uint64(7)
	for e := range l.Entries(next) {
		if err := l.Gap(next, e.Index-1); err != nil {
			fmt.Println(err)
		}
		next = e.Index + 1
		data, err := payloads.Data(&e)
		if err != nil {
			log.Fatal(err)
		}
		name, _ := l.Meta().System.TypeName(e.Type)
		fmt.Printf("%d %s %q\n", e.Index, name.Name, data)
	}
	_, err := l.Entry(10)
	fmt.Println(errors.Is(err, walcore.ErrDamaged))
	// Output:
	// 7 normal "the first"
	// 8 log_barrier ""
	// 9 normal "term 2's"
	// entry 10: damaged
	// 11 conf_change "\x18\x02"
	// 12 normal "no time"
	// true
}

// Some logs have more to offer: ask for it.
func ExampleReplacer() {
	var l walcore.Log = memlog.Sample("/var/lib/memory")
	if r, ok := l.(walcore.Replacer); ok {
		for e := range r.Replaced(0) {
			data, err := e.Data()
			fmt.Printf("%d of term %d: %q, %v\n", e.Index, e.Term, data, err)
		}
	}
	// Output: 9 of term 1: "lost to term 2", <nil>
}

// Following a directory that a running node writes. Only the last log is to be
// closed.
func ExampleWatch() {
	follow := func(ctx context.Context, l walcore.Log) error {
		defer func() { l.Close() }()
		for now, err := range walcore.Watch(ctx, l) {
			if err != nil {
				return err // l can still be read; one may also go on and wait for the next
			}
			if now == l {
				continue
			}
			first, last := now.Unchanged(l)
			fmt.Printf("entries but %d to %d may be others now\n", first, last)
			l = now
		}
		return ctx.Err()
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	fmt.Println(follow(ctx, memlog.Sample("/var/lib/memory")))
	// Output: context canceled
}
