//go:build unix

package fsview_test

import (
	"context"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path"
	"path/filepath"

	"github.com/walfs/walfs/fsview"
	"github.com/walfs/walfs/test/raftdir"
	"github.com/walfs/walfs/walcore/dgraph"
)

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
