package httpfs

import (
	"encoding/xml"
	"io/fs"
	"net/http"
	"net/url"
	"strings"

	"github.com/walfs/walfs/fsview"
)

const davMethods = "OPTIONS, GET, HEAD, PROPFIND"

// NewDAV serves a tree as WebDAV, class 1, read-only. The caller has stripped the prefix from
// the path; answers name files by paths with it.
//
// PROPFIND is answered for a resource or its members (Depth 0 and 1), never for all below it.
// To tell the size of a file in jsonl/ takes decoding the log file, as ls -l in a mount does:
// clients take a missing size for 0. It is done once, and only where sizes are asked for.
//
// What would change something is forbidden (403): clients take 405 in some places to say that
// the thing is there already.
func NewDAV(view fsview.View, prefix string, options Options) http.Handler {
	return &dav{handler{view, options}, (&url.URL{Path: strings.TrimSuffix(prefix, "/")}).EscapedPath()}
}

type dav struct {
	handler
	prefix string // escaped
}

func (h *dav) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		h.get(w, r)
	case http.MethodOptions:
		head := w.Header()
		head.Set("Allow", davMethods)
		head.Set("DAV", "1")
		head.Set("MS-Author-Via", "DAV") // Windows
		head.Set("Content-Length", "0")
	case "PROPFIND":
		h.propfind(w, r)
	case http.MethodPut, http.MethodDelete, http.MethodPost, http.MethodPatch,
		"MKCOL", "COPY", "MOVE", "PROPPATCH", "LOCK", "UNLOCK":
		refuse(w, http.StatusForbidden, davMethods, r.Method+" is forbidden: the tree is read-only")
	default:
		refuse(w, http.StatusMethodNotAllowed, davMethods, r.Method+" is no method here")
	}
}

func (h *dav) propfind(to http.ResponseWriter, r *http.Request) {
	depth := strings.ToLower(r.Header.Get("Depth"))
	switch depth {
	case "0", "1":
	case "", "infinity":
		head := to.Header()
		head["Content-Type"] = xmlText
		to.WriteHeader(http.StatusForbidden)
		to.Write([]byte(xml.Header + `<D:error xmlns:D="DAV:"><D:propfind-finite-depth/></D:error>` + "\n"))
		return
	default:
		refuse(to, http.StatusBadRequest, "", "Depth is 0, 1 or infinity")
		return
	}
	asked, err := readPropfind(http.MaxBytesReader(to, r.Body, longestPropfind))
	if err != nil {
		refuse(to, http.StatusBadRequest, "", "the body is no propfind: "+err.Error())
		return
	}
	w := &response{to: to}
	path := r.URL.Path
	if path == "" {
		path = "/"
	}
	p, err := h.find(r.Context(), path)
	if err == nil && p.slash && !p.isFolder() {
		err = notFolderError(p.name)
	}
	if err != nil {
		w.fail(err)
		return
	}
	head := w.Header()
	head["Content-Type"], head["X-Content-Type-Options"], head["Cache-Control"] = xmlText, noSniff, noCache
	w.compress(r)
	w.WriteHeader(http.StatusMultiStatus)
	href := string(appendText(nil, h.prefix+escapedPath(path)))
	if p.isFolder() && !p.slash {
		href += "/"
	}
	b := append([]byte(xml.Header), `<D:multistatus xmlns:D="DAV:">`...)
	b = asked.appendResponse(b, &resource{href, "", p.top, p.name, p.node, &p.attr})
	const bottom = "</D:multistatus>\n"
	if depth == "0" || !p.isFolder() {
		w.Write(append(b, bottom...))
		w.finish()
		return
	}
	row := func(b []byte, d *fsview.Dirent) []byte { return h.appendMember(b, asked, href, p.top, d) }
	if err := h.list(w, r, &p, string(b), row, bottom); err != nil {
		w.fail(err)
		return
	}
	w.finish()
}

// appendMember appends what was asked of a name in a folder.
func (h *dav) appendMember(b []byte, asked *propfind, folder, top string, d *fsview.Dirent) []byte {
	m := resource{folder, d.Name, top, d.Name, d.Node, d.Attr}
	if top == "" {
		m.top = d.Name
	}
	switch {
	case isFolder(d):
		a := fsview.Attr{Mode: fs.ModeDir} // of a link, too
		if d.Attr != nil {
			a.Mtime = d.Attr.Mtime
		}
		m.attr = &a
	case d.Attr == nil && asked.needsAttr():
		a, err := h.view.Attr(d.Node)
		if err != nil {
			// A client that reads it is told why it cannot.
			break
		}
		m.attr = &a
	}
	return asked.appendResponse(b, &m)
}

func escapedPath(path string) string { return (&url.URL{Path: path}).EscapedPath() }

var xmlText = []string{"application/xml; charset=utf-8"}
