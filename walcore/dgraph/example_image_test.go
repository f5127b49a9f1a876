package dgraph_test

import (
	"fmt"
	"log"

	"github.com/walfs/walfs/test/nativelog"
	"github.com/walfs/walfs/walcore/dgraph"
)

// An image is a directory without a folder: its files can be written somewhere, or opened
// as they are.
func ExampleReader_Image() {
	dir := nativelog.Temp(nativelog.Meta{RaftID: 1, Term: 2, Commit: 2},
		nativelog.Entry{Term: 1, Index: 1, Data: []byte("one")},
		nativelog.Entry{Term: 2, Index: 2, Data: []byte("two")})
	defer nativelog.Remove(dir)

	r, err := dgraph.OpenReader(dir, dgraph.ReaderOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	files, err := r.Image()
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range files {
		fmt.Println(f.Name, f.Attr.Size)
	}
	image, err := dgraph.OpenFiles("image", files, dgraph.ReaderOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer image.Close()
	last, _ := image.LastIndex()
	fmt.Println("last index", last)
	// Output:
	// 00001.wal 1048590
	// wal.meta 1048576
	// last index 2
}
