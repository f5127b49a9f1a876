package payload

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

func load(t testing.TB, file, name string) protoreflect.MessageDescriptor {
	t.Helper()
	md, err := LoadMessage(file, name)
	if err != nil {
		t.Fatal(err)
	}
	return md
}

// encode reads the text form of a message and returns its encoding.
func encode(t testing.TB, md protoreflect.MessageDescriptor, text string) []byte {
	t.Helper()
	m := dynamicpb.NewMessage(md)
	if err := (prototext.UnmarshalOptions{Resolver: typesIn(md.ParentFile())}).Unmarshal([]byte(text), m); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// reference returns what protojson decodes b to. ok is false if b is no such message,
// or if the library panics.
func reference(t testing.TB, md protoreflect.MessageDescriptor, b []byte) (got map[string]any, ok bool) {
	t.Helper()
	defer func() {
		if recover() != nil {
			got, ok = nil, false
		}
	}()
	types := typesIn(md.ParentFile())
	m := dynamicpb.NewMessage(md)
	if err := (proto.UnmarshalOptions{Resolver: types, AllowPartial: true}).Unmarshal(b, m); err != nil {
		return nil, false
	}
	text, err := protojson.MarshalOptions{UseProtoNames: true, Resolver: types, AllowPartial: true}.Marshal(m)
	if err != nil {
		return nil, false
	}
	return parse(t, text), true
}

// decode returns the message of a normal entry decoded by md, and the text.
func decode(t testing.TB, md protoreflect.MessageDescriptor, b []byte) (any, string) {
	t.Helper()
	text, err := NewCustom(md, 0, Options{ShowSecrets: true}).AppendJSON(nil, Entry{Data: b})
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, text)["message"], string(text)
}

// TestAgreesWithProtojson compares the walker with the protobuf library, which
// decodes into messages first.
func TestAgreesWithProtojson(t *testing.T) {
	all, old := load(t, "testdata/kinds.proto", "kinds.All"), load(t, "testdata/old.proto", "old.Old")
	for _, tt := range []struct {
		name string
		md   protoreflect.MessageDescriptor
		text string
	}{
		{"scalars", all, `d: 1.5 f: -0.1 i32: -1 i64: -2 u32: 3 u64: 18446744073709551615 s32: -4 s64: -5
			x32: 6 x64: 7 sx32: -8 sx64: -9 b: true s: "ä\"\\\n\u2028" raw: "\xff\x00" color: RED`},
		{"extremes", all, `d: 1e300 f: 1e-30 i32: -2147483648 i64: -9223372036854775808 s32: -2147483648 s64: 9223372036854775807`},
		{"no numbers", all, `d: nan f: -inf doubles: [inf, -0.0, 1e21, 1e-7, 123456789.125]`},
		{"zeros", all, `child {} d: 0 i32: 0 b: false s: "" raw: "" color: NONE`},
		{"minus zero", all, `d: -0.0 f: -0.0`},
		{"alias", all, `color: CRIMSON colors: [RED, DARK]`},
		{"enum without a name", all, `color: 77 colors: [-5]`},
		{"empty child", all, `child {}`},
		{"children", all, `child { s: "a" child { i32: 1 } } children { s: "b" } children {} children { children { b: true } }`},
		{"lists", all, `packed: [0, 1, -1] loose: [0, -1] names: ["", "x"] raws: ["", "\x01"]`},
		{"maps", all, `by_name { key: "b" value { s: "1" } } by_name { key: "a" value {} } by_i32 { key: -10 value: "m" }
			by_i32 { key: 9 value: "" } by_u64 { key: 18446744073709551615 value: "z" } by_bool { key: true value: RED } by_bool { key: false }
			by_s64 { key: -7 value: 1 } by_s64 { key: 7 } by_sx32 { key: -1 value: true } by_sx32 { key: 2 }`},
		{"oneof text", all, `text: ""`},
		{"oneof message", all, `all { i32: 1 }`},
		{"presence", all, `maybe: 0 maybe_text: ""`},
		{"names and order", all, `late: "1" early: "2" camelCase: "3" password: "4"`},
		{"special", all, `time { seconds: 1000000000 nanos: 5000000 } took { seconds: -3 nanos: -500000000 } wrapped { value: -7 } times {} times { seconds: 1 }
			fields { fields { key: "k" value { list_value { values { number_value: 1 } values { null_value: NULL_VALUE } } } } }`},
		{"any", all, `any { [type.googleapis.com/kinds.All] { s: "inside" } }`},
		{"proto2", old, `id: 0 name: "" kind: SECOND Inner { n: 0 } Many { s: "1" } Many {} list: [1, 2] zero: false`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := encode(t, tt.md, tt.text)
			want, ok := reference(t, tt.md, b)
			if !ok {
				t.Fatal("protojson refuses it")
			}
			got, text := decode(t, tt.md, b)
			if !reflect.DeepEqual(got, any(want)) {
				t.Errorf("got %v\nwant %v", got, want)
			}
			if tt.name != "special" && tt.name != "any" { // their order is the library's
				checkLayout(t, []byte(text))
			}
		})
	}
}

