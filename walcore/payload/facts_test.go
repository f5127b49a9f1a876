package payload

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	testfixture "github.com/walfs/walfs/test/fixture"
	"google.golang.org/protobuf/encoding/protowire"
)

// everything is a proposal with each thing that facts are made of.
var everything = map[App]string{
	Alpha: `mutations { group_id: 1 start_ts: 7
		edges { entity: 1 attr: "0-a" value: "x" value_type: STRING } edges { entity: 2 attr: "1-b" value_id: 3 op: DEL }
		edges { attr: "0-c" value: "_STAR_ALL" op: DEL } schema { predicate: "0-d" } types { type_name: "0-T" } drop_op: ALL_IN_NS drop_value: "0x2a" }
		delta { txns { start_ts: 7 commit_ts: 9 } txns { start_ts: 8 } max_assigned: 10
			txns { start_ts: 11 commit_ts: 12 } }
		state { groups { key: 1 value { members { key: 4 value { id: 4 } } } } zeros { key: 5 value { id: 5 } } removed { id: 6 } }
		snapshot { context { id: 3 group: 1 } index: 5 } delete_ns { group_id: 1 namespace: 3 } clean_predicate: "0-e" kv { key: "k" value: "v" }`,
	Zero: `txn { start_ts: 3 commit_ts: 5 preds: "1-0-a" preds: "1-0-b" } member { id: 2 groupId: 1 } tablet { predicate: "0-c" }
		tablets { predicate: "0-d" } tablets { predicate: "5-e" } delete_ns { namespace: 7 } maxUID: 9`,
}

// TestFacts: all that there is, and of which namespaces.
func TestFacts(t *testing.T) {
	var f Facts
	for app, message := range map[App]string{Alpha: "Proposal", Zero: "ZeroProposal"} {
		NewDgraph(app, Options{}).Facts(&f, Entry{Data: keyed(dgraph(t, message, everything[app]))})
		names := []string{}
		for _, p := range f.Predicates {
			names = append(names, p.Name)
		}
		kinds := append([]string{f.Kind}, f.kinds...) // in the order of the fields, which the encoder chooses
		slices.Sort(kinds)
		got := fmt.Sprintln(kinds, f.HasKey, f.StartTs, f.Edges, f.Deletes, f.Commits, f.Aborts, slices.Collect(f.Txns()), names,
			f.Members, f.AppendNamespaces(nil), len(slices.Collect(f.StoredKeys())))
		want := map[App]string{
			Alpha: "[clean_predicate delete_ns delta drop kv mutation schema snapshot state] true 7 2 1 2 1 [{7 9} {8 0} {11 12}] [0-a 0-c 0-d 0-e 1-b] [3 4 5 6] [0 1 3 42] 1\n",
			Zero:  "[delete_ns lease member tablet txn] true 0 0 0 1 0 [{3 5}] [0-a 0-b 0-c 0-d 5-e] [2] [0 5 7] 0\n",
		}[app]
		if got != want || f.Is(KindSnapshot) != (app == Alpha) || !f.Is(KindCommit) || f.Is(KindAbort) != (app == Alpha) || !f.Is(KindMembership) {
			t.Errorf("%v: got\n%swant\n%s", app, got, want)
		}
	}
}

// TestFactsOfWrongWireTypes: a field with another wire type than the schema's is listed
// under unknown_fields by the JSON, and is in no fact and no line: for every field, as deep
// as fields go.
func TestFactsOfWrongWireTypes(t *testing.T) {
	testfixture.NotForRace(t)
	for app, message := range map[App]string{Alpha: "Proposal", Zero: "ZeroProposal"} {
		d := NewDgraph(app, Options{})
		proposal := dgraph(t, message, everything[app])
		compareWithJSON(t, d, keyed(proposal))
		n := 0
		for changed := range withWrongTypes(d.proposalPlan(), proposal) {
			compareWithJSON(t, d, keyed(changed))
			n++
		}
		if n < 15 {
			t.Errorf("%v: %d fields changed", app, n)
		}
	}
	// A Zero's transaction that comes in parts is one.
	zero, part := NewDgraph(Zero, Options{}), dgraph(t, "ZeroProposal", `txn { start_ts: 3 }`)
	compareWithJSON(t, zero, keyed(join(part, dgraph(t, "ZeroProposal", `txn { commit_ts: 5 }`))))
	var s Summary
	b := protowire.AppendTag(nil, 2, protowire.BytesType)
	inner := protowire.AppendVarint(protowire.AppendTag(nil, 3, protowire.VarintType), 5)
	inner = protowire.AppendBytes(protowire.AppendTag(inner, 2, protowire.BytesType), []byte("7"))
	_ = NewDgraph(Alpha, Options{}).Summarize(&s, Entry{Data: keyed(protowire.AppendBytes(b, inner))})
	if got := string(s.Line); got != "empty mutation" || s.Edges > 0 {
		t.Errorf("line %q, %d edges", got, s.Edges)
	}
}

