package httpfs

import (
	"encoding/xml"
	"fmt"
	"io/fs"
	"net/url"
	"strings"
	"testing"

	"github.com/walfs/walfs/fsview"
	"github.com/walfs/walfs/test/fixture"
)

// multistatus is what a WebDAV client reads of an answer.
type multistatus struct {
	Responses []struct {
		Href  string `xml:"DAV: href"`
		Stats []struct {
			Status string `xml:"DAV: status"`
			Prop   struct {
				Each []struct {
					XMLName xml.Name
					Inner   string `xml:",innerxml"`
					Text    string `xml:",chardata"`
				} `xml:",any"`
			} `xml:"DAV: prop"`
		} `xml:"DAV: propstat"`
	} `xml:"DAV: response"`
}

// parseMultistatus gives the properties of each path, by their names. One that is missing is
// named after a !.
func parseMultistatus(t testing.TB, a answer) map[string]map[string]string {
	t.Helper()
	a.want(t, 207, "Content-Type", "application/xml; charset=utf-8")
	var m multistatus
	fixture.Must(t, xml.Unmarshal(a.Body.Bytes(), &m))
	all := map[string]map[string]string{}
	for _, r := range m.Responses {
		href, err := url.Parse(r.Href)
		fixture.Must(t, err)
		props := map[string]string{}
		for _, stat := range r.Stats {
			for _, p := range stat.Prop.Each {
				switch {
				case stat.Status == "HTTP/1.1 404 Not Found":
					props["!"+p.XMLName.Space+p.XMLName.Local] = ""
				case stat.Status != "HTTP/1.1 200 OK":
					t.Errorf("%s: status %q", r.Href, stat.Status)
				case p.XMLName.Space != davSpace:
					t.Errorf("%s has a %v", r.Href, p.XMLName)
				case strings.Contains(p.Inner, "<"):
					props[p.XMLName.Local] = p.Inner
				default:
					props[p.XMLName.Local] = p.Text
				}
			}
		}
		if all[href.Path] != nil {
			t.Errorf("%s comes twice", href.Path)
		}
		all[href.Path] = props
	}
	return all
}

// TestPropfind: what it says of each folder and file is what the tree has, and what HEAD says.
func TestPropfind(t *testing.T) {
	tree := openFixture(t, "snaponly")
	h := NewDAV(tree, "/dav/a b/", Options{})
	err := fs.WalkDir(tree, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		at := "/" + strings.TrimPrefix(path+"/", "./")
		got := parseMultistatus(t, ask(t, h, "PROPFIND", at, "Depth", "1"))
		names, err := fs.ReadDir(tree, path)
		fixture.Must(t, err)
		if len(got) != len(names)+1 {
			t.Errorf("%s: %d responses, want %d", at, len(got), len(names)+1)
		}
		if self := got["/dav/a b"+at]; self["resourcetype"] != "<D:collection/>" || self["getcontentlength"] != "" {
			t.Errorf("%s: %v", at, self)
		}
		for i, name := range names {
			if i > 20 {
				break
			}
			full := strings.TrimPrefix(path+"/"+name.Name(), "./")
			info, err := fs.Stat(tree, full)
			fixture.Must(t, err)
			if info.IsDir() {
				props := got["/dav/a b/"+full+"/"]
				if props["resourcetype"] != "<D:collection/>" || props["displayname"] != name.Name() || props["getcontenttype"] != "" {
					t.Errorf("%s: %v", full, props)
				}
				continue
			}
			props := got["/dav/a b/"+full]
			want := map[string]string{"displayname": name.Name(), "resourcetype": "", "supportedlock": "",
				"getcontentlength": fmt.Sprint(info.Size()), "creationdate": info.ModTime().UTC().Format("2006-01-02T15:04:05Z")}
			head := ask(t, h, "HEAD", "/"+full)
			for property, header := range map[string]string{"getcontentlength": "Content-Length", "getlastmodified": "Last-Modified",
				"getcontenttype": "Content-Type", "getetag": "ETag"} {
				if value := head.Header().Get(header); value != "" {
					want[property] = value
				}
			}
			if fmt.Sprint(props) != fmt.Sprint(want) {
				t.Errorf("%s: %v, want %v", full, props, want)
			}
			if alone := parseMultistatus(t, ask(t, h, "PROPFIND", "/"+full, "Depth", "0"))["/dav/a b/"+full]; fmt.Sprint(alone) != fmt.Sprint(props) {
				t.Errorf("%s: with depth 0 %v, with depth 1 %v", full, alone, props)
			}
		}
		return nil
	})
	fixture.Must(t, err)
}

func propfindBody(inner string) string {
	return `<?xml version="1.0"?><propfind xmlns="DAV:">` + inner + `</propfind>`
}

