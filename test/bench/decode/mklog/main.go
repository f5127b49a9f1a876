// Command mklog writes a Raft directory of any length, for measuring:
//
//	mklog DIR ENTRIES FROM
//
// Its entries are those of the Raft directory FROM over and over, all of one term.
package main

import (
	"github.com/walfs/walfs/walcore"

	"fmt"
	"log"
	"os"
	"strconv"

	"github.com/walfs/walfs/test/nativelog"
	"github.com/walfs/walfs/walcore/dgraph"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 4 {
		log.Fatal("usage: mklog DIR ENTRIES FROM")
	}
	n, err := strconv.ParseUint(os.Args[2], 10, 64)
	if err != nil {
		log.Fatal(err)
	}
	if err := write(os.Args[1], n, os.Args[3]); err != nil {
		log.Fatal(err)
	}
}

func write(dir string, n uint64, from string) error {
	r, err := dgraph.OpenReader(from, dgraph.ReaderOptions{})
	if err != nil {
		return err
	}
	defer r.Close()
	var failed error
	entries := func(yield func(nativelog.Entry) bool) {
		var payloads walcore.Scanner
		for index := uint64(1); index <= n; {
			for e := range r.Entries(0) {
				data, err := payloads.Data(&e)
				if err != nil {
					failed = err
					return
				}
				if index > n || !yield(nativelog.Entry{Term: 1, Index: index, Type: uint32(e.Type), Data: data}) {
					return
				}
				index++
			}
			if index == 1 {
				failed = fmt.Errorf("%s has no entries", from)
				return
			}
		}
	}
	if err := nativelog.Write(dir, nativelog.Meta{RaftID: 1, GroupID: 1, Term: 1, Commit: n}, entries); err != nil {
		return err
	}
	return failed
}
