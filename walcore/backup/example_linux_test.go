package backup_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/walfs/walfs/walcore/backup"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/storage"
)

func ExampleToFolder() {
	temp, err := os.MkdirTemp("", "example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(temp)
	dir := filepath.Join(temp, "w")
	s, err := storage.Open(dir, storage.Options{Create: true})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close() // the node is running

	r, err := dgraph.OpenReader(dir, dgraph.ReaderOptions{})
	if err != nil {
		log.Fatal(err)
	}
	c, err := backup.ToFolder(context.Background(), r, filepath.Join(temp, "copy"), backup.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Log.Close()
	fmt.Println(c.Files, "commit", c.Commit)
	// Output: [wal.meta] commit 0
}
