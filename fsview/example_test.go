package fsview_test

import (
	"context"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/walfs/walfs/fsview"
	"github.com/walfs/walfs/test/memlog"
	"github.com/walfs/walfs/test/nativelog"
	"github.com/walfs/walfs/test/raftdir"
	"github.com/walfs/walfs/walcore/dgraph"
)

// The tree of a directory that Dgraph wrote, read like any file system.
func ExampleNew() {
	tmp, err := os.MkdirTemp("", "example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(tmp)
	dir := filepath.Join(tmp, "w")
	err = nativelog.Write(dir, nativelog.Meta{RaftID: 1, Commit: 2}, slices.Values([]nativelog.Entry{
		{Term: 1, Index: 1, Data: []byte("first")},
		{Term: 1, Index: 2, Data: []byte("second")},
	}))
	if err != nil {
		log.Fatal(err)
	}

	r, err := dgraph.OpenReader(dir, dgraph.ReaderOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	tree := fsview.New(r, nil)
	for _, name := range []string{"entries/2", "decoded/2.json", "meta/hard_state/commit"} {
		data, err := fs.ReadFile(tree, name)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s:\n%s\n", name, data)
	}
	// Output:
	// entries/2:
	// second
	// decoded/2.json:
	// {
	//   "term": 1,
	//   "index": 2,
	//   "type": "EntryNormal",
	//   "size": 6,
	//   "text": "second"
	// }
	//
	// meta/hard_state/commit:
	// 2
}

// A tree shows any log; this one has a type of entries that Raft does not have.
func ExampleTree() {
	tree := fsview.New(memlog.Sample("/var/lib/memory"), nil)
	names, err := fs.Glob(tree, "types/*/*")
	if err != nil {
		log.Fatal(err)
	}
	for _, name := range names {
		info, err := fs.Stat(tree, name)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(name, info.Size())
	}
	// Output:
	// types/conf_change/00000000000000000011 2
	// types/log_barrier/00000000000000000008 0
	// types/normal/00000000000000000007 9
	// types/normal/00000000000000000009 8
	// types/normal/00000000000000000012 7
}

// A directory is followed while its node writes: a new leader replaces entry 3.
func ExampleLive_Follow() {
	tmp, err := os.MkdirTemp("", "example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(tmp)
	node := raftdir.Create(filepath.Join(tmp, "w"), raftdir.Options{})
	defer node.Close()
	node.Append(3)

	r, err := dgraph.OpenReader(node.Dir(), dgraph.ReaderOptions{})
	if err != nil {
		log.Fatal(err)
	}
	live := fsview.NewLive(fsview.New(r, nil))
	node.Rewind(2)
	node.Append(2)

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	live.Follow(ctx, func(before, after *fsview.Tree, second bool) {
		last, err := fs.ReadFile(after, "meta/last_index")
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("last index %s", last)
		for change := range fsview.Changes(before, after) {
			if _, folder := before.Parent(change.Folder); folder == "entries" {
				fmt.Println("look again at", path.Join(folder, change.Name))
			}
		}
		cancel()
	})
	live.Close()
	// Output:
	// last index 4
	// look again at entries
	// look again at entries/00000000000000000003
}
