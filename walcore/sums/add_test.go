package sums

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/memlog"
	"github.com/walfs/walfs/test/nativelog"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/filter"
	"github.com/walfs/walfs/walcore/payload"
	"github.com/walfs/walfs/walcore/stats"
)

// filterOf is a filter as in "from 10 kind mutation", resolved for a log.
func filterOf(t *testing.T, log walcore.Log, words string) (f filter.Filter) {
	t.Helper()
	set := strings.Fields(words)
	for i := 0; i < len(set); i += 2 {
		fixture.Must(t, f.Set(set[i], set[i+1]))
	}
	fixture.Must(t, f.Resolve(log))
	return f
}

func openDgraph(t *testing.T, dir string) *dgraph.Reader {
	t.Helper()
	log, err := dgraph.OpenReader(dir, dgraph.ReaderOptions{})
	fixture.Must(t, err)
	t.Cleanup(func() { log.Close() })
	return log
}

// TestAddReads: by file, term, size and hour no payload is read, unless the filter has to
// know what entries say. By others, each that the filter does not refuse before is read.
func TestAddReads(t *testing.T) {
	log := openDgraph(t, fixture.Dir(t, "rewritten"))
	read := map[uint64]bool{}
	fixture.Watch(log, func(e walcore.Entry) error {
		read[e.Index] = true
		return nil
	})
	for _, test := range []struct {
		by, filters string
		reads       func(e walcore.Entry) bool
	}{
		{"file", "", nil},
		{"term", "", nil},
		{"size", "from 10 to 400 term 5 type normal", nil},
		{"hour", "since 2020-01-01", nil},
		{"kind", "term 5", func(e walcore.Entry) bool { return e.Term == 5 }},
		{"size", "kind conf_change", func(e walcore.Entry) bool { return e.Type != walcore.EntryNormal }},
		{"", "to 30", func(e walcore.Entry) bool { return e.Index <= 30 }},
	} {
		clear(read)
		o := Options{Filter: filterOf(t, log, test.filters), Decoder: payload.Of(log, payload.Options{}), Workers: 1}
		if test.by != "" {
			o.By = []stats.By{stats.By(test.by)}
		}
		s, err := Add(t.Context(), log, o)
		fixture.Must(t, err)
		if s.PayloadsRead != (test.reads != nil) {
			t.Errorf("by %s %s: payloads are read: %t", test.by, test.filters, s.PayloadsRead)
		}
		for e := range log.Entries(1) {
			if want := test.reads != nil && e.Size > 0 && test.reads(e); read[e.Index] != want {
				t.Errorf("by %s %s: entry %d is read: %t, want %t", test.by, test.filters, e.Index, read[e.Index], want)
			}
		}
	}
}

// TestAddChanged: an entry that has changed ends it, or counts as one that cannot be read.
func TestAddChanged(t *testing.T) {
	log := memlog.Sample("w")
	fixture.Watch(log, func(e walcore.Entry) error {
		if e.Index == 9 {
			return walcore.ErrChanged
		}
		return nil
	})
	failed := 0
	o := Options{By: []stats.By{stats.Kind}, Decoder: payload.Of(log, payload.Options{}), FailIfChanged: true}
	if s, err := Add(t.Context(), log, o); !errors.Is(err, walcore.ErrChanged) || s != nil {
		t.Errorf("%+v, %v", s, err)
	}
	o.FailIfChanged, o.Failed = false, func(error) { failed++ }
	s, err := Add(t.Context(), log, o)
	if err != nil || s.Unreadable != 1 || failed != 2 || s.Tables[0].Total.Entries != 5 { // and entry 10 is damaged
		t.Errorf("%+v, %v; %d failures", s, err, failed)
	}
}

// TestAddEnds with its context, and says where.
func TestAddEnds(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("interrupted"))
	if _, err := Add(ctx, memlog.Sample("w"), Options{By: []stats.By{stats.Term}}); err == nil || err.Error() != "interrupted before entry 7: nothing was added up" {
		t.Error(err)
	}
}

