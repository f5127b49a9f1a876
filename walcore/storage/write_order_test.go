//go:build linux

package storage

import (
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore/crashfs"
	"github.com/walfs/walfs/walcore/vfs"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// ops notes the operations of a storage and fails those it is told to.
type ops struct {
	mu   sync.Mutex
	list []string
	fail func(n int, op string) error // n counts from 0
}

func (o *ops) wrap(t testing.TB) func(vfs.Dir) vfs.Dir {
	return func(d vfs.Dir) vfs.Dir {
		disk, err := crashfs.Wrap(d, 4096)
		fixture.Must(t, err)
		disk.OnOp(func(op string) error {
			o.mu.Lock()
			defer o.mu.Unlock()
			if o.list = append(o.list, op); o.fail != nil {
				return o.fail(len(o.list)-1, op)
			}
			return nil
		})
		return disk
	}
}

// take gives the operations since the last take.
func (o *ops) take() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	list := o.list
	o.list = nil
	// Log files, and a new one and the directory, are flushed at the same time:
	// those come in any order.
	together := func(op string) bool { return strings.HasSuffix(op, ".wal") || op == "sync dir" }
	for i := 0; i < len(list); i++ {
		n := i
		for n < len(list) && strings.HasPrefix(list[n], "sync ") && together(list[n]) {
			n++
		}
		slices.Sort(list[i:n])
		i = max(i, n)
	}
	list = slices.DeleteFunc(list, func(op string) bool { return strings.HasPrefix(op, "allocate") })
	return strings.NewReplacer("00001.wal", "1", "00002.wal", "2", "00003.wal", "3", "00004.wal", "4", "00005.wal", "5", "wal.meta", "m").Replace(strings.Join(list, ", "))
}

// orderStep is a call, and the operations that it makes, with log files by their
// numbers and m for wal.meta.
type orderStep struct {
	name string
	do   func(s *DiskStorage) error
	want string
}

func snapshotAt(index uint64) *raftpb.Snapshot {
	return &raftpb.Snapshot{Data: []byte("x"), Metadata: &raftpb.SnapshotMetadata{Index: &index, Term: proto.Uint64(9), ConfState: oneVoter}}
}

var commonOrder = []orderStep{
	{"a commit index alone", func(s *DiskStorage) error { return s.Save(hard(1, 1, 3), nil, nil) }, "write m"},
	{"an id", func(s *DiskStorage) error { return s.SetRaftID(7) }, "write m, sync m"},
	{"a checkpoint", func(s *DiskStorage) error { return s.SetCheckpoint(7) }, "write m, sync m"},
	{"the same again", func(s *DiskStorage) error { return s.Save(hard(1, 1, 3), nil, nil) }, ""},
	{"nothing", func(s *DiskStorage) error { return s.Save(nil, nil, nil) }, ""},
}

var plainOrder = slices.Concat([]orderStep{
	{"append", func(s *DiskStorage) error { return s.Save(hard(1, 1, 2), someEntries(1, 1, 4), nil) },
		"write m, sync m, zero 1, write 1, sync 1, write 1, sync 1, write m"},
}, commonOrder, []orderStep{
	{"append over two files", func(s *DiskStorage) error { return s.Save(nil, someEntries(1, 5, 15), nil) },
		"write 1, truncate 1, create 2, truncate 2, zero 2, sync 2, sync dir, zero 2, write 2, sync 1, sync 2, write 1, sync 1, write 2, sync 2"},
	{"append to a third", func(s *DiskStorage) error { return s.Save(nil, someEntries(1, 20, 5), nil) },
		"write 2, truncate 2, create 3, truncate 3, zero 3, sync 3, sync dir, zero 3, write 3, sync 2, sync 3, write 2, sync 2, write 3, sync 3"},
	{"overwrite", func(s *DiskStorage) error { return s.Save(nil, someEntries(2, 22, 1), nil) },
		"zero 3, sync 3, zero 3, write 3, sync 3, write 3, sync 3"},
	{"overwrite from the first file", func(s *DiskStorage) error { return s.Save(nil, someEntries(3, 6, 1), nil) },
		"remove 3, sync dir, remove 2, sync dir, zero 1, sync 1, zero 1, write 1, sync 1, write 1, sync 1"},
	{"fill two files", func(s *DiskStorage) error { return s.Save(nil, someEntries(3, 7, 9), nil) },
		"write 1, truncate 1, create 4, truncate 4, zero 4, sync 4, sync dir, zero 4, write 4, " +
			"sync 1, sync 4, write 1, sync 1, write 4, sync 4"},
	{"snapshot", func(s *DiskStorage) error { return s.CreateSnapshot(12, oneVoter, []byte("x")) },
		"remove m.new, create m.new, truncate m.new, write m.new, write m.new, write m.new, sync m.new, rename m.new, sync dir, remove 1, sync dir"},
	{"install", func(s *DiskStorage) error { return s.Save(nil, nil, snapshotAt(14)) },
		"remove m.new, create m.new, truncate m.new, write m.new, write m.new, write m.new, sync m.new, rename m.new, sync dir, remove 4, sync dir"},
	{"a vote", func(s *DiskStorage) error { return s.Save(hard(10, 2, 14), nil, nil) }, "write m, sync m"},
	{"a new term, and entries of an old one", func(s *DiskStorage) error { return s.Save(hard(11, 1, 14), someEntries(10, 15, 2), nil) },
		"create 5, truncate 5, zero 5, sync 5, sync dir, zero 5, write 5, sync 5, write 5, sync 5, write m, sync m"},
})

