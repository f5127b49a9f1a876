// Package storage runs the same Raft log work on walfs and on other logs that
// Raft implementations in Go use, each through the calls that its own users
// make. The benchmarks are in bench_test.go; ../storage.sh runs them and
// prints the tables in cmd/walfs/docs/benchmarks.md.
//
// The work is the same for all: one goroutine appends entries of one term, with
// consecutive indexes, in batches at the log's end. It makes one call for each batch,
// as a Raft node does for the entries of a Ready or an AppendEntries. How stores differ
// is said beside each.
package storage

import (
	"encoding/binary"
	"fmt"

	"go.etcd.io/raft/v3/raftpb"
)

// term is every entry's.
const term = 7

// log is an open log, empty or with entries from index 1 on.
type log interface {
	// batch makes n entries of size bytes in the store's own type, in which its
	// users get them from Raft. The function that it returns appends them from
	// index first on, and returns when they are as safe as the store's variant
	// says. It may be called again with the next index.
	batch(n, size int) (func(first uint64) error, error)
	// read gives the entries from lo to hi-1, in order. data
	// may not be used after visit has returned.
	read(lo, hi uint64, visit func(index uint64, data []byte)) error
	// term fails with errNotOffered where the store keeps no terms itself.
	term(index uint64) (uint64, error)
	close() error
}

// A store is one way to keep a log.
type store struct {
	name string
	// durable: an append that has returned survives power loss. The others
	// survive the end of the process and nothing else.
	durable bool
	// open makes a log in dir, an empty directory, or opens the one there.
	open func(dir string) (log, error)
	// readOnce: the log is read once, as a part of opening it.
	readOnce bool
}

var stores = []store{
	{name: "walfs", durable: true, open: openWalfsAlways},
	{name: "walfs-sums", durable: true, open: openWalfsSums},
	{name: "walfs-manual", open: openWalfsManual},
	{name: "dgraph", durable: true, open: openDgraphSync},
	{name: "dgraph-nosync", open: openDgraphNoSync},
	{name: "etcd", durable: true, open: openEtcdSync, readOnce: true},
	{name: "etcd-nosync", open: openEtcdNoSync, readOnce: true},
	{name: "raft-wal", durable: true, open: openRaftWAL},
	{name: "tidwall", durable: true, open: openTidwallSync},
	{name: "tidwall-nosync", open: openTidwallNoSync},
	{name: "bolt", durable: true, open: openBoltSync},
	{name: "bolt-nosync", open: openBoltNoSync},
}

// errNotOffered marks what a store cannot do.
var errNotOffered = fmt.Errorf("not offered by this store")

// payload fills data for an entry: the index, then bytes that are not zero, for zeros
// could also come from a hole in a file.
func payload(data []byte, index uint64) {
	for i := range data {
		data[i] = byte(i*7) | 1
	}
	stamp(data, index)
}

// stamp writes a new index into a payload.
func stamp(data []byte, index uint64) { binary.BigEndian.PutUint64(data, index) }

// raftEntries makes the entries of a batch for the stores that take Raft's own
// type, and a function that numbers them.
func raftEntries(n, size int) (entries []*raftpb.Entry, number func(first uint64)) {
	indexes := make([]uint64, n)
	t := uint64(term)
	for i := range n {
		data := make([]byte, size)
		payload(data, 0)
		entries = append(entries, &raftpb.Entry{Term: &t, Index: &indexes[i], Data: data})
	}
	return entries, func(first uint64) {
		for i, e := range entries {
			indexes[i] = first + uint64(i)
			stamp(e.Data, indexes[i])
		}
	}
}

// hardState is the hard state of a Ready, with a new commit index.
func hardState(commit uint64) *raftpb.HardState {
	hs := &struct {
		raftpb.HardState
		term, vote, commit uint64
	}{term: term, vote: 1, commit: commit}
	hs.HardState.Term, hs.HardState.Vote, hs.HardState.Commit = &hs.term, &hs.vote, &hs.commit
	return &hs.HardState
}
