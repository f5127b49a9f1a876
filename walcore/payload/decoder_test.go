package payload

import (
	"encoding/base64"
	"strings"
	"sync"
	"testing"
)

// TestRaw: data that are no proposal are shown as they are.
func TestRaw(t *testing.T) {
	binary := string(keyed([]byte{0xff, 0xff}))
	for _, tt := range []struct{ name, data, want string }{
		{"empty", "", `"size":0}`},
		{"1 byte", "a", `"size":1,"text":"a"}`},
		{"1 byte, no UTF-8", "\xff", `"size":1,"base64":"/w=="}`},
		{"2 bytes", "\x00\x01", `"text":"\u0000\u0001"}`},
		{"3 bytes", "äb", `"text":"äb"}`},
		{"4 bytes", "a\n\"\\", `"text":"a\n\"\\"}`},
		{"5 bytes", "12345", `"text":"12345"}`},
		{"6 bytes", "\x08\x00\x10\x00\x18\x01", `"text":"\b\u0000\u0010\u0000\u0018\u0001"}`},
		{"7 bytes", "1234567", `"text":"1234567"}`},
		{"7 bytes, no UTF-8", "123456\x80", `"base64":"MTIzNDU2gA=="}`},
		{"8 bytes of text", "12345678", `"text":"12345678"}`},
		{"a key alone", string(keyed(nil)), `"key":"407323662155783","proposal":{}}`},
		{"text", "an entry of another program", `"text":"an entry of another program"}`},
		{"text that would parse", "12345678b\x20r of a long text that is long", `"text":"12345678b r of a long text that is long"}`},
		{"binary", binary, `"base64":"` + base64.StdEncoding.EncodeToString([]byte(binary)) + `"}`},
		{"malformed inside", string(keyed([]byte{0x12, 2, 0x1a, 5})), `"text":"\u0000\u0001ru`},
		{"unknown field", string(keyed([]byte{0xa0, 6, 5})), `"proposal":{"unknown_fields":[{"number":100,"wire_type":"varint","value":"5"}]}}`},
	} {
		want := strings.Replace(tt.want, `\b`, `\u0008`, 1)
		for _, app := range []App{Alpha, Zero} {
			got, err := NewDgraph(app, Options{}).AppendCompact([]byte("kept"), Entry{Term: 1, Index: 2, Data: []byte(tt.data)})
			if err != nil || !strings.HasPrefix(string(got), `kept{"term":1,"index":2,"type":"EntryNormal","size":`) || !strings.Contains(string(got), want) {
				t.Errorf("%s: got %s, want …%s", tt.name, got, want)
			}
			parse(t, got[4:])
		}
	}
}

// TestSummaryOfRaw: it is short and has no characters that control a terminal.
func TestSummaryOfRaw(t *testing.T) {
	d := NewDgraph(Alpha, Options{})
	var s Summary
	for data, want := range map[string][2]string{
		"abc":                      {KindText, `"abc"`},
		"\x1b[2J":                  {KindText, `"\x1b[2J"`},
		"\xff\x00":                 {KindBinary, "ff00"},
		strings.Repeat("\xff", 33): {KindBinary, strings.Repeat("ff", 32) + "…"},
		strings.Repeat("ä", 1000):  {KindText, `"` + strings.Repeat("ä", 30) + `"…`},
	} {
		_ = d.Summarize(&s, Entry{Data: []byte(data)})
		if s.Kind != want[0] || string(s.Line) != want[1] {
			t.Errorf("%.20q: got %s %s, want %s", data, s.Kind, s.Line, want)
		}
	}
}

// TestSummaryOfNames: names are quoted only if they could control a terminal.
func TestSummaryOfNames(t *testing.T) {
	for name, want := range map[string]string{"0-a b": "0-a b", "0-ä": "0-ä", "a\tb": `"a\tb"`, "a\rb": `"a\rb"`, "a\nb": `"a\nb"`, "a\x1bb": `"a\x1bb"`} {
		var s Summary
		_ = NewDgraph(Alpha, Options{}).Summarize(&s, Entry{Data: keyed(within([]byte(name), 6))})
		if got := string(s.Line); got != "clean predicate "+want {
			t.Errorf("%q: got %s, want %s", name, got, want)
		}
	}
}

// TestConcurrent: one decoder in several goroutines, which share a pool of walkers.
func TestConcurrent(t *testing.T) {
	path, _ := fixture("alpha.tar.gz")
	entries := readLog(t, path).entries
	d := NewDgraph(Alpha, Options{})
	var want [][]byte
	for _, e := range entries {
		b, _ := d.AppendJSON(nil, e)
		want = append(want, b)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			var buf []byte
			for i, e := range entries {
				if buf, _ = d.AppendJSON(buf[:0], e); string(buf) != string(want[i]) {
					t.Errorf("entry %d differs", e.Index)
					return
				}
			}
		})
	}
	wg.Wait()
}
