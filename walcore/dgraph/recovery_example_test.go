package dgraph_test

import (
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/walfs/walfs/test/nativelog"
	"github.com/walfs/walfs/walcore/dgraph"
)

// What opening a directory for writing would make of it. A crash has left the third
// slot half written; nothing says that its entry was committed.
func ExampleReader_Recovery() {
	dir := nativelog.Temp(nativelog.Meta{RaftID: 1, Term: 2, Commit: 2},
		nativelog.Entry{Term: 1, Index: 1, Data: []byte("one")},
		nativelog.Entry{Term: 2, Index: 2, Data: []byte("two")},
		nativelog.Entry{Term: 2, Index: 3, Data: []byte("three")})
	defer nativelog.Remove(dir)
	spoil := func(slot int64) {
		f, err := os.OpenFile(filepath.Join(dir, "00001.wal"), os.O_WRONLY, 0)
		if err != nil {
			log.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteAt(make([]byte, 8), slot*32+16); err != nil { // its data offset
			log.Fatal(err)
		}
	}
	recovery := func() {
		r, err := dgraph.OpenReader(dir, dgraph.ReaderOptions{})
		if err != nil {
			log.Fatal(err)
		}
		defer r.Close()
		rec, err := r.Recovery()
		if err != nil {
			fmt.Println(strings.ReplaceAll(err.Error(), dir, "DIR"))
			return
		}
		for _, f := range rec.Files {
			fmt.Println(f.Name, f.Slots, "slots")
		}
		for _, p := range rec.Dropped {
			fmt.Println(p)
		}
	}
	spoil(2)
	recovery()
	spoil(1) // that one is committed
	recovery()
	// Output:
	// 00001.wal 2 slots
	// 00001.wal slot 2 offset 64 index 3: torn_tail: the data offset 0 is not between 1048576 and the file's end at 268435456
	// 00001.wal slot 1 index 2: the data offset 0 is not between 1048576 and the file's end at 268435456: slots 1 to 2 would be dropped, but the commit index is 2: damaged; nothing was changed: `walfs repair DIR OUT` writes what can be trusted into a new directory
}

// openFiles is a directory whose files a program has open already.
type openFiles struct{ dir *os.Root }

func (d openFiles) List() ([]fs.DirEntry, error) { return fs.ReadDir(d.dir.FS(), ".") }

func (d openFiles) Open(name string) (dgraph.File, error) {
	f, err := d.dir.Open(name)
	return openFile{f}, err
}

type openFile struct{ *os.File }

func (f openFile) Size() (int64, error) {
	st, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return st.Size(), nil
}

// A program that has a directory for itself reads it through its own files.
func ExampleReadDirectory() {
	dir := nativelog.Temp(nativelog.Meta{RaftID: 1, Term: 2, Commit: 2},
		nativelog.Entry{Term: 1, Index: 1, Data: []byte("one")},
		nativelog.Entry{Term: 2, Index: 2, Data: []byte("two")})
	defer nativelog.Remove(dir)
	root, err := os.OpenRoot(dir)
	if err != nil {
		log.Fatal(err)
	}
	defer root.Close()
	r, err := dgraph.ReadDirectory(openFiles{root}, dir, dgraph.ReaderOptions{})
	if err != nil {
		log.Fatal(err)
	}
	last, _ := r.LastIndex()
	fmt.Println(len(r.Files()), "file, to", last)
	// Output: 1 file, to 2
}
