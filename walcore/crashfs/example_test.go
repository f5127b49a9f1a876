package crashfs_test

import (
	"fmt"
	"log"
	"math/rand"
	"os"

	"github.com/walfs/walfs/walcore/crashfs"
	"github.com/walfs/walfs/walcore/vfs"
)

// The name of a new file and its size are not durable before they are flushed.
func ExampleWrap() {
	path, err := os.MkdirTemp("", "crashfs")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(path)
	real, err := vfs.OpenDir(path)
	if err != nil {
		log.Fatal(err)
	}
	defer real.Close()

	dir, err := crashfs.Wrap(real, 512)
	if err != nil {
		log.Fatal(err)
	}
	states := func(when string) {
		dir.States(100, rand.New(rand.NewSource(1)), func(s crashfs.State) {
			image, there := s["f"]
			fmt.Println(when, there, image.Size)
		})
	}
	f, err := dir.Create("f")
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	states("created:")
	if err := dir.Sync(); err != nil {
		log.Fatal(err)
	}
	if err := f.Truncate(8); err != nil {
		log.Fatal(err)
	}
	states("grown:")
	if err := f.Sync(); err != nil {
		log.Fatal(err)
	}
	states("flushed:")
	// Output:
	// created: false 0
	// created: true 0
	// grown: true 0
	// grown: true 8
	// flushed: true 8
}
