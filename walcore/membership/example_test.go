package membership_test

import (
	"fmt"
	"log"

	"github.com/walfs/walfs/test/nativelog"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/membership"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

func ExampleReplay() {
	add := func(index, id uint64) nativelog.Entry {
		data, err := proto.Marshal(&raftpb.ConfChange{NodeId: &id})
		if err != nil {
			log.Fatal(err)
		}
		return nativelog.Entry{Term: 1, Index: index, Type: uint32(raftpb.EntryConfChange), Data: data}
	}
	// The third change is not committed as far as this node knows.
	dir := nativelog.Temp(nativelog.Meta{Term: 1, Commit: 2}, add(1, 1), add(2, 2), add(3, 3))

	defer nativelog.Remove(dir)

	r, err := dgraph.OpenReader(dir, dgraph.ReaderOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	members, err := membership.Replay(r)
	fmt.Println(members, err)
	// Output: [1 voter 2 voter] <nil>
}

func ExampleHasVoters() {
	// A change that adds a node, and that nobody has committed.
	id := uint64(1)
	data, err := proto.Marshal(&raftpb.ConfChange{NodeId: &id})
	if err != nil {
		log.Fatal(err)
	}
	dir := nativelog.Temp(nativelog.Meta{Term: 1}, nativelog.Entry{Term: 1, Index: 1, Type: uint32(raftpb.EntryConfChange), Data: data})
	defer nativelog.Remove(dir)

	r, err := dgraph.OpenReader(dir, dgraph.ReaderOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	fmt.Println(membership.HasVoters(r))
	// Output: false <nil>
}