func TestPropfindBodies(t *testing.T) {
	h := NewDAV(openFixture(t, "alpha"), "/dav", Options{})
	for _, test := range []struct{ name, body, want string }{
		{"some", propfindBody(`<prop><getcontentlength/><resourcetype/></prop>`), "map[getcontentlength:2 resourcetype:]"},
		{"with a prefix", `<D:propfind xmlns:D="DAV:"><D:prop><D:displayname/></D:prop></D:propfind>`, "map[displayname:raft_id]"},
		{"unknown", propfindBody(`<prop><getcontentlength/><quota-used-bytes/><x xmlns="urn:&lt;&quot;>"/></prop>`),
			`map[!DAV:quota-used-bytes: !urn:<">x: getcontentlength:2]`},
		{"propname", propfindBody(`<propname/>`),
			"map[creationdate: displayname: getcontentlength: getcontenttype: getetag: getlastmodified: resourcetype: supportedlock:]"},
		{"what is unknown is no matter", propfindBody(`<leave-me/><prop><displayname><x><getetag/></x></displayname></prop><z xmlns="y"><prop><getetag/></prop></z>`),
			"map[displayname:raft_id]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := send(h, request("PROPFIND", "/meta/raft_id", []byte(test.body), "Depth", "0"))
			if props := parseMultistatus(t, got)["/dav/meta/raft_id"]; fmt.Sprint(props) != test.want {
				t.Errorf("got %v, want %v", props, test.want)
			}
		})
	}
	// A folder has no length.
	got := send(h, request("PROPFIND", "", []byte(propfindBody(`<prop><getcontentlength/></prop>`)), "Depth", "0"))
	if props := parseMultistatus(t, got)["/dav/"]; fmt.Sprint(props) != "map[!DAV:getcontentlength:]" {
		t.Errorf("of the top: %v", props)
	}
	for _, bad := range []string{
		"x", "<", "<propfind/>", `<propfind xmlns="DAV:">`, propfindBody(""), propfindBody("<prop/>"), propfindBody("<allprop/><propname/>"),
		propfindBody("<prop><displayname/></prop><propname/>"), `<D:propfind><D:allprop/></D:propfind>`, `<prop xmlns="DAV:"/>`,
		propfindBody(`<prop><bar:foo xmlns:bar=""/></prop>`), propfindBody(`<prop><bar:foo/></prop>`), propfindBody(`<prop><a:b:c/></prop>`),
		`<!DOCTYPE x [<!ENTITY a "aaaa">]>` + propfindBody("<allprop/>"), propfindBody("<prop>&a;</prop>"),
		`<?xml version="1.0" encoding="utf-16"?>` + propfindBody("<allprop/>"),
		propfindBody("<allprop/>") + propfindBody("<allprop/>"), propfindBody("<allprop/>") + "<",
		propfindBody("<prop>" + strings.Repeat("<a/>", mostUnknown+1) + "</prop>"),
		propfindBody("<allprop/>" + strings.Repeat(" ", longestPropfind)),
		strings.Repeat("<a>", 10000),
	} {
		send(h, request("PROPFIND", "/", []byte(bad), "Depth", "0")).want(t, 400)
		if t.Failed() {
			t.Fatalf("%.200s", bad)
		}
	}
}

func TestDepth(t *testing.T) {
	h := NewDAV(openFixture(t, "alpha"), "/dav", Options{})
	for depth, want := range map[string]int{"0": 207, "1": 207, "infinity": 403, "Infinity": 403, "": 403, "2": 400, "1,noroot": 400} {
		for _, path := range []string{"/", "/entries", "/README"} {
			got := ask(t, h, "PROPFIND", path, "Depth", depth)
			if got.Code != want || want == 403 && !strings.Contains(got.Body.String(), "<D:propfind-finite-depth/>") {
				t.Errorf("%s, depth %q: %d %.100s", path, depth, got.Code, got.Body)
			}
		}
	}
	// The link is a folder, with the same time in both ways.
	snaponly := NewDAV(openFixture(t, "snaponly"), "", Options{})
	listed := parseMultistatus(t, ask(t, snaponly, "PROPFIND", "/snapshots/", "Depth", "1"))["/snapshots/latest/"]
	alone := parseMultistatus(t, ask(t, snaponly, "PROPFIND", "/snapshots/latest/", "Depth", "0"))["/snapshots/latest/"]
	if fmt.Sprint(listed) != fmt.Sprint(alone) || listed["getlastmodified"] == "" {
		t.Errorf("the link is %v, listed as %v", alone, listed)
	}
	// A folder without its slash is answered, and named with it.
	if got := parseMultistatus(t, ask(t, h, "PROPFIND", "/meta", "Depth", "1")); got["/dav/meta/"] == nil || got["/dav/meta/raft_id"] == nil {
		t.Errorf("got %v", got)
	}
	for path, want := range map[string]int{"/no": 404, "/README/": 404, "/entries/976": 404, "/../README": 404, "/entries/42": 207} {
		if got := ask(t, h, "PROPFIND", path, "Depth", "0"); got.Code != want {
			t.Errorf("%s: %d", path, got.Code)
		}
	}
}

// TestSizesOfLines: they are found out once, and only for those who ask.
func TestSizesOfLines(t *testing.T) {
	attrs := 0
	tree := openFixture(t, "alpha")
	h := NewDAV(viewAttr{tree, &attrs}, "", Options{})
	for body, want := range map[string]int{"": 1, propfindBody("<prop><displayname/><resourcetype/></prop>"): 0, propfindBody("<propname/>"): 0} {
		attrs = 0
		got := parseMultistatus(t, send(h, request("PROPFIND", "/jsonl/", []byte(body), "Depth", "1")))
		if attrs != want {
			t.Errorf("%q: %d look-ups of a size", body, attrs)
		}
		if size := fmt.Sprint(len(read(t, tree, "jsonl/00001.wal.jsonl"))); body == "" && got["/jsonl/00001.wal.jsonl"]["getcontentlength"] != size {
			t.Errorf("got %v, want %s bytes", got, size)
		}
	}
}

// viewAttr counts how often the attributes of a file are asked for.
type viewAttr struct {
	fsview.View
	files *int
}

func (v viewAttr) Attr(n fsview.Node) (fsview.Attr, error) {
	a, err := v.View.Attr(n)
	if err == nil && a.Mode.IsRegular() {
		*v.files++
	}
	return a, err
}

func TestOptions(t *testing.T) {
	h := NewDAV(openFixture(t, "alpha"), "/dav", Options{})
	for _, path := range []string{"/", "", "/no", "*"} {
		ask(t, h, "OPTIONS", path).want(t, 200, "DAV", "1", "Allow", davMethods, "MS-Author-Via", "DAV")
	}
}
