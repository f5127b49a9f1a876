package walcore

import (
	"testing"
)

func TestProblemSaysWhere(t *testing.T) {
	for _, test := range []struct {
		problem Problem
		want    string
	}{
		{Problem{File: "00001.wal", Slot: 0, Offset: 1048576, Index: 1, Kind: KindLength, Message: "too long"},
			"00001.wal slot 0 offset 1048576 index 1: length: too long"},
		{Problem{File: "wal.meta", Slot: -1, Kind: KindMeta, Message: "is missing"}, "wal.meta: meta: is missing"},
		{Problem{File: "00001.wal", Slot: -1, Offset: 1048560, Kind: KindNoKey, Message: "sealed"}, "00001.wal offset 1048560: no_key: sealed"},
		{Problem{File: "00001.wal", Slot: 449, Index: 450, Kind: KindOffset, Message: "too low"}, "00001.wal slot 449 offset 0 index 450: offset: too low"},
		{Problem{File: "00001.wal", Slot: -1, Kind: KindOffset, Message: "and 7 more"}, "00001.wal: offset: and 7 more"},
	} {
		if got := test.problem.String(); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}
