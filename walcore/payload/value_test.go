package payload

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

func le(u uint64) string { return string(binary.LittleEndian.AppendUint64(nil, u)) }

func moment(t *testing.T, tm time.Time) string {
	t.Helper()
	b, err := tm.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func unhex(t *testing.T, s string) string {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// typed encodes {value, type} with the given field numbers.
func typed(valueNum, typeNum protowire.Number, value string, typ uint64) []byte {
	b := protowire.AppendString(protowire.AppendTag(nil, valueNum, protowire.BytesType), value)
	return protowire.AppendVarint(protowire.AppendTag(b, typeNum, protowire.VarintType), typ)
}

// within puts a message in nested fields; the last of the numbers is the innermost.
func within(b []byte, nums ...protowire.Number) []byte {
	for i := len(nums) - 1; i >= 0; i-- {
		b = protowire.AppendBytes(protowire.AppendTag(nil, nums[i], protowire.BytesType), b)
	}
	return b
}

const (
	point   = "01 01000000 000000000000f03f 0000000000000040"                  // 1 2, little-endian
	pointBE = "00 00000001 3ff0000000000000 4000000000000000"                  // the same, big-endian
	pointZ  = "01 e9030000 000000000000f03f 0000000000000040 0000000000000840" // 1 2 3
	line    = "01 02000000 02000000 000000000000f03f 0000000000000040 0000000000000840 0000000000001040"
	ring    = "04000000 0000000000000000 0000000000000000 000000000000f03f 0000000000000000 000000000000f03f 000000000000f03f 0000000000000000 0000000000000000"
)

// edgeValue is the value of an edge of type typ, and how its JSON begins.
type edgeValue struct {
	typ         uint64
	value, want string
}

func testEdgeValues(t *testing.T, values []edgeValue) {
	t.Helper()
	for _, tt := range values {
		d := NewDgraph(Alpha, Options{})
		e := Entry{Data: keyed(within(typed(3, 4, tt.value, tt.typ), 2, 3))}
		got, _ := d.AppendCompact(nil, e)
		if !strings.Contains(string(got), `"edges":[{`+tt.want) {
			t.Errorf("type %d: got %.500s, want %s", tt.typ, got, tt.want)
		}
		parse(t, got)
		indented, _ := d.AppendJSON(nil, e)
		parse(t, indented)
	}
}

func TestEdgeValues(t *testing.T) {
	floats := string(binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, math.Float32bits(0.1)), math.Float32bits(-2)))
	testEdgeValues(t, []edgeValue{
		{0, "text as sent", `"value":"text as sent"`}, // DEFAULT
		{0, "a\xff", `"value_base64":"Yf8="`},
		{1, "bin", `"value_base64":"Ymlu","value_type":"BINARY"`},
		{2, le(51), `"value":51,"value_type":"INT"`},
		{2, le(math.MaxUint64), `"value":-1,`},
		{2, le(0), `"value":0,`},
		{2, "51", `"value_base64":"NTE=",`},
		{3, le(math.Float64bits(0.5)), `"value":0.5,`},
		{3, le(math.Float64bits(1e300)), `"value":1e+300,`},
		{3, le(math.Float64bits(math.NaN())), `"value":"NaN",`},
		{3, "\x00", `"value_base64":"AA==",`},
		{4, "\x01", `"value":true,`},
		{4, "\x00", `"value":false,`},
		{4, "\x02", `"value_base64":"Ag==",`},
		{4, "true", `"value_base64":"dHJ1ZQ==",`},
		{7, "0x1", `"value":"0x1","value_type":"UID"`},
		{9, "ä", `"value":"ä","value_type":"STRING"`},
		{10, "{}", `"value":"{}","value_type":"OBJECT"`},
		{11, "1.5", `"value":"1.5","value_type":"BIGFLOAT"`},
		{12, floats, `"value":[0.1,-2],"value_type":"VFLOAT"`},
		{12, "abc", `"value_base64":"YWJj",`},
		{13, "new", `"value_base64":"bmV3","value_type":13`},
	})
}