// With checksums slots and payloads need no flush between them.
var checksumOrder = slices.Concat([]orderStep{
	{"append", func(s *DiskStorage) error { return s.Save(hard(1, 1, 2), someEntries(1, 1, 4), nil) },
		"write m, sync m, zero 1, write 1, write 1, sync 1, write m"},
}, commonOrder, []orderStep{
	{"append over two files", func(s *DiskStorage) error { return s.Save(nil, someEntries(1, 5, 15), nil) },
		"write 1, truncate 1, create 2, truncate 2, zero 2, sync 2, sync dir, zero 2, write 2, write 1, sync 1, write 2, sync 2"},
	{"overwrite", func(s *DiskStorage) error { return s.Save(nil, someEntries(2, 18, 1), nil) },
		"zero 2, sync 2, zero 2, write 2, write 2, sync 2"},
	{"empty", func(s *DiskStorage) error { return s.TruncateEntriesUntil(3) }, "write m, sync m, write 1, sync 1, zero 1, zero 1, sync 1, zero m, sync m"},
})

// Compaction over several files, and a snapshot whose entries and hard state
// come after it.
var manyFilesOrder = []orderStep{
	{"append over four files", func(s *DiskStorage) error { return s.Save(hard(1, 1, 33), someEntries(1, 1, 35), nil) },
		"write m, sync m, zero 1, write 1, truncate 1, create 2, truncate 2, zero 2, sync 2, sync dir, zero 2, write 2, truncate 2, create 3, truncate 3, zero 3, sync 3, sync dir, " +
			"zero 3, write 3, truncate 3, create 4, truncate 4, zero 4, sync 4, sync dir, zero 4, write 4, sync 1, sync 2, sync 3, sync 4, " +
			"write 1, sync 1, write 2, sync 2, write 3, sync 3, write 4, sync 4, write m"},
	{"snapshot", func(s *DiskStorage) error { return s.CreateSnapshot(33, oneVoter, []byte("x")) },
		"remove m.new, create m.new, truncate m.new, write m.new, write m.new, sync m.new, rename m.new, sync dir, " +
			"remove 1, remove 2, remove 3, sync dir"},
	{"install, entries and hard state", func(s *DiskStorage) error { return s.Save(hard(9, 2, 41), someEntries(9, 41, 2), snapshotAt(40)) },
		"remove m.new, create m.new, truncate m.new, write m.new, write m.new, write m.new, sync m.new, rename m.new, sync dir, remove 4, sync dir, " +
			"create 5, truncate 5, zero 5, sync 5, sync dir, zero 5, write 5, sync 5, write 5, sync 5, write m"},
	{"entries of a new term that replace others", func(s *DiskStorage) error { return s.Save(hard(10, 2, 41), someEntries(10, 42, 1), nil) },
		"write m, sync m, zero 5, sync 5, zero 5, write 5, sync 5, write 5, sync 5"},
}

// Without flushes only rotations and snapshots flush.
var manualOrder = []orderStep{
	{"append", func(s *DiskStorage) error { return s.Save(hard(1, 1, 2), someEntries(1, 1, 4), nil) },
		"write m, sync m, write 1, write 1, write m"},
	{"sync", func(s *DiskStorage) error { return s.Sync() }, "sync 1, sync m"},
	{"append over two files", func(s *DiskStorage) error { return s.Save(nil, someEntries(1, 5, 15), nil) },
		"write 1, truncate 1, create 2, truncate 2, sync 2, sync dir, write 2, write 1, sync 1, write 2"},
	{"snapshot", func(s *DiskStorage) error { return s.CreateSnapshot(12, oneVoter, []byte("x")) },
		"sync 2, remove m.new, create m.new, truncate m.new, write m.new, write m.new, write m.new, sync m.new, rename m.new, sync dir, remove 1, sync dir"},
	{"fill the file", func(s *DiskStorage) error { return s.Save(nil, someEntries(1, 20, 1), nil) }, "write 2, write 2"},
	{"rotate", func(s *DiskStorage) error { return s.Save(nil, someEntries(1, 21, 1), nil) },
		"truncate 2, sync 2, create 3, truncate 3, sync 3, sync dir, write 3, write 3"},
	{"a hard state", func(s *DiskStorage) error { return s.SetState(State{Term: 1, Vote: 1, Commit: 21}) }, "sync 3, write m"},
	{"more", func(s *DiskStorage) error { return s.Save(nil, someEntries(1, 22, 1), nil) }, "write 3, write 3"},
	{"entries of a new term", func(s *DiskStorage) error { return s.Save(hard(2, 1, 22), someEntries(2, 23, 1), nil) },
		"sync 3, write m, sync m, write 3, write 3, write m"},
	{"all of the state", func(s *DiskStorage) error { return s.SetState(State{RaftID: 1, Term: 2, Vote: 1, Commit: 21}) },
		"sync 3, remove m.new, create m.new, truncate m.new, write m.new, sync m.new, rename m.new, sync dir"},
}

// What is written and flushed, and in which order: payloads before slots,
// a new term before its entries, entries before the commit index, a snapshot before what it replaces is
// unlinked, later files before the slots that are zeroed.
func TestOrderOfWrites(t *testing.T) {
	for name, v := range map[string]struct {
		opts  Options
		steps []orderStep
	}{
		"plain": {Options{}, plainOrder}, "checksums": {Options{Checksums: true}, checksumOrder}, "manual": {Options{Sync: SyncManual}, manualOrder},
		"files": {Options{}, manyFilesOrder},
	} {
		o := &ops{}
		v.opts.wrap, v.opts.Logger, v.opts.limits = o.wrap(t), quiet, smallFiles
		s := create(t, filepath.Join(memDir(t), "w"), v.opts)
		o.take()
		for _, step := range v.steps {
			fixture.Must(t, step.do(s))
			if got := o.take(); got != step.want {
				t.Fatalf("%s, %s:\n got %s\nwant %s", name, step.name, got, step.want)
			}
		}
	}
}
