//go:build linux

package hashicorp

import (
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
	"go.etcd.io/bbolt"
)

// benchMain does what test/bench/hashicorp.sh asks for: it writes a log, or walks through
// raft.db, and leaves the values alone or sums them.
func benchMain(what string, args []string) int {
	var err error
	switch what {
	case "walk", "sum":
		err = walk(filepath.Join(args[0], "raft.db"), what == "sum")
	default:
		err = writeLog(args[0], args[1], args[2])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// walk goes through all entries with bbolt's cursor, and takes none apart.
func walk(path string, sums bool) error {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	n, bytes, sum := 0, 0, uint32(0)
	castagnoli := crc32.MakeTable(crc32.Castagnoli)
	err = db.View(func(tx *bbolt.Tx) error {
		c := tx.Bucket([]byte("logs")).Cursor()
		for k, v := c.First(); k != nil; k, v = c.Next() {
			if n, bytes = n+1, bytes+len(v); sums {
				sum = crc32.Update(sum, castagnoli, v)
			}
		}
		return nil
	})
	fmt.Println(n, bytes, sum)
	return errors.Join(err, db.Close())
}

// writeLog writes a log of so many entries of 300 bytes.
func writeLog(name, dir, entries string) error {
	n, err := strconv.ParseUint(entries, 10, 64)
	if err != nil {
		return err
	}
	var s store
	if name == "bolt" {
		s, err = openBolt(dir, raftboltdb.Options{NoSync: true})
	} else {
		s, err = openWAL(dir, 64<<20)
	}
	if err != nil {
		return err
	}
	if err := s.SetUint64([]byte("CurrentTerm"), 2); err != nil {
		return err
	}
	const batch = 1000
	at := time.Unix(1700000000, 0)
	for index := uint64(1); index <= n; {
		var logs []*raft.Log
		for ; len(logs) < batch && index <= n; index++ {
			payload := fmt.Appendf(make([]byte, 0, 300), "entry %d", index)
			logs = append(logs, &raft.Log{Index: index, Term: 2, Type: raft.LogCommand, Data: payload[:300],
				AppendedAt: at.Add(time.Duration(index) * time.Millisecond)})
		}
		if err := s.StoreLogs(logs); err != nil {
			return err
		}
	}
	return s.Close()
}
