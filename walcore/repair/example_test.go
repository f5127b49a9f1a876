//go:build linux

package repair_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/repair"
	"github.com/walfs/walfs/walcore/storage"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// A log of three entries, of which the last one is damaged.
func Example() {
	tmp, err := os.MkdirTemp("", "repair")
	check(err)
	defer os.RemoveAll(tmp)
	dir, out := filepath.Join(tmp, "w"), filepath.Join(tmp, "repaired")
	s, err := storage.Open(dir, storage.Options{Create: true})
	check(err)
	var entries []*raftpb.Entry
	for i := range uint64(3) {
		entries = append(entries, &raftpb.Entry{Term: proto.Uint64(1), Index: proto.Uint64(i + 1), Data: []byte("hello")})
	}
	check(s.Save(&raftpb.HardState{Term: proto.Uint64(1), Vote: proto.Uint64(1), Commit: proto.Uint64(3)}, entries, nil))
	check(s.Close())
	f, err := os.OpenFile(filepath.Join(dir, "00001.wal"), os.O_WRONLY, 0)
	check(err)
	_, err = f.WriteAt([]byte{0xff}, 2*32+16) // the last entry's offset
	check(err)
	check(f.Close())

	r, err := dgraph.OpenReader(dir, dgraph.ReaderOptions{})
	check(err)
	defer r.Close()
	plan, err := repair.New(context.Background(), r, repair.Options{})
	check(err)
	fmt.Println("kept:", plan.First, "to", plan.Last)
	fmt.Println("something committed is lost:", plan.Lost)
	check(plan.Write(context.Background(), out))
	s, err = storage.Open(out, storage.Options{})
	check(err)
	fmt.Println("commit index:", s.State().Commit)
	check(s.Close())
	// Output:
	// kept: 1 to 2
	// something committed is lost: true
	// commit index: 2
}
