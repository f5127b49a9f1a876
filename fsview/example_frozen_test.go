package fsview_test

import (
	"fmt"
	"io/fs"
	"log"

	"github.com/walfs/walfs/fsview"
	"github.com/walfs/walfs/test/nativelog"
	"github.com/walfs/walfs/walcore/dgraph"
)

// A tree whose native/ is for backups: its log files end where the log ends.
func ExampleNewFrozen() {
	dir := nativelog.Temp(nativelog.Meta{RaftID: 1, Term: 1, Commit: 1}, nativelog.Entry{Term: 1, Index: 1, Data: []byte("one")})
	defer nativelog.Remove(dir)
	r, err := dgraph.OpenReader(dir, dgraph.ReaderOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	native, err := r.Image()
	if err != nil {
		log.Fatal(err)
	}
	tree := fsview.NewFrozen(r, native, nil)
	st, err := fs.Stat(tree, "native/00001.wal")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(st.Size())
	// Output: 1048583
}
