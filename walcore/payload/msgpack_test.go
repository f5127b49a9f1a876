package payload

import (
	"bytes"
	"encoding/binary"
	"math"
	"strings"
	"testing"

	testfixture "github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
)

// A small encoder, which takes the shortest form for strings and counts. A pair is a key
// and a value.

func mpText(s string) string {
	switch n := len(s); {
	case n < 32:
		return string([]byte{0xa0 | byte(n)}) + s
	case n < 1<<8:
		return string([]byte{0xd9, byte(n)}) + s
	default:
		return string(binary.BigEndian.AppendUint32([]byte{0xdb}, uint32(n))) + s
	}
}

func mpMap(pairs ...string) string {
	return string(binary.BigEndian.AppendUint16([]byte{0xde}, uint16(len(pairs)/2))) + strings.Join(pairs, "")
}

func mpList(elements ...string) string {
	return string(binary.BigEndian.AppendUint16([]byte{0xdc}, uint16(len(elements)))) + strings.Join(elements, "")
}

// mpFields makes a map of texts from names and values.
func mpFields(texts ...string) string {
	var pairs []string
	for _, s := range texts {
		pairs = append(pairs, mpText(s))
	}
	return mpMap(pairs...)
}

func hashicorpJSON(t *testing.T, opts Options, data string) string {
	t.Helper()
	e := Entry{Term: 1, Index: 2, Type: uint32(walcore.LogCommand), Data: []byte(data)}
	text, err := NewHashiCorp(opts).AppendCompact(nil, e)
	testfixture.Must(t, err)
	parse(t, text)
	_, rest, _ := strings.Cut(string(text), `"size":`)
	_, rest, _ = strings.Cut(rest, ",")
	return strings.TrimSuffix(rest, "}")
}

// TestMsgpack: every form of every type, as a member of a message of an unknown type.
func TestMsgpack(t *testing.T) {
	long := strings.Repeat("x", 300)
	for _, test := range []struct{ value, want string }{
		{"\xc0", `null`}, {"\xc2", `false`}, {"\xc3", `true`},
		{"\x00", `0`}, {"\x7f", `127`}, {"\xff", `-1`}, {"\xe0", `-32`},
		{"\xcc\xff", `255`}, {"\xcd\xff\xff", `65535`}, {"\xce\xff\xff\xff\xff", `4294967295`},
		{"\xcf\xff\xff\xff\xff\xff\xff\xff\xff", `18446744073709551615`},
		{"\xd0\x80", `-128`}, {"\xd1\x80\x00", `-32768`}, {"\xd2\x80\x00\x00\x00", `-2147483648`},
		{"\xd3\x80\x00\x00\x00\x00\x00\x00\x00", `-9223372036854775808`}, {"\xd0\x7f", `127`},
		{"\xca\x3f\xc0\x00\x00", `1.5`}, {"\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00", `1.5`},
		{string(binary.BigEndian.AppendUint64([]byte{0xcb}, math.Float64bits(math.NaN()))), `"NaN"`},
		{"\xa0", `""`}, {"\xa3a\"b", `"a\"b"`}, {"\xd9\x02hi", `"hi"`}, {"\xda\x00\x02hi", `"hi"`},
		{"\xdb\x00\x00\x00\x02hi", `"hi"`}, {"\xc4\x02hi", `"hi"`}, {"\xc5\x00\x02hi", `"hi"`},
		{"\xc6\x00\x00\x00\x02hi", `"hi"`}, {mpText(long), `"` + long + `"`},
		{"\x92\x01\x90", `[1,[]]`}, {"\xdc\x00\x01\x01", `[1]`}, {"\xdd\x00\x00\x00\x01\x01", `[1]`},
		{"\x91\xc4\x02\xff\xfe", `[{"base64":"//4="}]`},
		{"\x81\xa1a\x01", `{"a":1}`}, {"\xde\x00\x01\xa1a\x01", `{"a":1}`}, {"\xdf\x00\x00\x00\x01\xa1a\x01", `{"a":1}`},
		{"\x80", `{}`}, {"\x82\xa1a\x01\xa1a\x02", `{"a":1,"a":2}`},
		{"\x81\x05\x01", `{"5":1}`}, {"\x81\xc0\x01", `{"null":1}`}, {"\x81\xc3\xa0", `{"true":""}`},
		{"\x81\x82\xa1a\x01\xa1b\x02\x03", `{"{\"a\":1,\"b\":2}":3}`},
		{"\x81\xa1a\xc4\x01\xff", `{"a_base64":"/w=="}`}, {"\x81\x05\xc4\x01\xff", `{"5_base64":"/w=="}`},
		{"\x81\xc4\x01\xff\x01", `{"{\"base64\":\"/w==\"}":1}`},
		{"\xd6\xff\x00\x00\x00\x01", `"1970-01-01T00:00:01Z"`},
		{"\xd7\xff\x00\x00\x00\x08\x00\x00\x00\x01", `"1970-01-01T00:00:01.000000002Z"`},
		{"\xc7\x0c\xff\x00\x00\x00\x03\xff\xff\xff\xff\xff\xff\xff\xff", `"1969-12-31T23:59:59.000000003Z"`},
		{"\x81\xd6\xff\x00\x00\x00\x01\x01", `{"1970-01-01T00:00:01Z":1}`},
		{"\xc7\x0c\xff\x3b\x9a\xca\x00\x00\x00\x00\x00\x00\x00\x00\x00", `{"ext":-1,"base64":"O5rKAAAAAAAAAAAA"}`}, // 1e9 ns
		{"\xc7\x0c\xff\x00\x00\x00\x00\x7f\xff\xff\xff\xff\xff\xff\xff", `{"ext":-1,"base64":"AAAAAH//////////"}`}, // beyond year 9999
		{"\xd4\x05a", `{"ext":5,"base64":"YQ=="}`}, {"\xd5\x05ab", `{"ext":5,"base64":"YWI="}`},
		{"\xd8\x05abcdefghijklmnop", `{"ext":5,"base64":"YWJjZGVmZ2hpamtsbW5vcA=="}`},
		{"\xc7\x01\x80a", `{"ext":-128,"base64":"YQ=="}`}, {"\xc8\x00\x01\x05a", `{"ext":5,"base64":"YQ=="}`},
		{"\xc9\x00\x00\x00\x01\x05a", `{"ext":5,"base64":"YQ=="}`},
	} {
		want := `"message_type":7,"message":{"v":` + test.want + `}`
		if got := hashicorpJSON(t, Options{}, "\x07\x81\xa1v"+test.value); got != want {
			t.Errorf("%x: got %s\nwant %s", test.value, got, want)
		}
	}
}

