package fsview_test

import (
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"slices"

	"github.com/walfs/walfs/fsview"
	"github.com/walfs/walfs/test/memlog"
	"github.com/walfs/walfs/test/nativelog"
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
