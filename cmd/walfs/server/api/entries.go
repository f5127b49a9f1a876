package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/walfs/walfs/cmd/walfs/server/replica"
	"github.com/walfs/walfs/cmd/walfs/server/rows"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/filter"
	"github.com/walfs/walfs/walcore/payload"
)

const (
	usualLimit = 100
	mostLimit  = 10_000

	// A piece of an answer is sent when it has so many bytes, or when so much time has gone
	// into it. Meanwhile others wait for their turn to decode.
	pieceBytes = 64 << 10
	pieceTime  = 100 * time.Millisecond
	// scannedEvery is how often a client is told how far the search is while nothing matches.
	scannedEvery = 500 * time.Millisecond
)

// entries gives a line of JSON an entry, of those that a filter leaves, as they are found.
func (a *api) entries(m *replica.Moment, w http.ResponseWriter, r *http.Request) error {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return badRequest(err)
	}
	decoded, err := flag(q, "decode")
	if err != nil {
		return err
	}
	f, err := filterOf(q, m.Log, "decode")
	if err != nil {
		return err
	}
	limit := f.Limit()
	switch {
	case limit == 0:
		limit = usualLimit
	case limit > mostLimit:
		return badRequest(fmt.Errorf("limit: at most %d; the last line says where to go on", mostLimit))
	}
	s := &search{api: a, r: r, m: m, decoded: decoded, left: limit, last: f.Last(),
		rows: rows.New(m.Log, m.Decoder(), f, 0), told: time.Now()}
	return s.run(w)
}

// search is entries that are being looked for.
type search struct {
	*api
	r       *http.Request
	m       *replica.Moment
	rows    *rows.Reader
	decoded bool
	left    int64
	last    uint64

	piece []byte
	any   bool      // a line was sent
	told  time.Time // when a line was sent last
	ended bool
}

func (s *search) run(w http.ResponseWriter) error {
	for first := true; !s.ended; first = false {
		err := s.set.Searching(s.r.Context(), s.read)
		s.rows.Forget() // a client that reads slowly holds no more than the piece
		switch {
		case err != nil && first:
			return err
		case err != nil: // the answer has begun: a short one must not look whole
			panic(http.ErrAbortHandler)
		case first:
			w.Header().Set("Content-Type", "application/x-ndjson")
		}
		if len(s.piece) == 0 && time.Since(s.told) > scannedEvery {
			s.piece = fmt.Appendf(s.piece, "{\"scanned\":%d}\n", s.rows.Next()-1)
		}
		if len(s.piece) == 0 {
			continue
		}
		if _, err := w.Write(s.piece); err != nil {
			panic(http.ErrAbortHandler) // nobody reads it any more
		}
		if !s.ended {
			_ = http.NewResponseController(w).Flush() // the next write tells what is wrong
		}
		s.piece, s.any, s.told = s.piece[:0], true, time.Now()
	}
	return nil
}

// read makes the next piece of the answer. The first line goes out by itself: somebody waits
// for it.
func (s *search) read() error {
	began := time.Now()
	for row := range s.rows.All() {
		if row != nil {
			s.add(row)
			if s.left--; s.left == 0 {
				s.ended = true
				if s.rows.Next() <= s.last {
					s.piece = fmt.Appendf(s.piece, "{\"next\":%d}\n", s.rows.Next())
				}
				return nil
			}
			if !s.any {
				return nil
			}
		}
		if err := s.r.Context().Err(); err != nil {
			return err
		}
		if len(s.piece) >= pieceBytes || time.Since(began) > pieceTime {
			return nil
		}
	}
	s.ended = true
	return nil
}

// add adds a line.
func (s *search) add(row *rows.Row) {
	s.piece = row.AppendJSON(s.piece, s.m.Log.Meta().System)
	if s.decoded && row.Err == nil {
		s.addDecoded(row)
	}
	s.piece = append(s.piece, "}\n"...)
}

// mostDecoded is how long the JSON of what an entry means may be within a line, in bytes: a
// client that reads slowly holds some of them.
const mostDecoded = 256 << 10

