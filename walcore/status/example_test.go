package status_test

import (
	"fmt"

	"github.com/walfs/walfs/test/memlog"
	"github.com/walfs/walfs/walcore/status"
)

func ExampleNew() {
	s := status.New(memlog.Sample("/var/lib/memory"))
	fmt.Println(*s.FirstIndex, *s.LastIndex, s.Entries, *s.Bytes)
	fmt.Println(s.HardState == nil, len(s.Problems)) // null: the log does not have it
	for _, t := range s.Types {
		fmt.Print(t.Name, " ", t.Entries, ", ")
	}
	// Output:
	// 7 12 5 26
	// true 1
	// normal 3, conf_change 1, conf_change_v2 0, log_barrier 1,
}
