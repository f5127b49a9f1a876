package payload

import "testing"

func TestClassifier(t *testing.T) {
	alpha := func(text string) Entry { return Entry{Data: keyed(dgraph(t, "Proposal", text))} }
	zero := func(text string) Entry { return Entry{Data: keyed(dgraph(t, "ZeroProposal", text))} }
	conf := func(context string) Entry {
		return Entry{Type: 1, Data: within(dgraph(t, "RaftContext", context), 4)}
	}
	delta := alpha(`delta { max_assigned: 1 }`)
	for _, tt := range []struct {
		name     string
		group    uint64
		entries  []Entry
		snapshot []byte
		want     App
	}{
		{"nothing", 0, nil, nil, Zero},
		{"a group", 3, nil, nil, Alpha},
		{"a group, whatever decodes", 3, []Entry{zero(`maxUID: 1`)}, nil, Alpha},
		{"an Alpha without a group", 0, []Entry{delta}, nil, Alpha},
		{"mutations, which have a member's number", 0, []Entry{alpha(`mutations { group_id: 1 start_ts: 2 }`)}, nil, Alpha},
		{"a member, which has the number of mutations", 0, []Entry{zero(`member { id: 1 groupId: 1 }`)}, nil, Zero},
		{"a snapshot, which has the number of a cluster id", 0, []Entry{alpha(`snapshot { context { id: 1 } index: 2 }`)}, nil, Alpha},
		{"attributes of early v21.03, with binary bytes", 0, []Entry{alpha(`mutations { group_id: 1 start_ts: 2 edges { attr: "\x00\x00\x00\x00\x00\x00\x00\x00a" } }`)}, nil, Alpha},
		{"a transaction of a Zero", 0, []Entry{zero(`txn { start_ts: 1 }`)}, nil, Zero},
		{"a lease of a Zero, a state of an Alpha", 0, []Entry{zero(`maxTxnTs: 10000`)}, nil, Zero},
		{"both kinds agree", 0, []Entry{{}, zero(`delete_ns { group_id: 1 }`)}, nil, Zero},
		{"most of them", 0, []Entry{zero(`maxUID: 1`), delta, delta}, nil, Alpha},
		{"a group in a context", 0, []Entry{conf(`id: 1 group: 2`)}, nil, Alpha},
		{"no group in a context", 0, []Entry{conf(`id: 1 addr: "a"`)}, nil, Zero},
		{"an Alpha's snapshot alone", 0, nil, dgraph(t, "Snapshot", `context { id: 1 } index: 5`), Alpha},
		{"a Zero's snapshot alone", 0, nil, dgraph(t, "ZeroSnapshot", `index: 5`), Zero},
		{"a snapshot against the log", 0, []Entry{delta}, dgraph(t, "ZeroSnapshot", `index: 5`), Alpha},
		{"the log of another program", 0, []Entry{{Data: []byte("plain text, and more of it")}}, nil, Zero},
	} {
		var c Classifier
		c.GroupID(tt.group)
		for _, e := range tt.entries {
			c.Entry(e)
		}
		c.Snapshot(tt.snapshot)
		if got := c.App(); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

// TestClassifierIsCertain: a short log without a group id is enough.
func TestClassifierIsCertain(t *testing.T) {
	for _, want := range []App{Alpha, Zero} {
		path, _ := fixture(want.String() + ".tar.gz")
		var c Classifier
		n := 0
		for _, e := range readLog(t, path).entries {
			if n++; c.Entry(e) {
				break
			}
		}
		if c.App() != want || !c.Certain() || n > 20 {
			t.Errorf("%s: got %s after %d entries, certain %v", want, c.App(), n, c.Certain())
		}
	}
}