// addDecoded adds what an entry means, or where that is, if it is long.
func (s *search) addDecoded(row *rows.Row) {
	before := len(s.piece)
	// It fails where a decoder that is a program does, and the text says so.
	s.piece, _ = payload.AppendDecoded(s.piece, s.m.Decoder(), &row.Entry, row.Data)
	if len(s.piece)-before > mostDecoded {
		at, _ := json.Marshal(fmt.Sprintf("/api/%s/decoded/%d", url.PathEscape(s.m.Replica.Name), row.Index))
		s.piece = append(slices.Clone(s.piece[:before]), `,"decoded_at":`...)
		s.piece = append(s.piece, at...)
	}
}

// filterOf makes the filter that a query asks for. others are its parameters that are no
// filters.
func filterOf(q url.Values, log walcore.Log, others ...string) (*filter.Filter, error) {
	f, err := rows.FilterOf(q, log, others...)
	if err != nil {
		return nil, badRequest(err)
	}
	return f, nil
}

// flag is a parameter that is true or false.
func flag(q url.Values, name string) (bool, error) {
	text := q.Get(name)
	if text == "" {
		return false, nil
	}
	on, err := strconv.ParseBool(text)
	if err != nil {
		return false, badRequest(fmt.Errorf("%s: want true or false, got %q", name, text))
	}
	return on, nil
}

// indexOf is the index in a request's path.
func indexOf(r *http.Request) (uint64, error) {
	index, err := strconv.ParseUint(r.PathValue("index"), 10, 64)
	if err != nil {
		return 0, badRequest(fmt.Errorf("%q is no index", r.PathValue("index")))
	}
	return index, nil
}

// entryFacts are what entry adds to a line of entries.
type entryFacts struct {
	Committed *bool      `json:"committed"` // null: the log does not tell its commit index
	Time      *time.Time `json:"time"`      // null: its system keeps none
}

// entry says what there is to say of one entry, but for what it means.
func (a *api) entry(m *replica.Moment, w http.ResponseWriter, r *http.Request) error {
	index, err := indexOf(r)
	if err != nil {
		return err
	}
	e, err := m.Log.Entry(index)
	if err != nil {
		return err
	}
	var text []byte
	err = a.set.Decoding(r.Context(), func() (err error) {
		text, err = describe(m, &e)
		return err
	})
	if err == nil {
		writeJSON(w, text)
	}
	return err
}

// describe is the JSON of an entry.
func describe(m *replica.Moment, e *walcore.Entry) ([]byte, error) {
	var more entryFacts
	if h := m.Log.Meta().HardState; h != nil {
		committed := e.Index <= h.Commit
		more.Committed = &committed
	}
	if at, stored := e.Time(); stored {
		more.Time = &at
	}
	for row := range rows.New(m.Log, m.Decoder(), &filter.Filter{}, e.Index).All() {
		if row.Err != nil || row.Index != e.Index {
			return nil, errors.Join(row.Err, walcore.ErrDamaged)
		}
		rest, err := json.Marshal(more)
		return append(append(append(row.AppendJSON(nil, m.Log.Meta().System), ','), rest[1:]...), '\n'), err
	}
	return nil, walcore.ErrDamaged
}

// decoded is what decoded/ of the tree has of an entry.
func (a *api) decoded(m *replica.Moment, w http.ResponseWriter, r *http.Request) error {
	index, err := indexOf(r)
	if err != nil {
		return err
	}
	if _, err := m.Log.Entry(index); err != nil {
		return err
	}
	below := *r
	below.URL = &url.URL{Path: fmt.Sprintf("/decoded/%d.json", index)}
	a.tree(m.Replica).ServeHTTP(&jsonErrors{ResponseWriter: w}, &below)
	return nil
}

// jsonErrors makes JSON of the sentence that an error is answered with.
type jsonErrors struct {
	http.ResponseWriter
	failed bool
}

func (w *jsonErrors) WriteHeader(code int) {
	if w.failed = code >= http.StatusBadRequest; w.failed {
		w.Header().Set("Content-Type", "application/json")
	}
	w.ResponseWriter.WriteHeader(code)
}

func (w *jsonErrors) Write(p []byte) (int, error) {
	if !w.failed {
		return w.ResponseWriter.Write(p)
	}
	_, err := w.ResponseWriter.Write(errorText(strings.TrimSpace(string(p))))
	return len(p), err
}
