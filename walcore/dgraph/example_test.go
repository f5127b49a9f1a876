package dgraph_test

import (
	"errors"
	"fmt"
	"log"

	"github.com/walfs/walfs/test/nativelog"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/dgraph"
)

// What a directory holds: as it is now, without a trace on it.
func ExampleOpenReader() {
	dir := nativelog.Temp(nativelog.Meta{RaftID: 1, Term: 2, Commit: 2},
		nativelog.Entry{Term: 1, Index: 1, Data: []byte("one")},
		nativelog.Entry{Term: 2, Index: 2, Data: []byte("two")},
		nativelog.Entry{Term: 2, Index: 3, Data: []byte("three")})

	defer nativelog.Remove(dir)

	r, err := dgraph.OpenReader(dir, dgraph.ReaderOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	for e := range r.Entries(2) {
		data, err := e.Data()
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%d of term %d: %s, committed %t\n", e.Index, e.Term, data, e.Index <= r.Meta().HardState.Commit)
	}
	_, err = r.Entry(4)
	fmt.Println(errors.Is(err, walcore.ErrNoEntry), len(r.Problems()), "problems")
	// Output:
	// 2 of term 2: two, committed true
	// 3 of term 2: three, committed false
	// true 0 problems
}
