package payload

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
)

// undecoded returns the data that an entry's JSON shows undecoded, if any.
func undecoded(t *testing.T, text []byte) string {
	t.Helper()
	got := parse(t, text)
	if s, ok := got["base64"].(string); ok {
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	s, _ := got["text"].(string)
	return s
}

// TestSecretsOfTheDamaged: data that do not decode are not shown if they may hold a
// secret, wherever they are cut off.
func TestSecretsOfTheDamaged(t *testing.T) {
	alpha, kinds := NewDgraph(Alpha, Options{}), load(t, "testdata/kinds.proto", "kinds.All")
	proposal := func(text string) []byte { return keyed(dgraph(t, "Proposal", text)) }
	restore := proposal(`restore { group_id: 1 location: "s3://b" access_key: "hush1" secret_key: "hush2" session_token: "hush3" backup_num: 7 } index: 300`)
	password := proposal(`mutations { start_ts: 300 edges { attr: "0-dgraph.password" value: "hush4" } edges { attr: "0-pin" value: "hush5" value_type: PASSWORD namespace: 300 } }`)
	custom := encode(t, kinds, `s: "x" children { s: "y" } children { child { password: "hush6" i32: 300 } } by_name { key: "k" value { password: "hush7" } } passwords { key: "k" value: "hush8" }`)
	odd := func(b []byte) []byte { return append(b, 0x0c) } // the end of a group that has not begun
	for _, tt := range []struct {
		name       string
		d, showing Decoder // showing shows secrets
		data       []byte
		everywhere bool // cut at every byte
	}{
		{"a restore", alpha, NewDgraph(Alpha, Options{ShowSecrets: true}), restore, true},
		{"passwords", alpha, NewDgraph(Alpha, Options{ShowSecrets: true}), password, true},
		{"a schema", NewCustom(kinds, 0, Options{}), NewCustom(kinds, 0, Options{ShowSecrets: true}), custom, true},
		{"a restore, and no field", alpha, NewDgraph(Alpha, Options{ShowSecrets: true}), odd(restore), false},
		{"passwords, and no field", alpha, NewDgraph(Alpha, Options{ShowSecrets: true}), odd(password), false},
		{"no field before a secret", alpha, NewDgraph(Alpha, Options{ShowSecrets: true}), keyed(within(join([]byte{0x0c}, within([]byte("hush"), 5)), 12)), false},
		{"beyond the limit", alpha, NewDgraph(Alpha, Options{ShowSecrets: true}),
			join(password, within(bytes.Repeat([]byte{0x1a, 2, 0x78, 5}, 40_000), 2)), false},
	} {
		from := len(tt.data)
		if tt.everywhere {
			from = keySize
		}
		var s Summary
		for n := from; n <= len(tt.data); n++ {
			e := Entry{Data: tt.data[:n]}
			text, _ := tt.d.AppendJSON(nil, e)
			_ = tt.d.Summarize(&s, e)
			for _, shown := range []string{string(text), undecoded(t, text), string(s.Line)} {
				if strings.Contains(shown, "hu") {
					t.Fatalf("%s, %d bytes of %d: shows %.300q", tt.name, n, len(tt.data), shown)
				}
			}
			if !printable(s.Line) || len(s.Line) > maxLine {
				t.Fatalf("%s: line %q", tt.name, s.Line)
			}
		}
		e := Entry{Data: tt.data}
		if text, _ := tt.d.AppendJSON(nil, e); !strings.Contains(string(text), "[redacted]") || !tt.everywhere && undecoded(t, text) != redactedRaw {
			t.Errorf("%s: nothing says that something is hidden: %.300s", tt.name, text)
		}
		if text, _ := tt.showing.AppendJSON(nil, e); !strings.Contains(string(text)+undecoded(t, text), "hush") {
			t.Errorf("%s: asked for, it is not shown: %.300s", tt.name, text)
		}
	}
}

// TestSecretsInUnknownFields: a map entry that is shown with the unknown fields.
func TestSecretsInUnknownFields(t *testing.T) {
	kinds := load(t, "testdata/kinds.proto", "kinds.All")
	for _, entry := range [][]byte{
		within(join(within([]byte("hush"), 2), []byte{0x18, 5}), 82),
		within(join(within(within([]byte("hush"), 80), 2), []byte{0x18, 5}), 30),
	} {
		if text, _ := NewCustom(kinds, 0, Options{}).AppendCompact(nil, Entry{Data: entry}); !strings.Contains(string(text), `"value":"[redacted]"`) {
			t.Errorf("shown: %s", text)
		}
		if text, _ := NewCustom(kinds, 0, Options{ShowSecrets: true}).AppendCompact(nil, Entry{Data: entry}); !strings.Contains(string(text), `"value_base64":"Eg`) {
			t.Errorf("asked for, it is not shown: %s", text)
		}
	}
}

// TestDamagedWithoutSecrets: data that do not decode and hold no secret are shown.
func TestDamagedWithoutSecrets(t *testing.T) {
	alpha := NewDgraph(Alpha, Options{})
	proposal := func(text string) []byte { return keyed(dgraph(t, "Proposal", text)) }
	for _, data := range [][]byte{
		proposal(`mutations { start_ts: 300 edges { attr: "0-name" value: "Ann" value_type: STRING namespace: 300 } }`),
		proposal(`delta { txns { start_ts: 1 commit_ts: 300 } }`),
		proposal(`clean_predicate: "0-dgraph.password"`),
	} {
		e := Entry{Data: data[:len(data)-1]}
		if text, _ := alpha.AppendCompact(nil, e); undecoded(t, text) != string(e.Data) {
			t.Errorf("not shown: %s", text)
		}
	}
}
