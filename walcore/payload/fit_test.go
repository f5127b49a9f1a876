package payload

import (
	"testing"

	testfixture "github.com/walfs/walfs/test/fixture"
)

func TestFit(t *testing.T) {
	delta := dgraph(t, "Proposal", `delta { max_assigned: 1 }`)
	for _, tt := range []struct {
		name string
		app  App
		e    Entry
		want Fit
	}{
		{"a proposal", Alpha, Entry{Data: keyed(delta)}, Fits},
		{"no data", Alpha, Entry{}, Fits},
		{"a key alone", Alpha, Entry{Data: keyed(nil)}, Fits},
		{"binary bytes in a predicate", Alpha, Entry{Data: keyed(dgraph(t, "Proposal", `mutations { edges { attr: "\x00\x01a" } }`))}, Fits},
		{"cut", Alpha, Entry{Data: keyed(delta[:len(delta)-1])}, Malformed},
		{"too short for a key", Alpha, Entry{Data: []byte{0, 1, 2}}, Malformed},
		{"text", Alpha, Entry{Data: []byte("plain text, and more of it")}, Malformed},
		{"a field of a newer version", Alpha, Entry{Data: keyed([]byte{0xc0, 0x3e, 1})}, Foreign},
		{"a known number of another wire type", Alpha, Entry{Data: keyed([]byte{2 << 3, 1})}, Malformed},
		{"a configuration change", Alpha, Entry{Type: 1, Data: []byte{1}}, Foreign},
		{"a Zero's", Zero, Entry{Data: keyed(dgraph(t, "ZeroProposal", `maxUID: 1`))}, Fits},
		{"a Zero's in an Alpha's log", Alpha, Entry{Data: keyed(dgraph(t, "ZeroProposal", `maxUID: 1`))}, Malformed},
	} {
		if got := NewDgraph(tt.app, Options{}).Fit(tt.e); got != tt.want {
			t.Errorf("%s: got %d, want %d", tt.name, got, tt.want)
		}
	}
	for app, blob := range map[App][]byte{
		Alpha: dgraph(t, "Snapshot", `context { id: 1 } index: 5`),
		Zero:  dgraph(t, "ZeroSnapshot", `index: 5 state { counter: 1 }`),
	} {
		d := NewDgraph(app, Options{})
		if got := d.FitSnapshot(blob); got != Fits {
			t.Errorf("%s's snapshot: %d", app, got)
		}
		if got := d.FitSnapshot(blob[:len(blob)-1]); got != Malformed {
			t.Errorf("%s's snapshot, cut: %d", app, got)
		}
	}
}

// TestFixturesFit: all that Dgraph's nodes have written fits.
func TestFixturesFit(t *testing.T) {
	for _, name := range testfixture.WithDecoded() {
		path, _ := fixture(name + ".tar.gz")
		log := readLog(t, path)
		var c Classifier
		c.GroupID(log.groupID)
		for _, e := range log.entries {
			c.Entry(e)
		}
		d := NewDgraph(c.App(), Options{})
		for _, e := range log.entries {
			if e.Type == 0 && d.Fit(e) != Fits {
				t.Errorf("%s entry %d: %d", name, e.Index, d.Fit(e))
			}
		}
	}
}