// TestMsgpackThatIsNone: what is cut, claims more than there is, or has bytes behind it does
// not decode, and no memory is taken for it.
func TestMsgpackThatIsNone(t *testing.T) {
	whole := "\x07" + mpMap(mpText("v"), "\xcf12345678", mpText("w"), mpText("text"), mpText("x"), "\xd8\x0512345678abcdefgh", mpText("y"), mpList("\x01", "\xc0"))
	bad := []string{
		whole + "\xc0", "\x07\x81\xa1v\xc1", "\x07\x80", "\x07\x81\x05\x01", "\x07\x81\xa0\x01", "\x07\x91\x01", "\x07\x01",
		"\x07\x81\xa1v\xdd\xff\xff\xff\xff\x01", "\x07\x81\xa1v\xdf\x80\x00\x00\x00\x01\x01", "\x07\xdf\xff\xff\xff\xff",
		"\x07\x81\xa1v\xdb\xff\xff\xff\xff", "\x07\x81\xa1v\xc6\xff\xff\xff\xff", "\x07\x81\xa1v\xc9\xff\xff\xff\xff\x01",
		"\x07\x81\xa1v" + strings.Repeat("\x91", maxDepth) + "\xc0",          // too deep
		"\x07\x81\xa1v\x81" + strings.Repeat("\x81", 2) + "\x01\x01\x01\x01", // a map in a key in a key
	}
	for i := 1; i < len(whole); i++ {
		bad = append(bad, whole[:i])
	}
	for _, data := range bad {
		var got string
		if n := testfixture.Allocated(func() { got = hashicorpJSON(t, Options{}, data) }); n > 1<<20 {
			t.Errorf("%x: %d bytes of memory", data, n)
		}
		if !strings.HasPrefix(got, `"base64":`) && !strings.HasPrefix(got, `"text":`) {
			t.Errorf("%x: got %s", data, got)
		}
	}
	if got := hashicorpJSON(t, Options{}, "\x07\x81\xa1v"+strings.Repeat("\x91", maxDepth-1)+"\xc0"); !strings.HasPrefix(got, `"message_type":7`) {
		t.Errorf("%d levels: %s", maxDepth, got)
	}
}

// TestMsgpackBounds: JSON that would become much larger than the data is not written.
func TestMsgpackBounds(t *testing.T) {
	nested := bytes.Repeat([]byte{0x91}, 95)
	nils := append([]byte{0xdd, 0, 1, 0, 0}, bytes.Repeat([]byte{0xc0}, 1<<16)...)
	data := "\x07\x81\xa1v" + string(nested) + string(nils)
	e := Entry{Type: uint32(walcore.LogCommand), Data: []byte(data)}
	text, _ := NewHashiCorp(Options{}).AppendJSON(nil, e)
	if got := checkJSON(t, text, len(data)); got["base64"] == nil {
		t.Errorf("indented, got %.100s", text)
	}
	text, _ = NewHashiCorp(Options{}).AppendCompact(nil, e)
	if got := checkJSON(t, text, len(data)); got["message"] == nil {
		t.Errorf("compact, got %.100s", text)
	}
}
