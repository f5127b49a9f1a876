package payload

import (
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// slowMatch is how well b agrees with a message, by the protobuf library's descriptors
// and field after field.
func slowMatch(md protoreflect.MessageDescriptor, b []byte, depth int) match {
	result, seen := exact, map[protowire.Number]bool{}
	for len(b) > 0 {
		num, typ, tag := protowire.ConsumeTag(b)
		if tag < 0 || num > protowire.MaxValidNumber {
			return malformed
		}
		n := protowire.ConsumeFieldValue(num, typ, b[tag:])
		if n < 0 {
			return malformed
		}
		value := b[tag:][:n]
		b = b[tag+n:]
		one := unknownFields
		if fd := md.Fields().ByNumber(num); fd != nil {
			one = slowField(fd, typ, value, depth)
		}
		if md.IsMapEntry() && one != malformed && (tag > 1 || seen[num] || one == otherTypes && typ != wireType(md.Fields().ByNumber(num).Kind())) {
			one = unknownFields
		}
		seen[num] = true
		if result = min(result, one); result == malformed {
			return malformed
		}
	}
	return result
}

func slowField(fd protoreflect.FieldDescriptor, typ protowire.Type, value []byte, depth int) match {
	kind := wireType(fd.Kind())
	list := fd.IsList() && kind != protowire.BytesType && kind != protowire.StartGroupType
	if typ != kind && !(list && typ == protowire.BytesType) {
		return otherTypes
	}
	if typ != protowire.BytesType {
		return exact
	}
	value, _ = protowire.ConsumeBytes(value)
	switch {
	case fd.Message() != nil && depth+1 >= maxDepth && !fd.IsMap():
		return malformed
	case fd.Message() != nil:
		return slowMatch(fd.Message(), value, depth+1)
	case list:
		for len(value) > 0 {
			n := protowire.ConsumeFieldValue(1, kind, value)
			if n < 0 {
				return malformed
			}
			value = value[n:]
		}
	case fd.Kind() == protoreflect.StringKind && !printable(value):
		return oddStrings
	}
	return exact
}

func wantMatch(t *testing.T, p *messagePlan, md protoreflect.MessageDescriptor, b []byte) {
	t.Helper()
	want := slowMatch(md, b, 0)
	if got := p.check(b); got != want {
		t.Fatalf("%x: matches as %d, want %d", b, got, want)
	}
	// Without the texts nothing else is found.
	if got := (checker{}).message(p, b, 0); got != want && (got != exact || want != oddStrings) {
		t.Fatalf("%x: matches as %d without texts, with them as %d", b, got, want)
	}
}

// TestMatch changes each byte of messages in some ways, and cuts them anywhere.
func TestMatch(t *testing.T) {
	for _, of := range []struct {
		md    protoreflect.MessageDescriptor
		texts []string
	}{
		{load(t, "testdata/kinds.proto", "kinds.All"), []string{
			`d: 1 f: 2 i32: -3 s32: -4 x64: 5 s: "x" color: RED packed: [1, 2] names: ["a", "b"] child { s: "y" }`,
			`by_name { key: "a" value { b: true } } by_i32 { key: -1 value: "v" } by_bool { key: true } text: "t" maybe: 0`,
		}},
		{load(t, "dgraph.proto", "walfs.dgraph.Proposal"), []string{
			`mutations { group_id: 1 start_ts: 300 edges { entity: 7 attr: "name" value: "a\x00" } metadata { pred_hints { key: "a" value: 1 } pred_hints { key: "b" } } }`,
			`state { groups { key: 1 value { members { key: 2 value { id: 5 addr: "h" } } } } }`,
		}},
	} {
		p := newPlanner().plan(of.md)
		for _, text := range of.texts {
			b := encode(t, of.md, text)
			if got := p.check(b); got < oddStrings {
				t.Errorf("%s: matches as %d", text, got)
			}
			for i := range b {
				wantMatch(t, p, of.md, b[:i])
				for v := range 256 {
					was := b[i]
					b[i] = byte(v)
					wantMatch(t, p, of.md, b)
					b[i] = was
				}
			}
		}
	}
}
