package explorer

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
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
	// pageRows is how many entries a page has. What shows more is made by scripts.
	pageRows = 100
	// scanTime is how long a page looks for entries that match a filter. Then it shows what it
	// has found, and where to go on.
	scanTime = 250 * time.Millisecond
)

// entriesPage is what templates/entries.html shows.
type entriesPage struct {
	Name        string
	First, Last uint64 // of the log; 0: it has no entries
	Total       int
	Commit      string // "": not known

	Form     filterForm
	Filtered bool
	Error    string // what is wrong with the filter

	From           uint64 // where it was asked to begin; 0: at the beginning
	Rows           []entryRow
	Found          int
	Scanned        uint64 // the last index that was looked at
	Next           uint64 // where to go on; 0: all was looked at
	Earlier, Later string // addresses; "": there is none
	Nothing        string // why there are no rows
	Times          string // what a filter by time goes by

	// For the scripts.
	API, Query, Types string
}

// entryRow is an entry, or an index whose entry cannot be read.
type entryRow struct {
	Index uint64
	Error string

	Term        uint64
	Type, Kind  string
	Size        int64
	What        []piece
	File        string
	Uncommitted bool
	Link        string
}

// piece is a part of a text. A marked one is what was searched for.
type piece struct {
	Text   string
	Marked bool
}

// entries is the page of a log's entries, from an index on, of all or of those that match.
func (x *explorer) entries(r *http.Request, now *replica.Moment) (*view, error) {
	name, query := now.Replica.Name, r.URL.Query()
	p := &entriesPage{Name: name, API: "/api/" + url.PathEscape(name) + "/entries", Types: typeNames(now.Log.Meta().System)}
	v := &view{Template: "entries", Title: "Entries", Tab: "entries", Data: p, Styles: []string{"entries.css"}, Scripts: []string{"entries.js"}}
	if spans := now.Log.Terms(); len(spans) > 0 {
		p.First, p.Last, p.Total = spans[0].First, spans[len(spans)-1].Last, walcore.Count(now.Log)
	}
	if hs := now.Log.Meta().HardState; hs != nil {
		p.Commit = strconv.FormatUint(hs.Commit, 10)
	}
	asked := given(query)
	p.Form = newFilterForm(now.Log, asked)
	p.Filtered = len(asked) > 0
	p.Query = asked.Encode()
	if from := query.Get("from"); from != "" {
		query.Set("from", strings.ReplaceAll(from, ",", "")) // as pages show numbers
	}
	query.Del("limit")
	f, err := rows.FilterOf(query, now.Log)
	if err != nil {
		var usage filter.UsageError
		if !errors.As(err, &usage) {
			return nil, err
		}
		p.Error, v.Code = usage.Error(), http.StatusBadRequest
		return v, nil
	}
	p.From = f.First()
	p.Times = f.TimesText(now.Log)
	if err := x.fill(r, now, p, f); err != nil {
		return nil, err
	}
	p.links(asked)
	return v, nil
}

// given is what is asked for, without where to begin. Fields that were left empty are sent by
// forms, too.
func given(query url.Values) url.Values {
	asked := url.Values{}
	for _, name := range filter.Names {
		if name == "from" || name == "limit" {
			continue
		}
		for _, value := range query[name] {
			if value != "" {
				asked.Add(name, value)
			}
		}
	}
	return asked
}

// fill reads the page's rows.
func (x *explorer) fill(r *http.Request, now *replica.Moment, p *entriesPage, f *filter.Filter) error {
	return x.set.Searching(r.Context(), func() error { return p.read(r, now, f) })
}

func (p *entriesPage) read(r *http.Request, now *replica.Moment, f *filter.Filter) error {
	shown := newRowMaker(now, patternOf(r.URL.Query()))
	end := time.Now().Add(scanTime)
	reader := rows.New(now.Log, now.Decoder(), f, p.From)
	more := false
	for row := range reader.All() {
		if row != nil {
			p.Rows = append(p.Rows, shown.row(row))
		}
		if len(p.Rows) == pageRows || time.Now().After(end) || r.Context().Err() != nil {
			more = true
			break
		}
	}
	p.Found = len(p.Rows)
	if more && reader.Next() <= min(p.Last, f.Last()) {
		p.Next = reader.Next()
	}
	p.Scanned = min(reader.Next()-1, p.Last)
	if p.Found == 0 && p.Next == 0 {
		p.Nothing = sentence(f.Nothing(now.Log))
	}
	return nil
}

// patternOf is what is to be marked in the rows; nil: nothing.
func patternOf(query url.Values) *regexp.Regexp {
	all := query["grep"]
	if len(all) == 0 || all[len(all)-1] == "" {
		return nil
	}
	pattern, _ := regexp.Compile(all[len(all)-1]) // the filter says what is wrong with it
	return pattern
}

