//go:build linux

package serve

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/walfs/walfs/test/fixture"
)

// description is the server's own description of what it answers.
type description struct{ *openapi3.T }

func readDescription(t *testing.T, text []byte) description {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(text)
	fixture.Must(t, err)
	fixture.Must(t, doc.Validate(context.Background()))
	return description{doc}
}

// schema is the one of an answer to a request for a path of the description.
func (d description) schema(t *testing.T, path string, a answer) *openapi3.Schema {
	t.Helper()
	item := d.Paths.Value(path)
	if item == nil || item.Get == nil {
		t.Fatalf("%s is not described", path)
	}
	response := item.Get.Responses.Status(a.status)
	if response == nil {
		response = item.Get.Responses.Default()
	}
	content := response.Value.Content[a.kind()]
	if content == nil {
		t.Fatalf("%s: %d has the type %q, which is not described: %.300s", path, a.status, a.kind(), a.body)
	}
	return content.Schema.Value
}

// part is the schema that an extension of a schema refers to: of a line, or of an event's data.
func (d description) part(t *testing.T, s *openapi3.Schema, extension string) *openapi3.Schema {
	t.Helper()
	refers, ok := s.Extensions[extension].(map[string]any)
	if !ok {
		t.Fatalf("%s is missing", extension)
	}
	name := filepath.Base(fmt.Sprint(refers["$ref"]))
	part := d.Components.Schemas[name]
	if part == nil {
		t.Fatalf("%s refers to %q", extension, name)
	}
	return part.Value
}

// holds fails if text is not what a schema says. Nothing but one value may be in it.
func holds(t *testing.T, what string, schema *openapi3.Schema, text []byte) {
	t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Errorf("%s: %v: %.300s", what, err, text)
	} else if err := schema.VisitJSON(v, openapi3.MultiErrors(), openapi3.EnableFormatValidation(), openapi3.DisableSchemaErrorDetails()); err != nil {
		t.Errorf("%s: %.600v\n%.200s", what, err, text)
	}
}

// check fails if an answer is not as it is described.
func (d description) check(t *testing.T, path, asked string, a answer) {
	t.Helper()
	schema := d.schema(t, path, a)
	switch a.kind() {
	case "application/json":
		holds(t, asked, schema, a.body)
	case "application/x-ndjson":
		schema = d.part(t, schema, "x-line")
		for line := range bytes.Lines(a.body) {
			holds(t, asked, schema, line)
		}
	case "application/yaml": // it is the description
	default:
		t.Errorf("%s: nothing is known of the type %s", asked, a.kind())
	}
}

// TestDescribed: what the server answers under /api/ is what its description says, of every
// system, of damage and of a missing key, and of what is asked wrongly.
func TestDescribed(t *testing.T) {
	dirs := directories(t)
	s := serve(t, dirs...)
	text := s.get(t, "/api/openapi.yaml").body
	if !bytes.Equal(text, fixture.ReadFile(t, "../../cmd/walfs/server/api/openapi.yaml")) {
		t.Error("/api/openapi.yaml is another text than the file")
	}
	d := readDescription(t, text)
	for path := range d.Paths.Map() {
		if !slices.ContainsFunc(requests, func(r request) bool { return r.path == path }) && path != "/api/events" { // TestEvents
			t.Errorf("%s is described, and nothing asks for it here", path)
		}
	}
	for i, dir := range dirs {
		name := filepath.Base(dir)
		names := strings.NewReplacer("NAME", name, "INDEX", fmt.Sprint(s.firstIndex(t, name)), "OTHER", filepath.Base(dirs[(i+1)%len(dirs)]))
		for _, r := range requests {
			url := names.Replace(r.url)
			a := s.get(t, url)
			unreadable := name == "sealed128" && a.status == 403 || name == "damaged" && a.status == 500
			if a.status != r.status && !(r.status == 200 && unreadable) {
				t.Errorf("%s: %d, want %d: %.300s", url, a.status, r.status, a.body)
			}
			d.check(t, r.path, url, a)
		}
	}
	bad := fmt.Sprint(fixture.ReadManifest(t, "alpha").Entries[damagedSlot].Index)
	for _, r := range []request{
		{"/api/{name}/entry/{index}", "/api/damaged/entry/" + bad, 500},
		{"/api/{name}/decoded/{index}", "/api/damaged/decoded/" + bad, 500},
		{"/api/{name}/entry/{index}", "/api/sealed128/entry/1", 403},
		{"/api/{name}/decoded/{index}", "/api/sealed128/decoded/1", 403},
	} {
		a := s.get(t, r.url)
		if a.status != r.status {
			t.Errorf("%s: %d, want %d: %.300s", r.url, a.status, r.status, a.body)
		}
		d.check(t, r.path, r.url, a)
	}
	if lines := s.get(t, "/api/damaged/entries").body; !bytes.Contains(lines, []byte(`{"index":`+bad+`,"error":`)) {
		t.Errorf("entries do not tell of the damaged one, %s: %.300s", bad, lines)
	}
}