// withWrongTypes gives a message once for each of its fields, which there is a varint if it
// was bytes, and bytes if it was anything else.
func withWrongTypes(plan *messagePlan, b []byte) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for off := 0; off < len(b); {
			f, next := readField(b, off)
			other := protowire.AppendVarint(protowire.AppendTag(nil, f.num, protowire.VarintType), 1)
			if f.typ != protowire.BytesType {
				other = protowire.AppendBytes(protowire.AppendTag(nil, f.num, protowire.BytesType), []byte("1"))
			}
			if !yield(slices.Concat(b[:off], other, b[next:])) {
				return
			}
			known := plan.find(f.num, f.typ)
			if known != nil && (known.message != nil || known.entry != nil) {
				inner := known.message
				if inner == nil {
					inner = known.entry
				}
				for changed := range withWrongTypes(inner, f.b) {
					field := protowire.AppendBytes(protowire.AppendTag(nil, f.num, f.typ), changed)
					if !yield(slices.Concat(b[:off], field, b[next:])) {
						return
					}
				}
			}
			off = next
		}
	}
}

// shown is what the JSON says of what facts count.
type shown struct {
	StartTs        string
	Edges, Deletes int
	Txns           []Txn
	Attrs          []string
}

func compareWithJSON(t *testing.T, d *Dgraph, data []byte) {
	t.Helper()
	e := Entry{Term: 1, Index: 1, Data: data}
	text, _ := d.AppendCompact(nil, e)
	var decoded struct {
		Proposal struct {
			Mutations *struct {
				StartTs string `json:"start_ts"`
				Edges   []struct {
					Entity, Attr, Op string
					Value            any
				}
			}
			Delta *struct{ Txns []jsonTxn }
			Txn   *jsonTxn
		}
	}
	if err := json.Unmarshal(text, &decoded); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	want := shown{StartTs: "0"}
	p := decoded.Proposal
	if m := p.Mutations; m != nil {
		if m.StartTs != "" {
			want.StartTs = m.StartTs
		}
		for _, edge := range m.Edges {
			if edge.Op == "DEL" && edge.Entity == "" && edge.Value == star {
				continue
			}
			want.Edges++
			want.Attrs = append(want.Attrs, edge.Attr)
			if edge.Op == "DEL" {
				want.Deletes++
			}
		}
	}
	txns := []jsonTxn{}
	if p.Delta != nil {
		txns = append(txns, p.Delta.Txns...)
	}
	if p.Txn != nil {
		txns = append(txns, *p.Txn)
	}
	for _, txn := range txns {
		want.Txns = append(want.Txns, txn.txn())
	}
	var f Facts
	d.Facts(&f, e)
	got := shown{StartTs: fmt.Sprint(f.StartTs), Edges: f.Edges, Deletes: f.Deletes, Txns: slices.Collect(f.Txns())}
	for edge := range f.EachEdge() {
		got.Attrs = append(got.Attrs, edge.PredicateName())
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("facts %+v, the JSON has %+v: %s", got, want, text)
	}
}

type jsonTxn struct {
	StartTs  json.Number `json:"start_ts"`
	CommitTs json.Number `json:"commit_ts"`
	Aborted  bool
}

func (x jsonTxn) txn() Txn {
	var txn Txn
	fmt.Sscan(x.StartTs.String(), &txn.StartTs)
	if !x.Aborted {
		fmt.Sscan(x.CommitTs.String(), &txn.CommitTs)
	}
	return txn
}

