package explorer

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/walfs/walfs/cmd/walfs/server/replica"
	"github.com/walfs/walfs/walcore"
)

// view is a page before it is HTML.
type view struct {
	Template string // main is in templates/TEMPLATE.html
	Title    string // of the window
	Tab      string // which of the tabs it belongs to: overview, entries, transactions, members, diff
	Data     any    // what its main is given
	Code     int    // HTTP's; 0: 200
	Scripts  []string
	Styles   []string
	Watches  []string // the replicas whose changes the page shows; nil: that of the address

	replica *replica.Replica // whose page it is; nil: none's
}

// failure is an error whose page has another code than 500. Its text is sentences.
type failure struct {
	code int
	text string
}

func (f *failure) Error() string { return f.text }

// notFound is an error for what is not there.
func notFound(format string, args ...any) error {
	return &failure{http.StatusNotFound, fmt.Sprintf(format, args...)}
}

// badRequest is an error for an address that asks for what cannot be.
func badRequest(format string, args ...any) error {
	return &failure{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

// moved is an error that sends to another address.
type moved struct{ to string }

func (m moved) Error() string { return "see " + m.to }

// redirect is an error that sends to another address of this server.
func redirect(to string) error { return moved{to} }

// errorPage is what templates/error.html shows.
type errorPage struct {
	Title, Text string
	Hint        string // what to do next
}

// answer writes a page, or that of its error.
func (x *explorer) answer(w http.ResponseWriter, r *http.Request, v *view, err error) {
	if v == nil {
		v = &view{}
	}
	if to, ok := errors.AsType[moved](err); ok {
		http.Redirect(w, r, to.to, http.StatusFound)
		return
	}
	if err != nil {
		v = x.errorView(v, err)
	}
	text, err := x.render(v)
	if err != nil { // a template's mistake: the page is none, but says so
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-cache")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(max(v.Code, http.StatusOK))
	w.Write(text) // nobody is there to be told of an error
}

// errorView is the page of an error.
func (x *explorer) errorView(v *view, err error) *view {
	p := errorPage{Title: "Failed", Text: err.Error()}
	code := http.StatusInternalServerError
	var f *failure
	switch {
	case errors.As(err, &f):
		code = f.code
		p.Title = map[int]string{http.StatusNotFound: "Not found", http.StatusBadRequest: "This address asks for what cannot be"}[code]
	case errors.Is(err, replica.ErrBusy):
		code, p.Title = http.StatusServiceUnavailable, "Busy"
	case errors.Is(err, walcore.ErrChanged):
		code, p.Title = http.StatusServiceUnavailable, "Changed meanwhile"
		p.Hint = "The node has changed its log while it was being read. Load the page again."
	case errors.Is(err, walcore.ErrDamaged):
		p.Title = "Damaged"
		p.Hint = "Run walfs check on the directory: it lists all that is wrong, and what each problem means for the node."
	}
	return &view{Template: "error", Title: p.Title, Code: code, Data: p, replica: v.replica}
}

//go:embed templates
var templateFiles embed.FS

// pages are the templates of the pages, by name: each is the layout with another main.
var pages = parsePages()

func parsePages() map[string]*template.Template {
	layout := template.Must(template.New("layout.html").Funcs(functions).ParseFS(templateFiles, "templates/layout.html"))
	if parts, _ := fs.Glob(templateFiles, "templates/parts/*.html"); len(parts) > 0 {
		template.Must(layout.ParseFS(templateFiles, parts...))
	}
	files, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		panic(err) // the pattern is wrong
	}
	all := map[string]*template.Template{}
	for _, file := range files {
		if name := strings.TrimSuffix(path.Base(file), ".html"); name != "layout" {
			all[name] = template.Must(template.Must(layout.Clone()).ParseFS(templateFiles, file))
		}
	}
	return all
}

// frame is what the layout shows around a page's main.
type frame struct {
	*view
	Name     string // the replica's; "": the page is of none
	Replicas []place
	Tabs     []place
	Watching string // the names of the replicas that the page shows, in JSON
}

// place is a link of the header.
type place struct {
	Name, Link string
	Key        string // goes there, after g
	Current    bool
}

func (x *explorer) render(v *view) ([]byte, error) {
	f := frame{view: v}
	if v.replica != nil {
		f.Name = v.replica.Name
		f.Tabs = tabs(f.Name, v.Tab)
		if v.Watches == nil {
			v.Watches = []string{f.Name}
		}
	}
	for _, r := range x.set.Replicas {
		page := v.Tab
		if page == "overview" || page == "diff" {
			page = ""
		}
		f.Replicas = append(f.Replicas, place{Name: r.Name, Link: link(r.Name, page), Current: r == v.replica})
	}
	watching, err := json.Marshal(v.Watches)
	if err != nil {
		return nil, err
	}
	f.Watching = string(watching)
	t := pages[v.Template]
	if t == nil {
		return nil, fmt.Errorf("there is no template %q", v.Template)
	}
	var b bytes.Buffer
	err = t.Execute(&b, &f)
	return b.Bytes(), err
}

// tabs are the pages of a replica.
func tabs(name, current string) []place {
	list := []place{
		{Name: "Overview", Link: link(name, ""), Key: "o", Current: current == "overview"},
		{Name: "Entries", Link: link(name, "entries"), Key: "e", Current: current == "entries"},
		{Name: "Transactions", Link: link(name, "transactions"), Key: "t", Current: current == "transactions"},
		{Name: "Members", Link: link(name, "members"), Key: "m", Current: current == "members"},
	}
	return list
}
