//go:build linux

package fusefs_test

import (
	"fmt"
	"log"

	"github.com/walfs/walfs/fsview"
	"github.com/walfs/walfs/fsview/fusefs"
	"github.com/walfs/walfs/walcore/dgraph"
)

// A directory is shown on a folder until somebody unmounts it there.
func ExampleMount() {
	const dir, mountpoint = "/var/lib/dgraph/w", "/mnt/log"
	r, err := dgraph.OpenReader(dir, dgraph.ReaderOptions{})
	if err != nil {
		log.Fatal(err)
	}
	live := fsview.NewLive(fsview.New(r, nil))
	defer live.Close() // the newest log, which is r or one that followed it

	m, err := fusefs.Mount(live, mountpoint, fusefs.Options{Dir: dir})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("serving", dir, "at", m.At)
	<-m.Done()
}
