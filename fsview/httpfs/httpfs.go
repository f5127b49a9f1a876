package httpfs

import (
	"context"
	"net/http"
	"net/url"

	"github.com/walfs/walfs/fsview"
)

// Options of a handler. The zero value is ready for use.
type Options struct {
	// Decode is called before bytes are read, or sizes asked for, that may have to be decoded:
	// in decoded/ and jsonl/, and of a snapshot's decoded.json. It may wait, and gives a
	// function that is called when they have been read, before they are written to the
	// client. If it fails, the client is told to come back (503). nil: there is no limit.
	Decode func(ctx context.Context) (release func(), err error)
}

// handler is what plain HTTP and WebDAV have in common.
type handler struct {
	view    fsview.View
	options Options
}

// New serves a tree below "/": the caller has stripped what is in front of it from the path,
// and redirects the path without the slash.
func New(view fsview.View, options Options) http.Handler {
	h := &handler{view, options}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			refuse(w, http.StatusMethodNotAllowed, "GET, HEAD", r.Method+" is no method here: the tree is read-only")
			return
		}
		h.get(w, r)
	})
}

// get answers GET and HEAD.
func (h *handler) get(to http.ResponseWriter, r *http.Request) {
	w := &response{to: to, head: r.Method == http.MethodHead}
	p, err := h.find(r.Context(), r.URL.Path)
	switch {
	case err != nil:
		w.fail(err)
	case !p.isFolder() && p.slash:
		w.fail(notFolderError(p.name))
	case !p.isFolder():
		h.serveFile(w, r, &p)
	case !p.slash:
		redirect(w, http.StatusMovedPermanently, &url.URL{Path: p.name + "/"})
	case p.target != "":
		// To keep this is wrong once there is another snapshot.
		redirect(w, http.StatusFound, &url.URL{Path: "../" + p.target + "/"})
	default:
		h.serveFolder(w, r, &p)
	}
}

// redirect leads to a path that is relative to the request's: what is in front of the tree is
// not known here.
func redirect(w *response, code int, to *url.URL) {
	w.Header().Set("Location", to.String())
	w.Header()["Cache-Control"] = noCache
	w.WriteHeader(code)
	w.finish()
}
