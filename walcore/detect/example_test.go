package detect_test

import (
	"fmt"
	"log"

	"github.com/walfs/walfs/test/nativelog"
	"github.com/walfs/walfs/walcore/detect"
)

// Who reads a log need not know which system wrote it.
func ExampleOpen() {
	dir := nativelog.Temp(nativelog.Meta{RaftID: 1, Term: 1, Commit: 2},
		nativelog.Entry{Term: 1, Index: 1, Data: []byte("one")},
		nativelog.Entry{Term: 1, Index: 2, Data: []byte("two")})
	defer nativelog.Remove(dir)

	l, err := detect.Open(dir, detect.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	for e := range l.Entries(1) {
		data, err := e.Data()
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s, entry %d: %s\n", l.Meta().System.Name, e.Index, data)
	}
	// Output:
	// dgraph, entry 1: one
	// dgraph, entry 2: two
}
