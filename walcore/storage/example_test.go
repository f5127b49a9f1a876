package storage_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/walfs/walfs/walcore/storage"
	"go.etcd.io/raft/v3/raftpb"
)

// A storage is made, and saves what a raft.Ready asks for.
func Example() {
	tmp, err := os.MkdirTemp("", "example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(tmp)

	s, err := storage.Open(filepath.Join(tmp, "w"), storage.Options{Create: true})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	term, vote, first, second := uint64(1), uint64(1), uint64(1), uint64(2)
	// As a raft.Ready asks for: rd.HardState, rd.Entries, rd.Snapshot.
	err = s.Save(
		&raftpb.HardState{Term: &term, Vote: &vote, Commit: &first},
		[]*raftpb.Entry{{Term: &term, Index: &first, Data: []byte("one")}, {Term: &term, Index: &second, Data: []byte("two")}},
		nil)
	if err != nil {
		log.Fatal(err)
	}
	last, err := s.LastIndex()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(last, s.NumEntries())
	// Output: 2 2
}
