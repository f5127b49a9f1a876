package format

import (
	"testing"

	"go.etcd.io/raft/v3/raftpb"
)

// inGap is evidence of a gap with these bytes.
func inGap(content string, ended bool) Evidence {
	return Evidence{
		EmptyingEnded: func() bool { return ended },
		Read: func(p []byte, at int64) bool {
			return at >= 0 && at+int64(len(p)) <= int64(len(content)) && copy(p, content[at:]) == len(p)
		},
	}
}

func TestGapLegal(t *testing.T) {
	const (
		confChange = raftpb.EntryType_EntryConfChange
		zeros7     = "\x00\x00\x00\x00\x00\x00\x00"
		zeros8     = zeros7 + "\x00"
		zeros16    = zeros8 + zeros8
		stale      = "\x00\x00\x00\x09encrypted" // what was there before a rewrite
	)
	for _, test := range []struct {
		name    string
		gap     Gap
		content string
		ended   bool // emptying has left an entry full before
		want    bool
	}{
		{"packed", Gap{Size: 7}, "", true, true},
		{"packed, empty", Gap{}, "", true, true},
		{"packed, nothing before", Gap{Type: NoEntry}, "", true, true},
		{"a gap behind a full payload", Gap{Size: 7}, "x", false, false},
		{"a gap behind an emptied payload", Gap{}, "payload that was here", false, true},
		{"the same where emptying had ended", Gap{}, "payload that was here", true, false},
		{"a payload of a few zeros was emptied", Gap{}, zeros7, false, true},
		{"one that begins with zeros", Gap{}, zeros8 + zeros7 + "payload", false, true},
		{"zeros where the payload was", Gap{}, zeros8, false, false},
		{"zeros where it began", Gap{}, zeros16 + "payload", false, false},
		{"it cannot be read", Gap{Bytes: 100}, "", false, false},
		{"a conf change is not emptied", Gap{Type: confChange}, "x", false, false},
		{"nor is what has a checksum", Gap{Sum: 5}, "x", false, false},
		{"an unknown type", Gap{Type: 3}, "x", false, false},
		{"before the first payload", Gap{Type: NoEntry}, "x", false, false},
		{"encrypted: a rewrite began further on", Gap{Size: 7, Encrypted: true}, stale + zeros16, true, true},
		{"the same behind an empty payload", Gap{Encrypted: true}, stale + zeros16, true, true},
		{"the same behind a conf change", Gap{Size: 7, Encrypted: true, Type: confChange}, stale + zeros16, true, true},
		{"the same before the first payload", Gap{Encrypted: true, Type: NoEntry}, stale + zeros16, true, true},
		{"the same, plain", Gap{Size: 7}, stale + zeros16, true, false},
		{"a rewrite is not so near", Gap{Size: 7, Encrypted: true}, stale + zeros8 + zeros7, true, false},
		{"nor so far", Gap{Size: 7, Encrypted: true}, stale + zeros16 + "\x00", true, false},
		{"nor behind nothing", Gap{Size: 7, Encrypted: true}, zeros16 + zeros16, true, false},
		{"there is no room for what was there", Gap{Size: 7, Encrypted: true}, zeros16, true, false},
		{"the end cannot be read", Gap{Size: 7, Encrypted: true, Bytes: 100}, stale, true, false},
		{"an overlap", Gap{Bytes: -1, Size: 7}, "", false, false},
		{"an overlap, encrypted", Gap{Bytes: -1, Size: 7, Encrypted: true}, "", false, false},
		{"an overlap of an emptied payload", Gap{Bytes: -4}, "", false, false},
	} {
		if test.gap.Bytes == 0 {
			test.gap.Bytes = int64(len(test.content))
		}
		if got := test.gap.Legal(inGap(test.content, test.ended)); got != test.want {
			t.Errorf("%s: legal %t, want %t", test.name, got, test.want)
		}
	}
}

// Answers take reading.
func TestGapAsksOnlyWhereItMust(t *testing.T) {
	for _, gap := range []Gap{{}, {Bytes: -1}, {Bytes: 1, Size: 1}, {Bytes: 1, Sum: 1}, {Bytes: 1, Encrypted: true, Size: 1}} {
		gap.Legal(Evidence{
			EmptyingEnded: func() bool { t.Errorf("%+v: asks where emptying ended", gap); return false },
			Read:          func([]byte, int64) bool { t.Errorf("%+v: reads", gap); return false },
		})
	}
}
