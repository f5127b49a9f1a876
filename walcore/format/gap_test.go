package format

import (
	"testing"

	"go.etcd.io/raft/v3/raftpb"
)

func TestGapLegal(t *testing.T) {
	const confChange = raftpb.EntryType_EntryConfChange
	for _, test := range []struct {
		name  string
		gap   Gap
		ended bool // emptying has left an entry full before
		want  bool
	}{
		{"packed", Gap{Size: 7}, true, true},
		{"packed, empty", Gap{}, true, true},
		{"a gap behind a full payload", Gap{Bytes: 1, Size: 7}, false, false},
		{"a gap behind an emptied payload", Gap{Bytes: 1}, false, true},
		{"the same where emptying had ended", Gap{Bytes: 1}, true, false},
		{"a conf change is not emptied", Gap{Bytes: 1, Type: confChange}, false, false},
		{"nor is what has a checksum", Gap{Bytes: 1, Sum: 5}, false, false},
		{"an unknown type", Gap{Bytes: 1, Type: -1}, false, false},
		{"encrypted: a rewrite began further on", Gap{Bytes: 1 << 30, Size: 7, Encrypted: true}, true, true},
		{"slots between are no entries", Gap{Bytes: 9, Size: 7, Skipped: true}, true, true},
		{"an overlap", Gap{Bytes: -1, Size: 7}, false, false},
		{"an overlap, encrypted", Gap{Bytes: -1, Size: 7, Encrypted: true}, false, false},
		{"an overlap over skipped slots", Gap{Bytes: -1, Size: 7, Skipped: true}, false, false},
		{"an overlap of an emptied payload", Gap{Bytes: -4}, false, false},
	} {
		if got := test.gap.Legal(func() bool { return test.ended }); got != test.want {
			t.Errorf("%s: legal %t, want %t", test.name, got, test.want)
		}
	}
}

// The writer reads lengths to find out where emptying ended.
func TestGapAsksOnlyWhereItMust(t *testing.T) {
	for _, gap := range []Gap{{}, {Bytes: -1}, {Bytes: 1, Encrypted: true}, {Bytes: 1, Skipped: true}, {Bytes: 1, Size: 1}, {Bytes: 1, Sum: 1}} {
		gap.Legal(func() bool {
			t.Errorf("%+v: asks where emptying ended", gap)
			return false
		})
	}
}
