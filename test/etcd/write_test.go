//go:build linux

package etcd

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// writeMain writes a log for test/bench/etcd.sh: n puts of 300 bytes, with etcd's own code.
func writeMain(dir, n string) int {
	count, err := strconv.ParseUint(n, 10, 64)
	if err == nil {
		err = write(dir, count)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func write(dir string, n uint64) error {
	if err := os.MkdirAll(filepath.Join(dir, "member", "snap"), 0o700); err != nil {
		return err
	}
	metadata, err := proto.Marshal(&etcdserverpb.Metadata{NodeID: proto.Uint64(1), ClusterID: proto.Uint64(2)})
	if err != nil {
		return err
	}
	w, err := wal.Create(nil, filepath.Join(dir, "member", "wal"), metadata)
	if err != nil {
		return err
	}
	defer w.Close()
	w.SetUnsafeNoFsync()
	value := []byte(randomBytes(300))
	var batch []*raftpb.Entry
	for index := uint64(1); index <= n; index++ {
		put := &etcdserverpb.PutRequest{Key: fmt.Appendf(nil, "/registry/pods/default/pod-%08d", index)}
		request := &etcdserverpb.InternalRaftRequest{ID: index + 1<<60, Put: put}
		put.Value = value
		put.Value = value[:len(value)-(proto.Size(request)-300)]
		data, err := proto.Marshal(request)
		if err != nil {
			return err
		}
		batch = append(batch, &raftpb.Entry{Index: &index, Term: proto.Uint64(2), Type: raftpb.EntryNormal.Enum(), Data: data})
		if len(batch) == 100 || index == n {
			state := &raftpb.HardState{Term: proto.Uint64(2), Vote: proto.Uint64(1), Commit: proto.Uint64(index)}
			if err := w.Save(state, batch); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	return nil
}