// TestAddFails: a decoder that fails for an entry has it told, once.
func TestAddFails(t *testing.T) {
	log := memlog.Sample("w")
	var failed []string
	s, err := Add(t.Context(), log, Options{By: []stats.By{stats.Kind}, Filter: filterOf(t, log, "grep first to 9"), Decoder: failing{payload.Of(log, payload.Options{})},
		Failed: func(err error) { failed = append(failed, err.Error()) }})
	if err != nil || s.Tables[0].Total.Entries != 1 || fmt.Sprint(failed) != "[entry 9 fails]" {
		t.Errorf("%v, %v", failed, err)
	}
}

type failing struct{ payload.Decoder }

func (d failing) AppendJSON(dst []byte, e payload.Entry) ([]byte, error) {
	dst, err := d.Decoder.AppendJSON(dst, e)
	if e.Index == 9 {
		err = errors.New("entry 9 fails")
	}
	return dst, err
}

// repeated writes a log with the entries of a fixture over and over.
func repeated(t *testing.T, name string, entries int) (dir string) {
	t.Helper()
	log := openDgraph(t, fixture.Dir(t, name))
	dir = t.TempDir() + "/w"
	fixture.Must(t, nativelog.Write(dir, nativelog.Meta{RaftID: 1, GroupID: 1, Term: 1, Commit: uint64(entries)}, func(yield func(nativelog.Entry) bool) {
		for index := 1; index <= entries; {
			for e := range log.Entries(1) {
				data, err := e.Data()
				fixture.Must(t, err)
				if index > entries || !yield(nativelog.Entry{Term: 1, Index: uint64(index), Type: uint32(e.Type), Data: data}) {
					return
				}
				index++
			}
		}
	}))
	return dir
}

// TestAddWorkers: the figures of two batches, and the order of failures, do not depend on
// how many are added up at a time, and what is missing between two batches is said.
func TestAddWorkers(t *testing.T) {
	fixture.OneSize(t)
	const entries = mostInBatch + 2000 // the second batch is done first
	dir := repeated(t, "alpha", entries)
	file := fixture.Edit(t, filepath.Join(dir, "00001.wal"))
	for _, index := range []int{1000, mostInBatch + 2, mostInBatch + 20} {
		file.Set(index-1, fixture.Offset, 4)
	}
	log := openDgraph(t, dir)
	for filters, want := range map[string]int64{"": entries - 3, "from 100 kind mutation,delta": 0, fmt.Sprintf("limit %d", mostInBatch+19): mostInBatch + 19} {
		first := ""
		for _, workers := range []int{1, 4} {
			var told strings.Builder
			var passed int64
			s, err := Add(t.Context(), log, Options{By: []stats.By{stats.Kind, stats.Predicate, stats.File}, Filter: filterOf(t, log, filters), Decoder: payload.Of(log, payload.Options{}), Workers: workers,
				Failed: func(err error) { fmt.Fprintln(&told, err) }, Passed: func(bytes int64) { passed += bytes }})
			fixture.Must(t, err)
			report, err := json.Marshal(s.Report(0))
			fixture.Must(t, err)
			text := fmt.Sprintf("%s\n%d bytes\n%s", report, passed, told.String())
			if first == "" {
				first = text
			}
			if n := s.Tables[0].Total.Entries; text != first || want > 0 && n != want || passed == 0 {
				t.Errorf("%s: %d entries, want %d; with %d workers\n%s\nwith one\n%s", filters, n, want, workers, text, first)
			}
		}
		if n := strings.Count(first, "index "); n != 3 || !strings.Contains(first, fmt.Sprintf("index %d: ", mostInBatch+2)) {
			t.Errorf("%s: %d failures: %s", filters, n, first)
		}
	}
}
