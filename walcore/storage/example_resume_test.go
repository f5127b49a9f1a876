package storage_test

import (
	"fmt"
	"io"
	"log"
	"os"

	"github.com/walfs/walfs/walcore/storage"
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// runOnce is a program that proposes a text and ends. Its state machine, the
// terminal, keeps what it was told: SetCheckpoint says up to where.
func runOnce(dir, text string) {
	s, err := storage.Open(dir, storage.Options{Create: true})
	check(err)
	defer s.Close()
	isNew := s.IsNew()
	config := &raft.Config{ID: 1, ElectionTick: 10, HeartbeatTick: 1, MaxSizePerMsg: 1 << 20, MaxInflightMsgs: 256,
		Logger: &raft.DefaultLogger{Logger: log.New(io.Discard, "", 0)}}
	check(s.Resume(config, s.Checkpoint()))
	rn, err := raft.NewRawNode(config)
	check(err)
	if isNew {
		check(rn.Bootstrap([]raft.Peer{{ID: 1}}))
	}
	fmt.Println("voters", rn.Status().Config.Voters)
	ready(s, rn)
	check(rn.Campaign())
	ready(s, rn)
	check(rn.Propose([]byte(text)))
	ready(s, rn)
}

// ready does what Raft asks for, until there is nothing left to do.
func ready(s *storage.DiskStorage, rn *raft.RawNode) {
	for rn.HasReady() {
		rd := rn.Ready()
		check(s.Save(rd.HardState, rd.Entries, rd.Snapshot))
		for _, e := range rd.CommittedEntries {
			if e.GetType() == raftpb.EntryConfChange {
				var cc raftpb.ConfChange
				check(proto.Unmarshal(e.GetData(), &cc))
				rn.ApplyConfChange(&cc)
			} else if len(e.GetData()) > 0 {
				fmt.Printf("applied %q\n", e.GetData())
			}
			check(s.SetCheckpoint(e.GetIndex()))
		}
		rn.Advance(rd)
	}
}

// A state machine that is on disk is not told again what it holds. Raft knows
// its members all the same: Resume tells it who they were at the checkpoint.
func ExampleDiskStorage_Resume() {
	dir, err := os.MkdirTemp("", "example-")
	check(err)
	defer os.RemoveAll(dir)
	runOnce(dir, "first")
	runOnce(dir, "second")
	// Output:
	// voters (1)
	// applied "first"
	// voters (1)
	// applied "second"
}
