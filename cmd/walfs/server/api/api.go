// Package api answers what programs ask of the directories that are served: JSON, and events
// when something changes. openapi.yaml describes all of it; who changes one changes the other.
//
// What a command prints with --json has the same JSON here: stat, stats, explain and diff.
package api

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/gzhttp"
	"github.com/walfs/walfs/cmd/walfs/server/replica"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/status"
)

//go:embed openapi.yaml
var description []byte

type api struct {
	set *replica.Set
	// tree serves the files of a replica's tree: what has a file there is not made twice.
	tree    func(*replica.Replica) http.Handler
	streams atomic.Int64 // of events
}

// New makes the handler of all below /api/.
func New(set *replica.Set, tree func(*replica.Replica) http.Handler) http.Handler {
	a := &api{set: set, tree: tree}
	mux := http.NewServeMux()
	get := func(path string, h http.HandlerFunc) { mux.Handle("GET "+path, gzhttp.GzipHandler(h)) }
	get("/api/openapi.yaml", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/yaml")
		_, _ = w.Write(description)
	})
	get("/api/status", a.held(a.allStatus))
	mux.HandleFunc("GET /api/events", a.events) // each is sent at once, and small
	get("/api/{name}/entries", a.of(a.entries))
	get("/api/{name}/entry/{index}", a.of(a.entry))
	get("/api/{name}/decoded/{index}", a.of(a.decoded))
	for name, answer := range map[string]answerer{
		"status": a.status, "stats": a.stats, "explain": a.explain, "diff": a.diff, "transactions": a.transactions, "members": a.members,
	} {
		get("/api/{name}/"+name, a.held(a.of(answer)))
	}
	mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		fail(w, notFound("there is no %q here; /api/openapi.yaml says what there is", r.URL.Path))
	})
	return mux
}

// answerer answers for a replica as of one moment. If it fails, it has not begun.
type answerer func(*replica.Moment, http.ResponseWriter, *http.Request) error

// of finds the replica that a request names, and has it answered as of one moment.
func (a *api) of(answer answerer) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		of := a.set.Find(r.PathValue("name"))
		if of == nil {
			fail(w, notFound("no directory %q is served here; /api/status lists them", r.PathValue("name")))
			return
		}
		if err := answer(of.Now(), w, r); err != nil {
			fail(w, err)
		}
	}
}

// statusError is an error with the HTTP status that it has.
type statusError struct {
	status int
	error
}

func (e statusError) Unwrap() error { return e.error }

func notFound(format string, args ...any) error {
	return statusError{http.StatusNotFound, fmt.Errorf(format, args...)}
}

func badRequest(err error) error { return statusError{http.StatusBadRequest, err} }

// statusOf is the HTTP status of an error.
func statusOf(err error) int {
	var e statusError
	switch {
	case errors.As(err, &e):
		return e.status
	case errors.Is(err, fs.ErrNotExist): // walcore.ErrNoEntry is one
		return http.StatusNotFound
	case errors.Is(err, walcore.ErrNoKey):
		return http.StatusForbidden
	case errors.Is(err, replica.ErrBusy), errors.Is(err, walcore.ErrChanged):
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// fail answers with an error. Nothing else was written before.
func fail(w http.ResponseWriter, err error) {
	status := statusOf(err)
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// Whoever has gone does not read it.
	_, _ = w.Write(errorText(err.Error()))
}

// errorText is the JSON of an error.
func errorText(text string) []byte {
	b, _ := json.Marshal(map[string]string{"error": text})
	return append(b, '\n')
}

// writeJSON answers with JSON.
func writeJSON(w http.ResponseWriter, text []byte) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(text)
}

// sendValue answers with a value's JSON, as commands print it. The caller has a place for that:
// see held.
func sendValue(w http.ResponseWriter, v any) error {
	text, err := status.Indented(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	end := time.Now().Add(sendWait + time.Duration(len(text))*time.Second/slowest)
	for len(text) > 0 {
		piece := text[:min(len(text), pieceBytes)]
		text = text[len(piece):]
		if _, err := w.Write(piece); err != nil || time.Now().After(end) {
			panic(http.ErrAbortHandler) // a short answer must not look whole
		}
	}
	return nil
}

const (
	// sendWait and slowest are how long it may take to send an answer that somebody else may be
	// waiting for: a time, and some more a byte, of which a client has to read so many in a second.
	sendWait = 30 * time.Second
	slowest  = 100 << 10
)

// held answers when there is a place for an answer that may be large, which is made before it
// is sent.
func (a *api) held(answer http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		release, err := a.set.Send(r.Context())
		if err != nil {
			fail(w, err)
			return
		}
		defer release()
		answer(w, r)
	}
}
