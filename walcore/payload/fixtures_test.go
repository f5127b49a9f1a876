package payload

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	testfixture "github.com/walfs/walfs/test/fixture"
)

// TestFixtures compares each entry with what Dgraph's own types decode it to.
func TestFixtures(t *testing.T) {
	for _, name := range testfixture.WithDecoded() {
		t.Run(name, func(t *testing.T) {
			path, _ := fixture(name + ".tar.gz")
			log := readLog(t, path)
			want := testfixture.ReadDecoded(t, name)
			var c Classifier
			c.GroupID(log.groupID)
			for _, e := range log.entries {
				c.Entry(e)
			}
			d := NewDgraph(c.App(), Options{})

			if want.Snapshot != nil {
				got := parse(t, d.AppendSnapshot(nil, snapshotData(log.snapshot)))
				if !reflect.DeepEqual(got["snapshot"], want.Snapshot) {
					t.Errorf("snapshot: got %v, want %v", got["snapshot"], want.Snapshot)
				}
			}
			if len(want.Entries) != len(log.entries) {
				t.Fatalf("%d entries, %d lines", len(log.entries), len(want.Entries))
			}
			for i, e := range log.entries {
				checkEntry(t, d, e, want.Entries[i])
			}
		})
	}
}

// snapshotData is the data (1) of a raftpb.Snapshot.
func snapshotData(b []byte) (data []byte) {
	for f := (fields{msg: b}); f.next(); {
		if f.num == 1 {
			data = f.b
		}
	}
	return data
}

func checkEntry(t *testing.T, d Decoder, e Entry, want map[string]any) {
	t.Helper()
	text, err := d.AppendJSON(nil, e)
	if err != nil {
		t.Fatal(err)
	}
	if e.Index%500 == 1 {
		checkLayout(t, text)
	}
	compact, _ := d.AppendCompact(nil, e)
	got := parse(t, text)
	if !reflect.DeepEqual(got, parse(t, compact)) {
		t.Fatalf("entry %d: the compact form differs:\n%s\n%s", e.Index, text, compact)
	}
	if !reflect.DeepEqual(got, want) {
		w, _ := json.MarshalIndent(want, "", "  ")
		t.Fatalf("entry %d:\ngot  %s\nwant %s", e.Index, text, w)
	}
}

// checkLayout compares the layout with encoding/json's, two spaces a level.
func checkLayout(t *testing.T, text []byte) {
	t.Helper()
	var out strings.Builder
	var raw json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		t.Fatal(err)
	}
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(raw); err != nil {
		t.Fatal(err)
	}
	if out.String() != string(text) {
		t.Errorf("layout: got\n%s\nwant\n%s", text, out.String())
	}
}

// TestFixturesThatAreNotDgraph: payloads that another program wrote are shown as text
// or base64, and so is every payload of one to seven bytes.
func TestFixturesThatAreNotDgraph(t *testing.T) {
	for _, name := range []string{"rewritten", "highstart", "emptied"} {
		path, _ := fixture(name + ".tar.gz")
		for _, app := range []App{Alpha, Zero} {
			d := NewDgraph(app, Options{})
			for _, e := range readLog(t, path).entries {
				text, _ := d.AppendJSON(nil, e)
				got := parse(t, text)
				if e.Type != 0 || len(e.Data) == 0 {
					continue
				}
				if got["text"] != string(e.Data) {
					t.Fatalf("%s entry %d: %s", name, e.Index, text)
				}
			}
		}
	}
}

func TestMain(m *testing.M) {
	// Without any fixture the test would pass and check nothing.
	for _, name := range []string{"alpha", "zero", "rewritten"} {
		if _, ok := fixture(name + ".tar.gz"); !ok {
			fmt.Fprintf(os.Stderr, "fixture %s is missing\n", name)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}
