package backup_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/walfs/walfs/test/nativelog"
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
	fmt.Println(c.Files, "commit", *c.Commit)
	// Output: [wal.meta] commit 0
}

// An archive for a pipe. If it fails, what was written is no archive.
func ExampleToStream() {
	dir := nativelog.Temp(nativelog.Meta{RaftID: 1, Term: 1, Commit: 1}, nativelog.Entry{Term: 1, Index: 1, Data: []byte("one")})
	defer nativelog.Remove(dir)
	r, err := dgraph.OpenReader(dir, dgraph.ReaderOptions{})
	if err != nil {
		log.Fatal(err)
	}
	var archive bytes.Buffer
	c, err := backup.ToStream(context.Background(), r, &archive, backup.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Log.Close()
	fmt.Println(c.Files, "entries", c.First, "to", c.Last)
	// Output: [00001.wal wal.meta] entries 1 to 1
}
