package payload

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	testfixture "github.com/walfs/walfs/test/fixture"
)

// TestEdgeText: the parts of an edge as text are what its JSON has.
func TestEdgeText(t *testing.T) {
	testfixture.NotForRace(t)
	d := NewDgraph(Alpha, Options{})
	edges, values, facets := 0, 0, 0
	var f Facts
	path, _ := fixture("alpha.tar.gz")
	entries := readLog(t, path).entries
	for _, text := range []string{
		`mutations { edges { attr: "0-a" value_id: 2 op: DEL facets { key: "k" value: "v" } facets { key: "n" val_type: INT value: "\x07\x00\x00\x00\x00\x00\x00\x00" } } }`,
		`mutations { edges { attr: "0-a" value: "\x01" value_type: INT op: OVR } edges { attr: "0-a" value: "\x01" value_type: BOOL facets { key: "k" val_type: BOOL value: "x" } } }`,
	} {
		entries = append(entries, Entry{Index: 1, Data: keyed(dgraph(t, "Proposal", text))})
	}
	for _, e := range entries {
		d.Facts(&f, e)
		for edge := range f.EachEdge() {
			edges++
			values += compareEdge(t, &edge)
			if edge.AppendFacets(nil, Options{}) != nil {
				facets++
			}
		}
	}
	if edges < 100 || values < 50 || facets != 2 {
		t.Errorf("%d edges, %d values, %d with facets", edges, values, facets)
	}
}

// compareEdge compares an edge's texts with its JSON, and says how many values it has.
func compareEdge(t *testing.T, edge *Edge) (values int) {
	t.Helper()
	line := edge.AppendJSON(nil, Options{})
	var want struct {
		Value       json.RawMessage
		ValueBase64 string `json:"value_base64"`
		ValueType   string `json:"value_type"`
		Op          string
		Attr        string
		Facets      json.RawMessage
	}
	testfixture.Must(t, json.Unmarshal(line, &want))
	if want.Value != nil {
		text, ok := edge.AppendValue([]byte("x"), Options{})
		var s string
		if json.Unmarshal(want.Value, &s) != nil {
			s = string(want.Value)
		}
		if !ok || string(text) != "x"+s {
			t.Errorf("value %q, %v, in %s", text, ok, line)
		}
		values = 1
	}
	if want.ValueBase64 != "" {
		if text, ok := edge.AppendValue(nil, Options{}); ok || len(text) > 0 || base64.StdEncoding.EncodeToString(edge.Value) != want.ValueBase64 {
			t.Errorf("value %q, %v, in %s", text, ok, line)
		}
		values = 1
	}
	if want.Op == "" {
		want.Op = "SET" // a zero is not stored
	}
	if want.ValueType == "" {
		want.ValueType = "DEFAULT"
	}
	got := fmt.Sprintf("%s %s %s %s", edge.OpName(), edge.TypeName(), edge.AppendPredicate(nil), edge.AppendFacets(nil, Options{}))
	if w := fmt.Sprintf("%s %s %s %s", want.Op, want.ValueType, edge.PredicateName(), want.Facets); got != w {
		t.Errorf("%s, want %s", got, w)
	}
	return values
}

// TestFacetsAreBounded: no facets make JSON without end.
func TestFacetsAreBounded(t *testing.T) {
	testfixture.NotForRace(t)
	const facet, n = "\x4a\x02\x78\x00", 1 << 20 // a field that is in no schema takes 66 bytes of JSON
	e := edgeOf(message{builtin().proposal.byNumber(2).message.byNumber(3).message, []byte(strings.Repeat(facet, n))})
	text := e.AppendFacets(nil, Options{})
	if nulls := bytes.Count(text, []byte(",null")); len(text) > MaxData+1000+5*n || nulls == 0 || !bytes.HasSuffix(text, []byte(",null]")) {
		t.Errorf("%d bytes, %d are null", len(text), nulls)
	}
}

// TestEdgeTextOfAnything: values that are not what their type says, and types and
// operations that there are not.
func TestEdgeTextOfAnything(t *testing.T) {
	for _, c := range []struct {
		edge Edge
		opts Options
		want string
		ok   bool
	}{
		{Edge{ValueType: 9, Value: []byte("a\"b")}, Options{}, `a"b`, true},
		{Edge{ValueType: 9, Value: []byte("\xff")}, Options{}, "", false},
		{Edge{ValueType: 2, Value: []byte{1}}, Options{}, "", false},
		{Edge{ValueType: 2, Value: []byte{7, 0, 0, 0, 0, 0, 0, 0}}, Options{}, "7", true},
		{Edge{ValueType: 3, Value: []byte{0, 0, 0, 0, 0, 0, 0xf8, 0x7f}}, Options{}, "NaN", true},
		{Edge{ValueType: 1, Value: []byte("blob")}, Options{}, "", false},
		{Edge{ValueType: 99, Value: []byte("x")}, Options{}, "", false},
		{Edge{ValueType: 8, Value: []byte("secret")}, Options{}, "[redacted]", true},
		{Edge{ValueType: 8, Value: []byte("secret")}, Options{ShowSecrets: true}, "secret", true},
		{Edge{Attr: []byte("0-dgraph.password"), Value: []byte("secret")}, Options{}, "[redacted]", true},
	} {
		text, ok := c.edge.AppendValue(nil, c.opts)
		if string(text) != c.want || ok != c.ok {
			t.Errorf("%+v: %q, %v; want %q, %v", c.edge, text, ok, c.want, c.ok)
		}
	}
	e := Edge{ValueType: 99, Op: 7, Attr: []byte("a\xff"), m: message{plan: builtin().proposal.byNumber(2).message.byNumber(3).message}}
	if got := fmt.Sprint(e.TypeName(), e.OpName(), string(e.AppendPredicate(nil))); got != "997a\uFFFD" {
		t.Errorf("%q", got)
	}
}
