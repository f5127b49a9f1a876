// Package explorer has the pages that people look at: how a node's log stands, its entries,
// transactions and members, and where replicas part.
//
//	handler := explorer.New(ctx, set)
//
// A page is a function and a file in templates/. The function is given the request and, below
// /log/NAME/, the Moment that the page is to be made of; it returns a view, or an error: that
// of badRequest, notFound or redirect where the answer is not to be 500. The file defines "main",
// the part of the page between header and footer, which is given the view's Data. To add one,
// write both and put a line into routes. What several pages need is a part: a file in
// templates/parts/. Scripts and styles that only one page needs are named in its view.
//
// An element with data-live and an id is kept up to date by live.js, which asks for the same
// address again when a replica of the page has changed. Children that are added or removed
// have a data-key, so that focus and selection stay with them. While an element on the page has
// data-unfinished, the server is still at work on what it shows, and live.js goes on asking.
//
// There is no inline script and no style in a page: its policy forbids that. Drawings are SVG
// with attributes and classes.
//
// All of a page is made in memory before it is written, so a page must be bounded; and the
// client, however slow, does not hold what it was made of.
package explorer

import (
	"context"
	"net/http"
	"sync"

	"github.com/walfs/walfs/cmd/walfs/server/replica"
)

// explorer makes the pages of a set of replicas.
type explorer struct {
	set      *replica.Set
	comparer *comparer

	mu   sync.Mutex // protects kept
	kept map[*replica.Replica]*derived
}

// New makes the handler of /, /log/, /diff and /static/. What it does in the background ends
// with ctx.
func New(ctx context.Context, set *replica.Set) http.Handler {
	return newExplorer(ctx, set).handler()
}

func newExplorer(ctx context.Context, set *replica.Set) *explorer {
	return &explorer{set: set, comparer: newComparer(ctx), kept: map[*replica.Replica]*derived{}}
}

func (x *explorer) handler() http.Handler {
	mux := http.NewServeMux()
	x.routes(mux)
	mux.HandleFunc("GET /static/{hash}/{file}", serveStatic)
	mux.HandleFunc("GET /", x.page(func(r *http.Request) (*view, error) {
		return nil, notFound("There is no page %s.", r.URL.Path)
	}))
	return mux
}

// routes says which page has which address.
func (x *explorer) routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /{$}", x.page(x.replicas))
	mux.HandleFunc("GET /diff", x.page(x.diff))
	mux.HandleFunc("GET /log/{name}/{$}", x.logPage(x.overview))
	mux.HandleFunc("GET /log/{name}/entries", x.logPage(x.entries))
	mux.HandleFunc("GET /log/{name}/entry/{index}", x.logPage(x.entry))
	mux.HandleFunc("GET /log/{name}/transactions", x.logPage(x.transactions))
	mux.HandleFunc("GET /log/{name}/members", x.logPage(x.members))
}

// page is the handler of a page that is not of one replica.
func (x *explorer) page(make func(*http.Request) (*view, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := make(r)
		x.answer(w, r, v, err)
	}
}

// logPage is the handler of a page below /log/NAME/.
func (x *explorer) logPage(make func(*http.Request, *replica.Moment) (*view, error)) http.HandlerFunc {
	return x.page(func(r *http.Request) (*view, error) {
		found := x.set.Find(r.PathValue("name"))
		if found == nil {
			return nil, notFound("There is no log %q here.", r.PathValue("name"))
		}
		v, err := make(r, found.Now())
		if v == nil { // the error's page has the log's tabs too
			v = &view{}
		}
		v.replica = found
		return v, err
	})
}
