package meta_test

import (
	"bytes"
	"fmt"
	"log"

	"github.com/walfs/walfs/meta"
	"go.etcd.io/raft/v3/raftpb"
)

func ExampleRead() {
	file := make([]byte, meta.NewSize)
	ids := meta.EncodeIDs(7, 1, 975)
	copy(file[ids.At:], ids.Bytes)
	hard := meta.EncodeHardState(2, 7, 980)
	copy(file[hard.At:], hard.Bytes)

	m, err := meta.Read(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(*m.RaftID, *m.GroupID, *m.CheckpointIndex, m.HardState.GetCommit(), *m.SnapshotIndex, len(m.Faults))

	// A file that is cut short: what is left of it is read.
	m, err = meta.Read(bytes.NewReader(file), 600)
	fmt.Println(*m.RaftID, m.SnapshotIndex == nil, err)
	for _, f := range m.Faults {
		fmt.Println(f.Offset, f.Message)
	}
	// Output:
	// 7 1 975 980 0 0
	// 7 true <nil>
	// 1024 the file ends at 600, before its snapshot index
	// 1032 the file ends at 600, before its snapshot term
	// 1040 the file ends at 600, before its snapshot
}

// EncodeSnapshot also gives the size that the file must have.
func ExampleEncodeSnapshot() {
	index, term := uint64(1000), uint64(6)
	patch, size, err := meta.EncodeSnapshot(&raftpb.Snapshot{
		Data:     []byte("the application's"),
		Metadata: &raftpb.SnapshotMetadata{Index: &index, Term: &term},
	})
	if err != nil {
		log.Fatal(err)
	}
	file := make([]byte, size)
	copy(file[patch.At:], patch.Bytes)

	m, err := meta.Read(bytes.NewReader(file), size)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(*m.SnapshotIndex, *m.SnapshotTerm, m.Snapshot.DataSize)
	// Output: 1000 6 17
}