// request is one that a path of the description is for, with the status of its answer. NAME
// stands for a directory, OTHER for the next one, and INDEX for its first entry.
type request struct {
	path, url string
	status    int
}

var requests = []request{
	{"/api/status", "/api/status", 200},
	{"/api/openapi.yaml", "/api/openapi.yaml", 200},

	{"/api/{name}/status", "/api/NAME/status", 200},
	{"/api/{name}/status", "/api/nobody/status", 404},
	{"/api/{name}/status", "/api/%3Cscript%3E/status", 404},

	{"/api/{name}/entries", "/api/NAME/entries", 200},
	{"/api/{name}/entries", "/api/NAME/entries?decode=true&limit=5000", 200},
	{"/api/{name}/entries", "/api/NAME/entries?limit=1", 200},
	{"/api/{name}/entries", "/api/NAME/entries?from=INDEX&to=INDEX", 200},
	{"/api/{name}/entries", "/api/NAME/entries?from=18446744073709551615", 200},
	{"/api/{name}/entries", "/api/NAME/entries?term=999", 200},
	{"/api/{name}/entries", "/api/NAME/entries?limit=10001", 400},
	{"/api/{name}/entries", "/api/NAME/entries?from=x", 400},
	{"/api/{name}/entries", "/api/NAME/entries?from=-1", 400},
	{"/api/{name}/entries", "/api/NAME/entries?since=x", 400},
	{"/api/{name}/entries", "/api/NAME/entries?grep=%28", 400},
	{"/api/{name}/entries", "/api/NAME/entries?kind=nothing", 400},
	{"/api/{name}/entries", "/api/NAME/entries?decode=x", 400},
	{"/api/{name}/entries", "/api/NAME/entries?no=1", 400},
	{"/api/{name}/entries", "/api/NAME/entries?%zz", 400},
	{"/api/{name}/entries", "/api/nobody/entries", 404},

	{"/api/{name}/entry/{index}", "/api/NAME/entry/INDEX", 200},
	{"/api/{name}/entry/{index}", "/api/NAME/entry/0", 404},
	{"/api/{name}/entry/{index}", "/api/NAME/entry/18446744073709551615", 404},
	{"/api/{name}/entry/{index}", "/api/NAME/entry/99999999999999999999", 400},
	{"/api/{name}/entry/{index}", "/api/NAME/entry/x", 400},
	{"/api/{name}/entry/{index}", "/api/nobody/entry/1", 404},

	{"/api/{name}/decoded/{index}", "/api/NAME/decoded/INDEX", 200},
	{"/api/{name}/decoded/{index}", "/api/NAME/decoded/0", 404},
	{"/api/{name}/decoded/{index}", "/api/NAME/decoded/18446744073709551615", 404},
	{"/api/{name}/decoded/{index}", "/api/NAME/decoded/x", 400},
	{"/api/{name}/decoded/{index}", "/api/nobody/decoded/1", 404},

	{"/api/{name}/stats", "/api/NAME/stats", 200},
	{"/api/{name}/stats", "/api/NAME/stats?by=kind&by=term&top=3", 200},
	{"/api/{name}/stats", "/api/NAME/stats?by=nothing", 400},
	{"/api/{name}/stats", "/api/NAME/stats?top=x", 400},
	{"/api/{name}/stats", "/api/nobody/stats", 404},

	{"/api/{name}/explain", "/api/NAME/explain", 200},
	{"/api/{name}/explain", "/api/nobody/explain", 404},

	{"/api/{name}/diff", "/api/NAME/diff?with=OTHER", 200},
	{"/api/{name}/diff", "/api/NAME/diff?with=nobody", 400},
	{"/api/{name}/diff", "/api/NAME/diff?with=NAME", 400},
	{"/api/{name}/diff", "/api/nobody/diff", 404},

	{"/api/{name}/transactions", "/api/NAME/transactions", 200},
	{"/api/{name}/transactions", "/api/NAME/transactions?limit=1", 200},
	{"/api/{name}/transactions", "/api/NAME/transactions?pending=true", 200},
	{"/api/{name}/transactions", "/api/NAME/transactions?txn=1", 200},
	{"/api/{name}/transactions", "/api/NAME/transactions?from=5&limit=2", 200},
	{"/api/{name}/transactions", "/api/NAME/transactions?limit=0", 400},
	{"/api/{name}/transactions", "/api/NAME/transactions?limit=x", 400},
	{"/api/{name}/transactions", "/api/NAME/transactions?limit=10001", 400},
	{"/api/{name}/transactions", "/api/NAME/transactions?pending=x", 400},
	{"/api/{name}/transactions", "/api/NAME/transactions?txn=x", 400},
	{"/api/{name}/transactions", "/api/nobody/transactions", 404},

	{"/api/{name}/members", "/api/NAME/members", 200},
	{"/api/{name}/members", "/api/nobody/members", 404},
}

