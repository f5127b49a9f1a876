package payload

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	testfixture "github.com/walfs/walfs/test/fixture"
)

// etcdFixtures are those that are there.
func etcdFixtures(t testing.TB) []string {
	names := []string{"etcd-small"}
	if testfixture.Full() {
		for _, name := range []string{"etcd-single", "etcd-killed", "etcd-n1", "etcd-n2", "etcd-n3", "etcd-rewritten"} {
			if testfixture.Has(name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// TestEtcdFixtures compares each entry with what etcd's own types decode it to.
func TestEtcdFixtures(t *testing.T) {
	d := NewEtcd(Options{ShowSecrets: true})
	for _, name := range etcdFixtures(t) {
		log := readEtcd(t, name)
		i := 0
		testfixture.Lines(t, name, "decoded", func(line []byte) {
			e := log.entries[i]
			i++
			want := testfixture.ParseJSON(t, line)
			want["size"] = json.Number(fmt.Sprint(len(e.Data)))
			for _, change := range []string{"conf_change", "conf_change_v2"} {
				if c, ok := want[change].(map[string]any); ok && c["context"] != nil {
					context, err := base64.StdEncoding.DecodeString(c["context"].(string))
					testfixture.Must(t, err)
					want["member"] = testfixture.ParseJSON(t, context)
					delete(c, "context")
				}
			}
			got := etcdJSON(t, d, e)
			textOfBytes(t, want)
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("%s entry %d:\ngot  %v\nwant %v", name, e.Index, got, want)
			}
		})
		if i != len(log.entries) || i == 0 {
			t.Errorf("%s: %d entries, %d lines", name, len(log.entries), i)
		}
	}
}

// etcdJSON is an entry in both forms, which agree.
func etcdJSON(t *testing.T, d Decoder, e Entry) map[string]any {
	t.Helper()
	text, _ := d.AppendJSON(nil, e)
	checkLayout(t, text)
	compact, _ := d.AppendCompact(nil, e)
	got := parse(t, text)
	if !reflect.DeepEqual(got, parse(t, compact)) {
		t.Fatalf("entry %d: the forms differ:\n%s\n%s", e.Index, text, compact)
	}
	return got
}

// textOfBytes makes text of the keys and values in v, which are base64, where they are text.
func textOfBytes(t testing.TB, v any) {
	t.Helper()
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			textOfBytes(t, e)
		}
	case map[string]any:
		for _, name := range []string{"key", "value", "range_end"} {
			encoded, ok := v[name].(string)
			if !ok {
				continue
			}
			b, err := base64.StdEncoding.DecodeString(encoded)
			testfixture.Must(t, err)
			delete(v, name)
			if strings.ContainsFunc(string(b), func(r rune) bool {
				return r == '\uFFFD' || r < ' ' && r != '\n' && r != '\r' && r != '\t' || r >= 0x7f && r < 0xa0
			}) {
				v[name+"_base64"] = encoded
			} else {
				v[name] = string(b)
			}
		}
		for _, e := range v {
			textOfBytes(t, e)
		}
	}
}
