package check_test

import (
	"context"
	"fmt"

	"github.com/walfs/walfs/test/nativelog"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/check"
	"github.com/walfs/walfs/walcore/detect"
)

func ExampleRun() {
	dir := nativelog.Temp(nativelog.Meta{Term: 1, Commit: 2},
		nativelog.Entry{Term: 1, Index: 1, Type: 1, Data: []byte{0x18, 1}}, // add node 1
		nativelog.Entry{Term: 1, Index: 2, Data: []byte("second")},
		nativelog.Entry{Term: 1, Index: 3, Data: []byte("third")})
	defer nativelog.Remove(dir)
	log, err := detect.Open(dir, detect.Options{})
	if err != nil {
		panic(err)
	}
	report, err := check.Run(context.Background(), log, check.Options{})
	if err != nil {
		panic(err)
	}
	fmt.Println(report.Verdict)
	// Output: sound: a node starts, replays 1 to 2, and is at commit 2, with 1 entry behind it that may not be committed
}

func ExampleMeaningOf() {
	m := check.MeaningOf(walcore.KindCommit)
	fmt.Println(m.Title + ": " + m.Effect.String())
	fmt.Println("Dgraph " + m.Dgraph)
	// Output:
	// the commit index lies beyond the log, or below the snapshot: a node does not start
	// Dgraph panics: Raft does not accept it
}
