package payload

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	testfixture "github.com/walfs/walfs/test/fixture"
)

// seeds calls add with entries of every kind that the fixtures have, and fails
// if there are none.
func seeds(f *testing.F, add func(e Entry)) {
	f.Helper()
	n := 0
	for _, name := range []string{"alpha", "zero", "rewritten", "emptied"} {
		path, ok := fixture(name + ".tar.gz")
		if !ok {
			f.Fatalf("fixture %s is missing", name)
		}
		shapes := make(map[string]bool)
		for _, e := range readLog(f, path).entries {
			var s Summary
			_ = NewDgraph(Alpha, Options{}).Summarize(&s, e)
			shape := s.Kind
			_ = NewDgraph(Zero, Options{}).Summarize(&s, e)
			if shape += s.Kind; !shapes[shape] {
				shapes[shape] = true
				add(e)
				n++
			}
		}
	}
	if n < 10 {
		f.Fatalf("only %d seeds", n)
	}
}

// bombs calls add with messages that nest deep, or whose JSON is much larger than they
// are. Some are a kinds.All, some a Proposal.
func bombs(add func(b []byte)) {
	add(inParts(95, 4<<10))
	add(structs(30, 1000))
	add(nested(300, 17))                                          // in both a message
	add(bytes.Repeat(within(nil, 2), 1000))                       // mutations in parts
	add(within(bytes.Repeat([]byte{0x1a, 0}, 5_000), 2))          // empty edges
	add(within(bytes.Repeat([]byte{0x1a, 2, 0x78, 5}, 5_000), 2)) // edges of an unknown field
	add(bytes.Repeat(protowire.AppendTag(nil, 2000, protowire.StartGroupType), 300))
}

// checkJSON fails unless text is valid JSON and UTF-8 and no larger than what
// size bytes may become, and returns it.
func checkJSON(t *testing.T, text []byte, size int) map[string]any {
	t.Helper()
	if !utf8.Valid(text) || !json.Valid(text) {
		t.Fatalf("not JSON: %.2000q", text)
	}
	if len(text) > outputBase+outputFactor*size+1000 {
		t.Fatalf("%d bytes became %d", size, len(text))
	}
	return parse(t, text)
}

// checkSummary fails unless s has a kind, and a line that one can print.
func checkSummary(t *testing.T, s *Summary) {
	t.Helper()
	if s.Kind == "" || len(s.Line) == 0 || len(s.Line) > maxLine || !printable(s.Line) || strings.ContainsAny(string(s.Line), "\r\n\t") {
		t.Fatalf("summary %q %q", s.Kind, s.Line)
	}
}

func FuzzDgraph(f *testing.F) {
	seeds(f, func(e Entry) { f.Add(e.Type, e.Data) })
	bombs(func(b []byte) { f.Add(uint32(0), keyed(b)) })
	f.Fuzz(func(t *testing.T, typ uint32, data []byte) {
		e := Entry{Term: 1, Index: math.MaxUint64, Type: typ, Data: data}
		var c Classifier
		c.Entry(e)
		c.Snapshot(data)
		for _, app := range []App{Alpha, Zero} {
			d := NewDgraph(app, Options{ShowSecrets: app == Zero})
			var indented, compact, snapshot []byte
			var s Summary
			if n := testfixture.Allocated(func() {
				indented, _ = d.AppendJSON(nil, e)
				compact, _ = d.AppendCompact(nil, e)
				snapshot = d.AppendSnapshot(nil, data)
				_ = d.Summarize(&s, e)
			}); n > 3*maxAllocated(len(data)) {
				t.Fatalf("%d bytes took %d of memory", len(data), n)
			}
			got, same := checkJSON(t, indented, len(data)), checkJSON(t, compact, len(data))
			// The two may differ only if the indented form is too large.
			if len(data) < 10_000 && !reflect.DeepEqual(got, same) {
				t.Fatalf("the forms differ:\n%s\n%s", indented, compact)
			}
			checkJSON(t, snapshot, len(data))
			checkSummary(t, &s)
		}
	})
}

// FuzzCustom compares the walker with the protobuf library, for all bytes that the
// library can read.
func FuzzCustom(f *testing.F) {
	seeds(f, func(e Entry) { f.Add(e.Data) })
	md := load(f, "testdata/kinds.proto", "kinds.All")
	for _, text := range []string{
		`d: 1 f: 2 i32: -3 s32: -4 x64: 5 s: "x" color: RED packed: [1, 2] names: ["a", "b"] child { s: "y" }`,
		`by_name { key: "a" value { b: true } } by_i32 { key: -1 value: "v" } by_bool { key: true } text: "t" maybe: 0`,
		`time { seconds: 1 } took { seconds: 2 } wrapped { value: 3 } fields { fields { key: "k" value { string_value: "v" } } }`,
	} {
		f.Add(encode(f, md, text))
	}
	bombs(func(b []byte) { f.Add(b) })
	f.Fuzz(func(t *testing.T, data []byte) {
		var text []byte
		d := NewCustom(md, 0, Options{ShowSecrets: true})
		wantMatch(t, d.plan, md, data)
		if n := testfixture.Allocated(func() { text, _ = d.AppendJSON(nil, Entry{Data: data}) }); n > maxAllocated(len(data)) {
			t.Fatalf("%d bytes took %d of memory", len(data), n)
		}
		got := checkJSON(t, text, len(data))["message"]
		want, ok := reference(t, md, data)
		// Not compared, because walfs shows it in its own way: what the library
		// drops, what nests deep, plain text, and an Any, whose fields can come in
		// any order.
		if !ok || got == nil || strings.Contains(string(text), `"unknown_fields"`) || strings.Contains(string(text), `"any"`) {
			return
		}
		if !reflect.DeepEqual(got, any(want)) {
			t.Fatalf("got %v\nwant %v", got, want)
		}
	})
}

// FuzzValue: any bytes as the value of an edge of any type.
func FuzzValue(f *testing.F) {
	seeds(f, func(e Entry) {
		for mutations := (fields{msg: e.Data[min(keySize, len(e.Data)):]}); mutations.next(); {
			for edges := (fields{msg: mutations.b}); edges.next(); {
				edge := message{builtin().proposal.byName("mutations").message.byName("edges").message, edges.b}
				f.Add(edge.number(4), edge.bytes(3))
			}
		}
	})
	f.Add(uint64(6), []byte(strings.Repeat("\x01\x07\x00\x00\x00\x01\x00\x00\x00", 20)))
	f.Add(uint64(6), []byte("\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\xf0\x3f\x00\x00\x00\x00\x00\x00\x00\x40"))
	f.Add(uint64(12), []byte("\x00\x00\x80\x3f"))
	f.Fuzz(func(t *testing.T, typ uint64, value []byte) {
		edge := typed(3, 4, string(value), typ)
		edge = protowire.AppendString(protowire.AppendTag(edge, 2, protowire.BytesType), "0-p")
		e := Entry{Data: keyed(within(edge, 2, 3))}
		text, _ := NewDgraph(Alpha, Options{}).AppendJSON(nil, e)
		proposal, ok := checkJSON(t, text, len(e.Data))["proposal"].(map[string]any)
		if !ok {
			t.Fatalf("not decoded: %s", text)
		}
		got := proposal["mutations"].(map[string]any)["edges"].([]any)[0].(map[string]any)
		_, decoded := got["value"]
		_, raw := got["value_base64"]
		if decoded == raw && len(value) > 0 {
			t.Fatalf("got %v", got)
		}
	})
}