func TestDateTimeValues(t *testing.T) {
	zone := time.FixedZone("", 2*3600+1800)
	testEdgeValues(t, []edgeValue{
		{5, moment(t, time.Date(1999, 1, 2, 3, 4, 5, 6000, time.UTC)), `"value":"1999-01-02T03:04:05.000006Z",`},
		{5, moment(t, time.Date(1999, 1, 2, 3, 4, 5, 0, zone)), `"value":"1999-01-02T03:04:05+02:30",`},
		{5, moment(t, time.Date(1999, 1, 2, 3, 4, 5, 0, time.FixedZone("", 2*3600+1805))), `"value":"1999-01-02T00:34:00Z",`},
		{5, moment(t, time.Date(1999, 1, 2, 3, 4, 5, 0, time.FixedZone("", -30*3600))), `"value":"1999-01-03T09:04:05Z",`},
		{5, moment(t, time.Date(1999, 1, 2, 3, 4, 5, 0, time.FixedZone("", 24*3600))), `"value":"1999-01-01T03:04:05Z",`},
		{5, moment(t, time.Date(1999, 1, 2, 3, 4, 5, 0, time.FixedZone("", 60-24*3600))), `"value":"1999-01-02T03:04:05-23:59",`},
		{5, moment(t, time.Date(9999, 12, 31, 23, 0, 0, 0, time.FixedZone("", -30*3600))), `"value_base64":"`},
		{5, moment(t, time.Date(12000, 1, 2, 3, 4, 5, 0, time.UTC)), `"value_base64":"`},
		{5, "1999-01-02", `"value_base64":"`},
	})
}

func TestGeoValues(t *testing.T) {
	testEdgeValues(t, []edgeValue{
		{6, unhex(t, point), `"value":{"type":"Point","coordinates":[1,2]},"value_type":"GEO"`},
		{6, unhex(t, pointBE), `"value":{"type":"Point","coordinates":[1,2]},`},
		{6, unhex(t, pointZ), `"value":{"type":"Point","coordinates":[1,2,3]},`},
		{6, unhex(t, line), `"value":{"type":"LineString","coordinates":[[1,2],[3,4]]},`},
		{6, unhex(t, "01 03000000 01000000"+ring), `"value":{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,0]]]},`},
		{6, unhex(t, "01 04000000 02000000"+point+pointBE), `"value":{"type":"MultiPoint","coordinates":[[1,2],[1,2]]},`},
		{6, unhex(t, "01 05000000 01000000"+line), `"value":{"type":"MultiLineString","coordinates":[[[1,2],[3,4]]]},`},
		{6, unhex(t, "01 06000000 01000000 01 03000000 01000000"+ring), `"value":{"type":"MultiPolygon","coordinates":[[[[0,0],[1,0],[1,1],[0,0]]]]},`},
		{6, unhex(t, "01 07000000 02000000"+point+line),
			`"value":{"type":"GeometryCollection","geometries":[{"type":"Point","coordinates":[1,2]},{"type":"LineString","coordinates":[[1,2],[3,4]]}]},`},
		{6, unhex(t, "01 02000000 00000000"), `"value":{"type":"LineString","coordinates":[]},`},
		{6, unhex(t, point) + "x", `"value_base64":"`},                                     // more than a geometry
		{6, unhex(t, point)[:12], `"value_base64":"`},                                      // cut
		{6, unhex(t, "01 02000000 ffffffff"), `"value_base64":"`},                          // a count beyond the bytes
		{6, unhex(t, "02 01000000"), `"value_base64":"`},                                   // no byte order
		{6, unhex(t, "01 d1070000 000000000000f03f 0000000000000040"), `"value_base64":"`}, // with a measure
		{6, unhex(t, "01 01000000 000000000000f87f 0000000000000040"), `"value_base64":"`}, // NaN
		{6, unhex(t, "01 04000000 01000000"+line), `"value_base64":"`},                     // a line among points
		{6, strings.Repeat(unhex(t, "01 07000000 01000000"), 5000), `"value_base64":"`},    // collections of collections
		{6, `{"type":"Point"}`, `"value_base64":"`},
	})
}

func TestFacetValues(t *testing.T) {
	for _, tt := range []struct {
		typ         uint64
		value, want string
	}{
		{0, "close", `"value":"close"}`},
		{1, le(7), `"value":7,"val_type":"INT"}`},
		{2, le(math.Float64bits(0.5)), `"value":0.5,"val_type":"FLOAT"}`},
		{3, "\x01", `"value":true,"val_type":"BOOL"}`},
		{4, moment(t, time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)), `"value":"2020-01-01T00:00:00Z","val_type":"DATETIME"}`},
		{1, "7", `"value_base64":"Nw==","val_type":"INT"}`},
		{8, "x", `"value_base64":"eA==","val_type":8}`}, // 8 is PASSWORD for an edge, and no type for a facet
	} {
		facet := append(within([]byte("since"), 1), typed(2, 3, tt.value, tt.typ)...)
		got, _ := NewDgraph(Alpha, Options{}).AppendCompact(nil, Entry{Data: keyed(within(facet, 2, 3, 9))})
		if want := `"facets":[{"key":"since",` + tt.want; !strings.Contains(string(got), want) {
			t.Errorf("type %d: got %s, want %s", tt.typ, got, want)
		}
	}
}

