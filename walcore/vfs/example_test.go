package vfs_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/walfs/walfs/walcore/vfs"
)

// What is written to a scratch directory is read back from it, and is not on disk.
func ExampleOpenScratch() {
	path, err := os.MkdirTemp("", "vfs")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(path)

	dir, err := vfs.OpenScratch(path) // OpenDir would write to disk
	if err != nil {
		log.Fatal(err)
	}
	defer dir.Close()
	f, err := dir.Create("00001.wal")
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte("entry"), 0); err != nil {
		log.Fatal(err)
	}
	b := make([]byte, 5)
	_, err = f.ReadAt(b, 0)
	fmt.Printf("%s %v\n", b, err)
	_, err = os.Stat(filepath.Join(path, "00001.wal"))
	fmt.Println(os.IsNotExist(err))
	// Output:
	// entry <nil>
	// true
}
