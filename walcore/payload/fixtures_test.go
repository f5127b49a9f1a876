package payload

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
)

// TestFixtures compares every entry with what Dgraph's own types make of it.
func TestFixtures(t *testing.T) {
	for _, name := range []string{"alpha", "zero", "cluster-node1"} {
		t.Run(name, func(t *testing.T) {
			path, ok := fixture(name + ".tar.gz")
			if !ok && name == "cluster-node1" {
				t.Skip("only among the large fixtures")
			}
			log := readLog(t, path)
			lines := readLines(t, strings.TrimSuffix(path, ".tar.gz")+".decoded.jsonl.gz")
			var c Classifier
			c.GroupID(log.groupID)
			for _, e := range log.entries {
				c.Entry(e)
			}
			d := NewDgraph(c.App(), Options{})

			if want, ok := lines[0]["snapshot"]; ok {
				got := parse(t, d.AppendSnapshot(nil, snapshotData(log.snapshot)))
				if !reflect.DeepEqual(got["snapshot"], want) {
					t.Errorf("snapshot: got %v, want %v", got["snapshot"], want)
				}
				lines = lines[1:]
			}
			if len(lines) != len(log.entries) {
				t.Fatalf("%d entries, %d lines", len(log.entries), len(lines))
			}
			for i, e := range log.entries {
				checkEntry(t, d, e, lines[i])
			}
		})
	}
}

// snapshotData is the data (1) of a raftpb.Snapshot.
func snapshotData(b []byte) []byte { return bytesOf(b, 1) }

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
	want["term"] = json.Number(fmt.Sprint(e.Term))
	want["size"] = json.Number(fmt.Sprint(len(e.Data)))
	if key, ok := want["key"]; ok {
		want["key"] = fmt.Sprint(key)
	}
	// The reference writes a ConfChange's 64-bit numbers as numbers.
	if change, ok := want["conf_change"].(map[string]any); ok {
		change["id"], change["node_id"] = fmt.Sprint(change["id"]), fmt.Sprint(change["node_id"])
	}
	decodeValues(t, want)
	if !reflect.DeepEqual(got, want) {
		w, _ := json.MarshalIndent(want, "", "  ")
		t.Fatalf("entry %d:\ngot  %s\nwant %s", e.Index, text, w)
	}
}

// decodeValues replaces the base64 values of edges by what they mean, computed
// apart from the package's own code.
func decodeValues(t *testing.T, v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			decodeValues(t, e)
		}
	case map[string]any:
		if value, ok := v["value"].(string); ok && v["attr"] != nil {
			typ, _ := v["value_type"].(string)
			v["value"] = referenceValue(t, typ, value)
		}
		for _, e := range v {
			decodeValues(t, e)
		}
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

// TestFixturesThatAreNotDgraph: what another program has put in a log is shown
// as text or base64, and so is every payload of one byte to seven.
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
	// A checkout without its own fixtures would pass on nothing.
	for _, name := range []string{"alpha", "zero", "rewritten"} {
		if _, ok := fixture(name + ".tar.gz"); !ok {
			fmt.Fprintf(os.Stderr, "fixture %s is missing\n", name)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}