// TestUnusualEncodings: encodings that are allowed, but that few encoders write.
func TestUnusualEncodings(t *testing.T) {
	md := load(t, "testdata/kinds.proto", "kinds.All")
	e := func(text string) []byte { return encode(t, md, text) }
	for name, b := range map[string][]byte{
		"last one wins":               join(e(`s: "a" i32: 1`), e(`s: "b" i32: 2`)),
		"last one is zero":            join(e(`i32: 1`), []byte{0x18, 0}),
		"out of order":                join(e(`names: "1"`), e(`s: "x"`), e(`names: "2"`), e(`d: 1`)),
		"submessages merge":           join(e(`child { s: "a" names: "1" child { i32: 1 } }`), e(`i32: 1`), e(`child { s: "b" names: "2" child { i64: 2 } }`)),
		"oneof replaced":              join(e(`text: "a"`), e(`number: 0`)),
		"oneof merges":                join(e(`all { s: "a" }`), e(`all { i32: 1 }`)),
		"oneof cleared between":       join(e(`all { s: "a" }`), e(`number: 1`), e(`all { i32: 1 }`)),
		"packed and not":              join(e(`packed: [1, 2]`), []byte{0xa0, 1, 3}, e(`packed: 4`)),
		"packed where it should not":  protowire.AppendBytes(protowire.AppendTag(nil, 21, protowire.BytesType), []byte{1, 2, 3}),
		"empty packed":                protowire.AppendBytes(protowire.AppendTag(nil, 20, protowire.BytesType), nil),
		"equal map keys":              join(e(`by_i32 { key: 1 value: "a" }`), e(`by_i32 { key: 0 value: "b" }`), e(`by_i32 { key: 1 value: "c" }`)),
		"map entry without key":       protowire.AppendBytes(protowire.AppendTag(nil, 31, protowire.BytesType), []byte{0x12, 1, 'x'}),
		"map entry without value":     protowire.AppendBytes(protowire.AppendTag(nil, 30, protowire.BytesType), []byte{0x0a, 1, 'x'}),
		"empty map entry":             protowire.AppendBytes(protowire.AppendTag(nil, 33, protowire.BytesType), nil),
		"value before key":            protowire.AppendBytes(protowire.AppendTag(nil, 31, protowire.BytesType), []byte{0x12, 1, 'x', 0x08, 5}),
		"32 bits of a longer varint":  protowire.AppendVarint(protowire.AppendTag(nil, 5, protowire.VarintType), 1<<40+7),
		"long form of a short varint": {0x18, 0x85, 0x80, 0x00},
	} {
		want, ok := reference(t, md, b)
		if !ok {
			t.Fatalf("%s: protojson refuses it", name)
		}
		if got, _ := decode(t, md, b); !reflect.DeepEqual(got, any(want)) {
			t.Errorf("%s:\ngot  %v\nwant %v", name, got, want)
		}
	}
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// TestShownNotDropped: the JSON has what protojson leaves out or refuses.
func TestShownNotDropped(t *testing.T) {
	md := load(t, "testdata/kinds.proto", "kinds.All")
	field := func(num protowire.Number, content string) []byte {
		return protowire.AppendString(protowire.AppendTag(nil, num, protowire.BytesType), content)
	}
	for _, tt := range []struct {
		name string
		data []byte
		want string
	}{
		{"varint", []byte{0xf8, 0x3f, 5}, `{"unknown_fields":[{"number":1023,"wire_type":"varint","value":"5"}]}`},
		{"fixed32", []byte{0xfd, 0x3f, 1, 0, 0, 0}, `{"unknown_fields":[{"number":1023,"wire_type":"fixed32","value":"1"}]}`},
		{"fixed64", []byte{0xf9, 0x3f, 1, 0, 0, 0, 0, 0, 0, 1}, `{"unknown_fields":[{"number":1023,"wire_type":"fixed64","value":"72057594037927937"}]}`},
		{"text", field(1023, "hi"), `{"unknown_fields":[{"number":1023,"wire_type":"bytes","value":"hi"}]}`},
		{"bytes", field(1023, "\xff"), `{"unknown_fields":[{"number":1023,"wire_type":"bytes","value_base64":"/w=="}]}`},
		{"group", []byte{0xfb, 0x3f, 8, 1, 0xfc, 0x3f}, `{"unknown_fields":[{"number":1023,"wire_type":"group","value_base64":"CAE="}]}`},
		{"in the wrong wire type", []byte{0x72 - 2, 5}, `{"unknown_fields":[{"number":14,"wire_type":"varint","value":"5"}]}`},
		{"inside a child, beside what is known", field(17, "\x18\x07\xf8\x3f\x05"),
			`{"child":{"i32":7,"unknown_fields":[{"number":1023,"wire_type":"varint","value":"5"}]}}`},
		{"more in a map entry", field(31, "\x08\x01\x12\x01a\x18\x05"), `{"unknown_fields":[{"number":31,"wire_type":"bytes","value_base64":"CAESAWEYBQ=="}]}`},
		{"two keys in a map entry", field(31, "\x08\x01\x08\x02"), `{"unknown_fields":[{"number":31,"wire_type":"bytes","value_base64":"CAEIAg=="}]}`},
		{"string that is no UTF-8", field(14, "a\xff"), `{"s_base64":"Yf8="}`},
		{"the same in a list", field(22, "\xff"), `{"names":[{"base64":"/w=="}]}`},
		{"the same as a map key", field(30, "\x0a\x01\xff"), `{"by_name":{"base64:/w==":{}}}`},
		{"the same as a map value", field(31, "\x12\x01\xff"), `{"by_i32":{"0":{"base64":"/w=="}}}`},
		{"timestamp out of range", field(70, "\x08\xff\xff\xff\xff\xff\xff\xff\x7f"), `{"time":{"seconds":"72057594037927935"}}`},
		{"any of an unknown type", field(73, "\x0a\x03x/y\x12\x01z"), `{"any":{"type_url":"x/y","value":"eg=="}}`},
		{"unknown in a struct", field(72, "\x0a\x07\x0a\x01k\x12\x02\x38\x05"), `{"fields":{"fields":{"k":{"unknown_fields":[{"number":7,"wire_type":"varint","value":"5"}]}}}}`},
		{"two keys in a struct", field(72, "\x0a\x05\x0a\x01k\x08\x01"), `{"fields":{"unknown_fields":[{"number":1,"wire_type":"bytes","value_base64":"CgFrCAE="}]}}`},
		{"two keys in an any", field(73, "\x0a\x0bx/kinds.All\x12\x08\xf2\x01\x05\x0a\x01k\x08\x01"), `{"any":{"type_url":"x/kinds.All","value":"8gEFCgFrCAE="}}`},
		{"equal map keys, once", join(field(31, "\x08\x01\x12\x01a"), field(31, "\x08\x01\x12\x01b")), `{"by_i32":{"1":"b"}}`},
		{"control characters", field(14, "\x1b[31m\x7f\u009b"), `{"s":"\u001b[31m\u007f\u009b"}`},
	} {
		got, _ := NewCustom(md, 0, Options{}).AppendCompact(nil, Entry{Data: tt.data})
		want := `,"message":` + tt.want + `}`
		if !strings.HasSuffix(string(got), want) {
			t.Errorf("%s: got %s, want …%s", tt.name, got, want)
		}
		parse(t, got)
	}
}

// TestGrowth: an unknown field of two bytes becomes five lines of JSON. Too many of them
// are shown undecoded.
func TestGrowth(t *testing.T) {
	md := load(t, "testdata/old.proto", "old.Old")
	few, many := bytes.Repeat([]byte{0x78, 5}, 1000), bytes.Repeat([]byte{0x78, 5}, 200_000)
	if _, text := decode(t, md, few); strings.Count(text, `"number": 15`) != 1000 {
		t.Errorf("1000 unknown fields are not shown: %.300s", text)
	}
	if _, text := decode(t, md, many); !strings.Contains(text, `"text": "x`) {
		t.Errorf("200,000 unknown fields give %d bytes: %.300s", len(text), text)
	}
}

// nested is a field num that contains a field num, and so on, depth times.
func nested(depth int, num protowire.Number) []byte {
	return within(nil, slices.Repeat([]protowire.Number{num}, depth)...)
}

// inParts is a kinds.All that nests around some bytes. Each level is in two parts.
func inParts(depth, size int) []byte {
	first, second := within(make([]byte, size), 15), []byte{0x18, 5}
	for range depth {
		first, second = within(first, 17), within(second, 17)
	}
	return join(first, second)
}

// structs is a kinds.All with a Struct that nests around many fields. One is a value
// of no kind, which protojson cannot write.
func structs(depth, fields int) []byte {
	b := join(within(nil, 1, 2), bytes.Repeat(within(nil, 1, 1), fields))
	for range depth {
		b = within(b, 1, 2, 5)
	}
	return within(b, 72)
}

// maxAllocated is how much memory decoding size bytes may take: that of the JSON several
// times, since it is copied as it grows.
func maxAllocated(size int) int { return 8 * (outputBase + outputFactor*size) }

// TestBounds: bytes that would take much time or memory are shown undecoded.
func TestBounds(t *testing.T) {
	md := load(t, "testdata/kinds.proto", "kinds.All")
	if got, text := decode(t, md, inParts(20, 64<<10)); got == nil {
		t.Errorf("20 levels in parts are not shown: %.200s", text)
	}
	if _, text := decode(t, md, nested(50, 17)); strings.Count(text, `"child"`) != 50 {
		t.Errorf("50 levels are not shown: %.200s", text)
	}
	var groups []byte
	for range 20000 {
		groups = protowire.AppendTag(groups, 2000, protowire.StartGroupType)
	}
	for name, b := range map[string][]byte{
		"100 levels":            nested(100, 17),
		"10,000 levels":         nested(10_000, 17),
		"in lists":              nested(5_000, 23),
		"in a oneof":            nested(5_000, 41),
		"of structs":            protowire.AppendBytes(protowire.AppendTag(nil, 17, protowire.BytesType), nested(3_000, 17)),
		"in parts":              inParts(95, 64<<10),
		"of groups":             groups,
		"truncated":             {0x72, 5, 'a'},
		"length beyond 64 bits": {0x72, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
		"field number 0":        {0x02, 0x00},
		"end of no group":       {0x0c},
		"wire type 7":           {0x0f},
		"truncated packed":      {0xa2, 1, 1, 0x80},
		"truncated map entry":   {0xfa, 1, 2, 0x12, 5},
	} {
		got, text := decode(t, md, b)
		if got != nil {
			t.Errorf("%s: decoded as %.300s", name, text)
		}
		if len(text) > outputBase+outputFactor*len(b) {
			t.Errorf("%s: %d bytes became %d", name, len(b), len(text))
		}
	}
}
