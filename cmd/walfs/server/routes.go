package server

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/klauspost/compress/gzhttp"
	"github.com/walfs/walfs/cmd/walfs/server/api"
	"github.com/walfs/walfs/cmd/walfs/server/explorer"
	"github.com/walfs/walfs/cmd/walfs/server/metrics"
	"github.com/walfs/walfs/cmd/walfs/server/replica"
	"github.com/walfs/walfs/fsview/httpfs"
)

// routes is what is at which address.
func routes(ctx context.Context, set *replica.Set) http.Handler {
	mux := http.NewServeMux()
	options := httpfs.Options{Decode: set.Decode}
	trees := map[*replica.Replica]http.Handler{}
	var names []string
	for _, r := range set.Replicas {
		trees[r] = httpfs.New(r.Live, options)
		names = append(names, r.Name)
	}
	tree := func(r *replica.Replica) http.Handler { return trees[r] }
	mux.Handle("/dir/{name}/", below("/dir/", byName(set, func(r *replica.Replica) http.Handler { return tree(r) })))
	mux.Handle("/dir/{$}", below("/dir", httpfs.New(httpfs.Folders(names), options)))
	// WebDAV's clients do not like to be sent elsewhere: a folder is found without its slash.
	dav := below("/dav/", byName(set, func(r *replica.Replica) http.Handler { return httpfs.NewDAV(r.Live, "/dav/"+r.Name, options) }))
	mux.Handle("/dav/{name}", dav)
	mux.Handle("/dav/{name}/", dav)
	allDAV := below("/dav", httpfs.NewDAV(httpfs.Folders(names), "/dav", options))
	mux.Handle("/dav", allDAV)
	mux.Handle("/dav/{$}", allDAV)
	mux.Handle("/api/", reads(api.New(set, tree)))
	mux.Handle("/metrics", reads(metrics.Handler(measured{set})))
	mux.Handle("/", reads(gzhttp.GzipHandler(explorer.New(ctx, set))))
	return mux
}

// below hands a request on without a prefix of its path.
func below(prefix string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rest := *r
		rest.URL = &url.URL{Path: cmp.Or(strings.TrimPrefix(r.URL.Path, prefix), "/"), RawQuery: r.URL.RawQuery}
		next.ServeHTTP(w, &rest)
	})
}

// byName hands a request on to the handler of the replica that it names, without the name.
func byName(set *replica.Set, handler func(*replica.Replica) http.Handler) http.Handler {
	handlers := map[string]http.Handler{}
	for _, r := range set.Replicas {
		handlers[r.Name] = below(r.Name, handler(r))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := r.PathValue("name")
		if h, ok := handlers[name]; ok {
			h.ServeHTTP(w, r)
			return
		}
		http.Error(w, fmt.Sprintf("no directory %q is served here; / lists them", name), http.StatusNotFound)
	})
}

// reads refuses what is no request to read.
func reads(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodGet, http.MethodHead:
			next.ServeHTTP(w, r)
		case http.MethodOptions:
			// Windows' client of WebDAV asks the top folder whether there is any.
			w.Header().Set("Allow", "OPTIONS, GET, HEAD")
			w.Header().Set("DAV", "1")
			w.Header().Set("MS-Author-Via", "DAV")
		default:
			w.Header().Set("Allow", "OPTIONS, GET, HEAD")
			http.Error(w, "this server only reads", http.StatusMethodNotAllowed)
		}
	})
}
