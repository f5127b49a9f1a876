package diff_test

import (
	"context"
	"fmt"

	"github.com/walfs/walfs/test/memlog"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/diff"
)

func ExampleCompare() {
	entry := func(term, index uint64, data string) memlog.Entry {
		return memlog.Entry{Term: term, Index: index, Data: data, File: "1.seg"}
	}
	rep, _ := diff.Compare(context.Background(), []walcore.Log{
		memlog.New("a", []memlog.Entry{entry(1, 1, "x"), entry(1, 2, "y"), entry(3, 3, "z")}),
		memlog.New("b", []memlog.Entry{entry(1, 1, "x"), entry(2, 2, "y")}),
	}, nil)
	fmt.Println("alike:", rep.Alike(), "common:", *rep.Common)
	fmt.Println("parted at", rep.Parted.Index, "by", rep.Parted.What)
	for _, a := range rep.Ahead {
		fmt.Println(a.Dir, "has", a.First, "to", a.Last, "that", a.Behind, "lacks")
	}
	// Output:
	// alike: false common: {1 2}
	// parted at 2 by term
	// a has 3 to 3 that b lacks
}
