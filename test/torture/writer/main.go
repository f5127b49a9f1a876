//go:build unix

// Command writer keeps a Raft directory busy the way Dgraph does: appends with
// commits behind them, now and then a new leader that rewrites what was not
// committed, full files, snapshots that remove old ones (see package raftdir).
//
// It prints "ready" once the directory is there. On SIGTERM, or after -seconds, it
// prints how many entries it has written, and ends. With -history it writes to a file
// where each term began, as JSON.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/walfs/walfs/test/raftdir"
)

// churn is what a writer does beside appending.
type churn struct {
	*raftdir.Writer
	rng        *rand.Rand
	appendOnly bool
	keep       int
	rewrites   int
	snapshots  int
}

func main() {
	dir := flag.String("dir", "", "directory, to be created")
	seconds := flag.Float64("seconds", 0, "how long; 0: until SIGTERM")
	rate := flag.Int("rate", 0, "entries a second; 0: as fast as it goes")
	appendOnly := flag.Bool("append-only", false, "no rewrites, no snapshots")
	keep := flag.Int("files", 3, "log files that a snapshot leaves at most")
	slots := flag.Int("slots", 0, "entries a file takes; 0: 30,000")
	large := flag.Bool("large", false, "every fourth entry has two megabytes")
	keepKeyID := flag.Bool("keep-key-id", false, "a rewrite does not erase key ids")
	history := flag.String("history", "", "write there at the end where each term began")
	key := flag.String("key-file", "", "encrypt the payloads with the key in this file")
	flag.Parse()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, os.Interrupt)

	o := raftdir.Options{Slots: *slots, NewDataKey: 3, Large: *large, KeepKeyID: *keepKeyID}
	if *key != "" {
		var err error
		if o.Key, err = os.ReadFile(*key); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	c := &churn{Writer: raftdir.Create(*dir, o), rng: rand.New(rand.NewPCG(1, 2)), appendOnly: *appendOnly, keep: *keep}
	fmt.Println("ready")
	start := time.Now()
	for len(stop) == 0 && (*seconds == 0 || time.Since(start).Seconds() < *seconds) {
		c.round()
		if *rate > 0 {
			ahead := time.Duration(float64(c.Wrote)/float64(*rate)*1e9) - time.Since(start)
			time.Sleep(min(max(ahead, 0), 100*time.Millisecond))
		}
	}
	writeHistory(*history, c.Begun)
	fmt.Printf("%d entries, %d rewrites, %d snapshots, %d files grown, %d full by size\n",
		c.Wrote, c.rewrites, c.snapshots, c.Grown, c.Full)
}

func writeHistory(name string, begun map[uint64]uint64) {
	if name == "" {
		return
	}
	b, err := json.Marshal(begun)
	if err == nil {
		err = os.WriteFile(name, b, 0o600)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// round does what a node does with one Ready of Raft.
func (c *churn) round() {
	if !c.appendOnly && c.Last > c.Commit && c.rng.IntN(50) == 0 {
		c.Rewind(c.Commit + uint64(c.rng.Int64N(int64(c.Last-c.Commit))))
		c.rewrites++
	}
	c.Append(1 + c.rng.IntN(8))
	c.CommitTo(max(c.Commit, c.Last-min(c.Last, uint64(c.rng.IntN(40)))))
	if c.rng.IntN(1000) == 0 {
		c.Checkpoint(c.Commit)
	}
	if !c.appendOnly && len(c.Files()) > c.keep {
		c.Snapshot(c.Commit)
		c.snapshots++
	}
}