// links finds where the pages before and after are. Of entries that match a filter nobody
// knows where the page before would begin.
func (p *entriesPage) links(asked url.Values) {
	at := func(from uint64) string {
		values := url.Values{"from": {strconv.FormatUint(from, 10)}}
		for name, list := range asked {
			values[name] = list
		}
		return "/log/" + url.PathEscape(p.Name) + "/entries?" + values.Encode()
	}
	if p.Next > 0 {
		p.Later = at(p.Next)
	}
	if from := min(p.From, p.Last+1); from > p.First {
		if p.Filtered {
			p.Earlier = at(p.First)
		} else {
			p.Earlier = at(max(p.First, from-min(from, pageRows)))
		}
	}
}

// rowMaker makes the rows of one page.
type rowMaker struct {
	now     *replica.Moment
	commit  *uint64
	pattern *regexp.Regexp // what is to be marked; nil: nothing
}

func newRowMaker(now *replica.Moment, pattern *regexp.Regexp) *rowMaker {
	m := &rowMaker{now: now, pattern: pattern}
	if hs := now.Log.Meta().HardState; hs != nil {
		m.commit = &hs.Commit
	}
	return m
}

func (m *rowMaker) row(row *rows.Row) entryRow {
	name := m.now.Replica.Name
	r := entryRow{Index: row.Index, Link: link(name, "entry/"+strconv.FormatUint(row.Index, 10))}
	if row.Err != nil {
		r.Error = row.Err.Error()
		return r
	}
	e := &row.Entry
	typ, _ := m.now.Log.Meta().System.TypeName(e.Type)
	r.Term, r.Type, r.Kind, r.Size, r.File = e.Term, typ.Name, row.Kind, e.Size, e.File.Name
	r.What = marked(string(row.What), m.pattern)
	r.Uncommitted = m.commit != nil && e.Index > *m.commit
	return r
}

// sentence makes one of a text that could stand behind a colon.
func sentence(text string) string { return strings.ToUpper(text[:1]) + text[1:] + "." }

// marked cuts a text at what matches a pattern.
func marked(text string, pattern *regexp.Regexp) []piece {
	var list []piece
	at := 0
	if pattern != nil {
		for _, m := range pattern.FindAllStringIndex(text, -1) {
			if m[0] < m[1] {
				list = append(list, piece{text[at:m[0]], false}, piece{text[m[0]:m[1]], true})
				at = m[1]
			}
		}
	}
	return append(list, piece{text[at:], false})
}

// typeNames is, as JSON, how filters call the types that /api/ names as the system's code does.
func typeNames(s *walcore.System) string {
	names := map[string]string{}
	for _, t := range s.Types {
		names[t.Symbol] = t.Name
	}
	text, _ := json.Marshal(names) // texts have no error
	return string(text)
}

// filterForm is the form for filters, with what is asked for in its fields.
type filterForm struct {
	First, More []field
	Open        bool // something of More is asked for
}

// field is a field of the form.
type field struct {
	Name, Label string
	Value       string
	Options     []string // of a select; nil: a text
	Check       bool     // it is on or off
	Hint        string   // shown in the empty field
}

func newFilterForm(log walcore.Log, asked url.Values) filterForm {
	system := log.Meta().System
	var types []string
	for _, t := range system.Types {
		types = append(types, t.Name)
	}
	text := field{Name: "grep", Label: "Text", Hint: "regular expression"}
	kind := field{Name: "kind", Label: "Kind", Options: payload.Kinds()}
	typ := field{Name: "type", Label: "Type", Options: types}
	term := field{Name: "term", Label: "Term"}
	key := field{Name: "key", Label: "Key", Hint: "text, number or 0x…"}
	member := field{Name: "member", Label: "Member", Hint: "id"}
	since := field{Name: "since", Label: "Since", Hint: "2026-03-01 15:04 or 3h"}
	until := field{Name: "until", Label: "Until", Hint: "2026-03-01 15:04 or 3h"}
	to := field{Name: "to", Label: "Up to index"}
	var form filterForm
	switch system.Name {
	case walcore.Dgraph:
		form.First = []field{text, kind, {Name: "predicate", Label: "Predicate", Hint: "name or 0-name"}, term, typ}
		form.More = []field{{Name: "txn", Label: "Transaction", Hint: "start_ts"}, {Name: "uid", Label: "Uid", Hint: "decimal or 0x…"}, key, member,
			{Name: "namespace", Label: "Namespace"}, since, until, to, {Name: "replay", Label: "Only what a restart replays", Check: true}}
	case walcore.Etcd:
		form.First = []field{text, kind, key, term, typ}
		form.More = []field{member, since, until, to, {Name: "replay", Label: "Only what a restart replays", Check: true}}
	default:
		form.First = []field{text, kind, key, term, typ}
		form.More = []field{member, since, until, to}
	}
	for _, list := range [][]field{form.First, form.More} {
		for i := range list {
			f := &list[i]
			values := asked[f.Name]
			if len(values) == 0 {
				continue
			}
			f.Value = values[len(values)-1]
			if f.Options != nil && !slices.Contains(f.Options, f.Value) {
				f.Options = append(slices.Clone(f.Options), f.Value)
			}
		}
	}
	form.Open = slices.ContainsFunc(form.More, func(f field) bool { return f.Value != "" })
	return form
}
