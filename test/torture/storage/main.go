//go:build unix

// Command storage does what ../writer does, but with storage.DiskStorage: it appends,
// rewrites, begins new files and makes snapshots. The payloads are those of package
// raftdir.
//
// It prints "ready" once the directory is there. On SIGTERM it prints what it has
// done, and ends.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/signal"
	"syscall"

	"github.com/walfs/walfs/test/raftdir"
	"github.com/walfs/walfs/walcore/storage"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

type node struct {
	*storage.DiskStorage
	rng                *rand.Rand
	keep               int
	last, commit, term uint64
	begun              map[uint64]uint64 // where each term but the first began

	wrote, rewrites, snapshots int
}

func main() {
	dir := flag.String("dir", "", "directory, to be created")
	keep := flag.Int("files", 3, "log files that a snapshot leaves at most")
	large := flag.Bool("large", false, "every fourth entry has two megabytes")
	checksums := flag.Bool("checksums", false, "with checksums")
	history := flag.String("history", "", "write there at the end where each term began, as JSON")
	key := flag.String("key-file", "", "encrypt the payloads with the key in this file")
	flag.Parse()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, os.Interrupt)

	o := storage.Options{Create: true, Sync: storage.SyncManual, Checksums: *checksums, Logger: slog.New(slog.DiscardHandler)}
	if *key != "" {
		var err error
		o.Key, err = os.ReadFile(*key)
		check(err)
	}
	s, err := storage.Open(*dir, o)
	check(err)
	check(s.SetRaftID(1))
	check(s.SetGroupID(1))
	n := &node{DiskStorage: s, rng: rand.New(rand.NewPCG(1, 2)), keep: *keep, term: 1, begun: map[uint64]uint64{}}
	if *large {
		n.term = raftdir.LargeTerm
	}
	fmt.Println("ready")
	for len(stop) == 0 {
		n.round()
	}
	check(s.Close())
	if *history != "" {
		b, err := json.Marshal(n.begun)
		check(err)
		check(os.WriteFile(*history, b, 0o600))
	}
	fmt.Printf("%d entries, %d rewrites, %d snapshots\n", n.wrote, n.rewrites, n.snapshots)
}

// round does what a node does with one Ready of Raft.
func (n *node) round() {
	if n.last > n.commit && n.rng.IntN(50) == 0 {
		n.last = n.commit + n.rng.Uint64N(n.last-n.commit)
		n.term++
		n.begun[n.term] = n.last + 1
		n.rewrites++
	}
	var entries []*raftpb.Entry
	for range 1 + n.rng.IntN(8) {
		n.last++
		entries = append(entries, &raftpb.Entry{Term: proto.Uint64(n.term), Index: proto.Uint64(n.last),
			Type: raftpb.EntryType(raftdir.TypeOf(n.last)).Enum(), Data: raftdir.Payload(n.last, n.term)})
	}
	n.wrote += len(entries)
	n.commit = max(n.commit, n.last-min(n.last, n.rng.Uint64N(40)))
	check(n.Save(&raftpb.HardState{Term: proto.Uint64(n.term), Vote: proto.Uint64(1), Commit: proto.Uint64(n.commit)}, entries, nil))
	if n.rng.IntN(1000) == 0 {
		check(n.SetCheckpoint(n.commit))
	}
	if len(n.Files()) > n.keep {
		term, err := n.Term(n.commit)
		check(err)
		check(n.CreateSnapshot(n.commit, &raftpb.ConfState{Voters: []uint64{1}}, raftdir.Blob(n.commit, term)))
		n.snapshots++
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "storage:", err)
		os.Exit(1)
	}
}