// TestFactsAreBounded: an entry that names very many predicates costs no more than some.
func TestFactsAreBounded(t *testing.T) {
	testfixture.NotForRace(t)
	var edges []byte
	for i := range maxNames + 10 {
		attr := protowire.AppendString(protowire.AppendTag(nil, 2, protowire.BytesType), fmt.Sprintf("0-p%d", i))
		edges = protowire.AppendBytes(protowire.AppendTag(edges, 3, protowire.BytesType), attr)
	}
	var f Facts
	data := keyed(protowire.AppendBytes(protowire.AppendTag(nil, 2, protowire.BytesType), edges))
	for range 2 {
		NewDgraph(Alpha, Options{}).Facts(&f, Entry{Data: data})
		i := slices.IndexFunc(f.Predicates, func(p Predicate) bool { return p.Name == MorePredicates })
		if len(f.Predicates) != maxNames+1 || i < 0 || f.Predicates[i].Edges != 10 || f.Edges != maxNames+10 {
			t.Fatalf("%d predicates, %d edges", len(f.Predicates), f.Edges)
		}
	}
}

// TestPartsAreBounded: messages in very many parts cost little more than their bytes, in
// facts and in lines, and are one message, as they are in the JSON.
func TestPartsAreBounded(t *testing.T) {
	testfixture.NotForRace(t)
	for name, test := range map[string]struct {
		app  App
		part string
		last string // what shows that all parts count
		want string
	}{
		"deltas":               {Alpha, "\x42\x00", "\x42\x06\x0a\x04\x08\x07\x10\x09", "[{7 9}] [] commit 7 -> 9"},
		"deltas with txns":     {Alpha, "\x42\x02\x10\x01", "\x42\x02\x10\x05", "[] [] max_assigned 5"},
		"namespaces":           {Alpha, "\x72\x02\x10\x05", "\x72\x02\x08\x01", "[] [5] "},
		"snapshots":            {Alpha, "\x4a\x02\x10\x05", "", "[] [] snapshot at 5"},
		"mutations":            {Alpha, "\x12\x02\x10\x05", "\x12\x02\x1a\x00", "[] [] txn 5: 1 edge"},
		"txns":                 {Zero, "\x3a\x02\x08\x05", "\x3a\x02\x10\x06", "[{5 6}] [] commit 5 -> 6"},
		"namespaces of a Zero": {Zero, "\x6a\x02\x10\x05", "\x6a\x02\x08\x01", "[] [5] "},
		"members":              {Zero, "\x12\x00", "", "[] [] member 0"},
	} {
		data := keyed([]byte(strings.Repeat(test.part, 1<<17) + test.last))
		var s Summary
		n := testfixture.Allocated(func() { _ = NewDgraph(test.app, Options{}).Summarize(&s, Entry{Data: data}) })
		if n > 8*len(data)+8*8*maxMembers {
			t.Errorf("%s: %d bytes for an entry of %d", name, n, len(data))
		}
		if got := fmt.Sprint(slices.Collect(s.Txns()), s.AppendNamespaces(nil), " ", string(s.Line)); !strings.HasPrefix(got, test.want) {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

// TestNamesAreBounded: names are not kept for ever, however long they are.
func TestNamesAreBounded(t *testing.T) {
	testfixture.NotForRace(t)
	var f Facts
	for i := range 100 {
		attr := protowire.AppendString(protowire.AppendTag(nil, 2, protowire.BytesType), fmt.Sprintf("0-%d%s", i, strings.Repeat("x", 1<<20)))
		edges := protowire.AppendBytes(protowire.AppendTag(nil, 3, protowire.BytesType), attr)
		NewDgraph(Alpha, Options{}).Facts(&f, Entry{Data: keyed(protowire.AppendBytes(protowire.AppendTag(nil, 2, protowire.BytesType), edges))})
		if f.nameBytes > maxNameBytes+2<<20 || len(f.names) > maxNameBytes>>20+2 || len(f.Predicates) != 1 {
			t.Fatalf("entry %d: %d names, %d bytes", i, len(f.names), f.nameBytes)
		}
	}
}

func TestSplitPredicate(t *testing.T) {
	for name, want := range map[string]string{
		"0-name": "0 name true", "2a-a-b": "42 a-b true", "name": "0 name false", "-x": "0 -x false", "02-x": "0 02-x false", "A-x": "0 A-x false",
		"first-name": "0 first-name false", "ffffffffffffffff-x": "18446744073709551615 x true", "10000000000000000-x": "0 10000000000000000-x false",
	} {
		ns, bare, known := SplitPredicate(name)
		if got := fmt.Sprint(ns, " ", bare, " ", known); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}