// TestTypeBeforeValue: the type may come before the value or after it; of several, the
// last one counts.
func TestTypeBeforeValue(t *testing.T) {
	edge := join([]byte{0x20, 9, 0x20, 2}, within([]byte(le(5)), 3))
	got, _ := NewDgraph(Alpha, Options{}).AppendCompact(nil, Entry{Data: keyed(within(edge, 2, 3))})
	if !strings.Contains(string(got), `{"value":5,"value_type":"INT"}`) {
		t.Errorf("got %s", got)
	}
}

func TestRedaction(t *testing.T) {
	restore := dgraph(t, "Proposal", `restore { location: "s3://b" access_key: "AKIA" secret_key: "hush1" session_token: "hush2" vault_roleid_file: "/r" vault_secretid_file: "/s" vault_path: "p" }`)
	password := dgraph(t, "Proposal", `mutations { edges { attr: "0-dgraph.password" value: "hush5" value_type: DEFAULT } edges { attr: "0-pin" value: "hush6" value_type: PASSWORD } edges { attr: "0-pin" value: "\xffhush7" value_type: PASSWORD } }`)
	broken := join(within([]byte("\xffhush"), 12, 6)) // no UTF-8
	for _, data := range [][]byte{restore, password, broken} {
		e := Entry{Data: keyed(data)}
		hidden, _ := NewDgraph(Alpha, Options{}).AppendCompact(nil, e)
		for _, secret := range []string{"AKIA", "hush", "/2h1c2g"} {
			if strings.Contains(string(hidden), secret) {
				t.Errorf("%s is not hidden: %s", secret, hidden)
			}
		}
		if !strings.Contains(string(hidden), `"[redacted]"`) {
			t.Errorf("nothing says that something is hidden: %s", hidden)
		}
		parse(t, hidden)
		var s Summary
		_ = NewDgraph(Alpha, Options{ShowSecrets: true}).Summarize(&s, e)
		if strings.Contains(string(s.Line), "hush") {
			t.Errorf("a secret in a summary: %s", s.Line)
		}
	}
	hidden, _ := NewDgraph(Alpha, Options{}).AppendCompact(nil, Entry{Data: keyed(restore)})
	if !strings.Contains(string(hidden), `"vault_roleid_file":"/r","vault_secretid_file":"/s"`) {
		t.Errorf("the names of files are hidden: %s", hidden)
	}
	shown, _ := NewDgraph(Alpha, Options{ShowSecrets: true}).AppendCompact(nil, Entry{Data: keyed(restore)})
	for _, want := range []string{`"access_key":"AKIA","secret_key":"hush1","session_token":"hush2"`, `"vault_secretid_file":"/s"`} {
		if !strings.Contains(string(shown), want) {
			t.Errorf("%s is not shown: %s", want, shown)
		}
	}
	shown, _ = NewDgraph(Alpha, Options{ShowSecrets: true}).AppendCompact(nil, Entry{Data: keyed(password)})
	if !strings.Contains(string(shown), `"value":"hush5"`) || !strings.Contains(string(shown), `"value":"hush6"`) {
		t.Errorf("passwords are not shown: %s", shown)
	}

	// The user's own schema marks its secrets the same way.
	md := load(t, "testdata/kinds.proto", "kinds.All")
	got, _ := NewCustom(md, 0, Options{}).AppendCompact(nil, Entry{Data: encode(t, md, `password: "hush"`)})
	if !strings.HasSuffix(string(got), `"message":{"password":"[redacted]"}}`) {
		t.Errorf("got %s", got)
	}
}

func TestPredicateName(t *testing.T) {
	for attr, want := range map[string]string{
		"0-name":                               "0-name",
		"1f-name":                              "1f-name",
		"\x00\x00\x00\x00\x00\x00\x00\x00name": "0-name",
		"\x00\x00\x00\x00\x00\x00\x01\xffname": "1ff-name",
		"name":                                 "name",
		"":                                     "",
		"\x00":                                 "\x00",
	} {
		if got := predicateName([]byte(attr)); string(got) != want {
			t.Errorf("%q: got %q, want %q", attr, got, want)
		}
	}
}