// TestNothingElse: what is not described is not there, and nothing can be written.
func TestNothingElse(t *testing.T) {
	s := serve(t, fixture.Dir(t, "alpha"))
	d := readDescription(t, s.get(t, "/api/openapi.yaml").body)
	for _, path := range []string{"/api", "/api/", "/api/openapi.json", "/api/alpha", "/api/alpha/", "/api/alpha/status/",
		"/api/alpha/entry", "/api/alpha/entry/", "/api/alpha/entries/1", "/api/alpha/decoded", "/api/alpha/decoded/1.json",
		"/api/alpha/native", "/api/status/", "/api/alpha/entry/1/2", "/api/alpha/../../etc/passwd", "/api/alpha/decoded/..%2f..%2fnative%2fwal.meta",
		"/api/debug/pprof", "/debug/pprof/", "/debug/vars"} {
		a := s.get(t, path)
		if a.status == 200 {
			t.Errorf("%s: %d %.100s", path, a.status, a.body)
		} else if strings.HasPrefix(path, "/api/") && a.kind() == "application/json" {
			holds(t, path, d.Components.Schemas["Error"].Value, a.body)
		}
	}
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "MKCOL"} {
		for _, path := range []string{"/", "/log/alpha/", "/api/status", "/api/alpha/entries", "/metrics"} {
			r, err := http.NewRequest(method, s.URL+path, nil)
			fixture.Must(t, err)
			a, err := http.DefaultClient.Do(r)
			fixture.Must(t, err)
			a.Body.Close()
			if a.StatusCode != http.StatusMethodNotAllowed || !strings.HasSuffix(a.Header.Get("Allow"), "GET, HEAD") {
				t.Errorf("%s %s: %s, Allow %q", method, path, a.Status, a.Header.Get("Allow"))
			}
		}
	}
}

// TestEvents: the stream begins with how each directory is, and goes on with what changes.
func TestEvents(t *testing.T) {
	dirs := directories(t)
	s := serve(t, dirs...)
	d := readDescription(t, s.get(t, "/api/openapi.yaml").body)
	r, err := http.Get(s.URL + "/api/events")
	fixture.Must(t, err)
	defer r.Body.Close()
	a := answer{status: r.StatusCode, header: r.Header}
	data := d.part(t, d.schema(t, "/api/events", a), "x-data")
	missing := map[string]bool{}
	for _, dir := range dirs {
		missing[filepath.Base(dir)] = true
	}
	lines := bufio.NewScanner(r.Body)
	for len(missing) > 0 && lines.Scan() {
		line := lines.Text()
		if value, ok := strings.CutPrefix(line, "data: "); ok {
			holds(t, "/api/events", data, []byte(value))
			delete(missing, fixture.ParseJSON(t, []byte(value))["name"].(string))
		} else if line != "" && line != "event: change" && !strings.HasPrefix(line, ":") {
			t.Errorf("%q is no line of an event", line)
		}
	}
	if len(missing) > 0 {
		t.Errorf("no event of %v: %v", missing, lines.Err())
	}
}
