//go:build linux

package serve

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/walfs/walfs/test/fixture"
)

// parse reads JSON of which nothing is rounded.
func parse(t *testing.T, what string, text []byte) (v any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v: %.300s", what, err, text)
	}
	return v
}

// without removes a field wherever it is in a value.
func without(v any, field string) any {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			without(e, field)
		}
	case map[string]any:
		delete(v, field)
		for _, e := range v {
			without(e, field)
		}
	}
	return v
}

// TestSameAsCommands: what a command prints of a directory is what the server answers.
func TestSameAsCommands(t *testing.T) {
	dirs := directories(t)
	s := serve(t, dirs...)
	for i, dir := range dirs {
		name, other := filepath.Base(dir), dirs[(i+1)%len(dirs)]
		for path, args := range map[string][]string{
			"status":                   {"stat", "--json", dir},
			"explain":                  {"explain", "--json", dir},
			"stats":                    {"stats", "--json", dir},
			"stats?by=size&top=2":      {"stats", "--json", "--by", "size", "--top", "2", dir},
			"stats?type=normal&from=3": {"stats", "--json", "--type", "normal", "--from", "3", dir},
			"diff?with=" + base(other): {"diff", "--json", dir, other},
		} {
			if name == "hashicorp-wal-n2" && path == "stats?type=normal&from=3" {
				continue // its types have other names
			}
			a := s.get(t, "/api/"+name+"/"+path)
			if a.status != 200 {
				t.Errorf("%s of %s: %d %.300s", path, name, a.status, a.body)
				continue
			}
			want, got := parse(t, path, walfs(t, args...)), parse(t, path, a.body)
			if !reflect.DeepEqual(without(got, "dir"), without(want, "dir")) {
				t.Errorf("%s of %s:\n%.1500s\nwant\n%.1500s", path, name, a.body, walfs(t, args...))
			}
		}
	}
}

func base(dir string) string { return url.QueryEscape(filepath.Base(dir)) }

// TestSameAsDump: the entries that the server gives, with any filter, are those of dump, field
// by field.
func TestSameAsDump(t *testing.T) {
	dirs := map[string]string{}
	var args []string
	for _, name := range []string{"alpha", "zero", "etcd-small", "hashicorp-wal-n2"} {
		dirs[name] = fixture.Dir(t, name)
		args = append(args, dirs[name])
	}
	s := serve(t, args...)
	for _, test := range []struct {
		name   string
		filter []string // flags and their values, by turns
	}{
		{"alpha", nil},
		{"alpha", []string{"from", "10", "to", "20"}},
		{"alpha", []string{"term", "2", "limit", "3"}},
		{"alpha", []string{"type", "conf_change"}},
		{"alpha", []string{"kind", "mutation"}},
		{"alpha", []string{"kind", "mutation,schema"}},
		{"alpha", []string{"kind", "mutation", "kind", "schema"}},
		{"alpha", []string{"predicate", "name"}},
		{"alpha", []string{"grep", "name.*a"}},
		{"alpha", []string{"replay", "true"}},
		{"alpha", []string{"txn", "5"}},
		{"zero", nil},
		{"zero", []string{"member", "1"}},
		{"zero", []string{"from", "400"}},
		{"etcd-small", nil},
		{"etcd-small", []string{"key", "k"}},
		{"etcd-small", []string{"grep", "put"}},
		{"hashicorp-wal-n2", nil},
		{"hashicorp-wal-n2", []string{"type", "log_command", "limit", "7"}},
	} {
		q, flags := url.Values{"limit": {"10000"}, "decode": {"true"}}, []string{"dump", "--format", "json", "--decode"}
		for i := 0; i < len(test.filter); i += 2 {
			name, value := test.filter[i], test.filter[i+1]
			if name == "limit" {
				q.Del(name)
			}
			q.Add(name, value)
			flags = append(flags, "--"+name+"="+value)
		}
		want := bytes.Split(bytes.TrimSpace(walfs(t, append(flags, dirs[test.name])...)), []byte("\n"))
		a := s.get(t, "/api/"+test.name+"/entries?"+q.Encode())
		if a.status != 200 {
			t.Errorf("%s %v: %d %.300s", test.name, test.filter, a.status, a.body)
			continue
		}
		n := 0
		for line := range bytes.Lines(a.body) {
			got := fixture.ParseJSON(t, line)
			if got["index"] == nil { // how far it is, or where it goes on
				continue
			}
			delete(got, "kind") // dump has a column for these, and no field
			delete(got, "what")
			if n >= len(want) || !reflect.DeepEqual(any(got), without(any(fixture.ParseJSON(t, want[n])), "data")) {
				t.Errorf("%s %v: %.300s, want %.300s", test.name, test.filter, line, want[min(n, len(want)-1)])
				break
			}
			n++
		}
		if n != len(want) && len(want[0]) > 0 {
			t.Errorf("%s %v: %d entries, want %d", test.name, test.filter, n, len(want))
		}
	}
}

// TestSameAsTree: an entry's meaning is the file that the tree has of it.
func TestSameAsTree(t *testing.T) {
	for _, name := range []string{"alpha", "etcd-small", "hashicorp-wal-n2"} {
		dir := fixture.Dir(t, name)
		s := serve(t, dir)
		first := s.firstIndex(t, name)
		for index := first; index < first+9; index += 4 {
			want := walfs(t, "cat", dir, fmt.Sprintf("decoded/%d.json", index))
			for _, path := range []string{"/api/%s/decoded/%d", "/dir/%s/decoded/%d.json", "/dav/%s/decoded/%020d.json"} {
				path = fmt.Sprintf(path, name, index)
				if a := s.get(t, path); a.status != 200 || !bytes.Equal(a.body, want) {
					t.Errorf("%s: %d %.300s, want %.300s", path, a.status, a.body, want)
				}
			}
		}
	}
}
