package main

import (
	"fmt"
	"iter"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"github.com/walfs/walfs/cmd/walfs/terminal"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/memlog"
	"github.com/walfs/walfs/test/nativelog"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/stats"
)

// addUp adds a log up as a command line says.
func addUp(t *testing.T, log walcore.Log, o statsOptions, filters string) *adding {
	t.Helper()
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	o.filter.add(flags)
	fixture.Must(t, flags.Parse(strings.Fields(filters)))
	fixture.Must(t, o.filter.parse())
	a := &adding{statsOptions: &o, log: log}
	fixture.Must(t, a.run(t.Context()))
	return a
}

// textOf is what stats prints of a log in so many columns; 0: to a pipe.
func textOf(t *testing.T, a *adding, columns int) string {
	t.Helper()
	var b strings.Builder
	out := terminal.To(&b, false)
	out.Columns = columns
	a.top = a.usualTop()
	fixture.Must(t, a.printText(out))
	return b.String()
}

// openFixture opens a fixture's log.
func openFixture(t *testing.T, name string) walcore.Log {
	t.Helper()
	log, err := dgraph.OpenReader(fixture.Dir(t, name), dgraph.ReaderOptions{Key: fixture.Key(name)})
	fixture.Must(t, err)
	t.Cleanup(func() { log.Close() })
	return log
}

// watchedSource calls reading before a payload is read, and fails if that does.
type watchedSource struct {
	walcore.Source
	reading func(e walcore.Entry) error
}

func (s watchedSource) ReadPayload(e walcore.Entry, p []byte, off int64) error {
	if err := s.reading(e); err != nil {
		return err
	}
	return s.Source.ReadPayload(e, p, off)
}

// watch has reading called before a payload of the log is read.
func watch(log walcore.Filer, reading func(e walcore.Entry) error) {
	for _, f := range log.Files() {
		f.Source = watchedSource{f.Source, reading}
	}
}

// TestStatsReads: by file, term, size and hour no payload is read, unless the filter has to
// know what entries say. By others, each that the filter does not refuse before is read.
func TestStatsReads(t *testing.T) {
	log := openFixture(t, "rewritten")
	read := map[uint64]bool{}
	watch(log.(walcore.Filer), func(e walcore.Entry) error {
		read[e.Index] = true
		return nil
	})
	for _, test := range []struct {
		by, filters string
		reads       func(e walcore.Entry) bool
	}{
		{"file", "", nil},
		{"term", "", nil},
		{"size", "--from 10 --to 400 --term 5 --type normal", nil},
		{"hour", "--since 2020-01-01", nil},
		{"kind", "--term 5", func(e walcore.Entry) bool { return e.Term == 5 }},
		{"size", "--kind conf_change", func(e walcore.Entry) bool { return e.Type != walcore.EntryNormal }},
		{"", "--to 30", func(e walcore.Entry) bool { return e.Index <= 30 }},
	} {
		clear(read)
		stderrOf(t, func() { addUp(t, log, statsOptions{what: test.by}, test.filters) }) // --since says what it goes by
		for e := range log.Entries(1) {
			if want := test.reads != nil && e.Size > 0 && test.reads(e); read[e.Index] != want {
				t.Errorf("--by %s %s: entry %d is read: %t, want %t", test.by, test.filters, e.Index, read[e.Index], want)
			}
		}
	}
}

// rereadLog is a log that is another one once it is read again.
type rereadLog struct {
	*memlog.Log
	next func() walcore.Follower
}

func (l *rereadLog) Refresh() (walcore.Follower, error)          { return l.next(), nil }
func (*rereadLog) Unchanged(walcore.Log) (first, last uint64)    { return 1, 0 }
func (l *rereadLog) Outline(from uint64) iter.Seq[walcore.Entry] { return l.Entries(from) }

// TestStatsAtOneMoment: an entry that has changed has all added up again, as the log is
// then. Nothing of what was before is left, and nothing is said of it.
func TestStatsAtOneMoment(t *testing.T) {
	before := memlog.New("w", []memlog.Entry{
		{Term: 1, Index: 1, Data: "one", File: "a"}, {Term: 1, Index: 2, Data: "hole", File: "a", Damaged: true},
		{Term: 1, Index: 3, Data: "changes", File: "b"}, {Term: 1, Index: 4, Data: "four", File: "b"},
	})
	now := memlog.New("w", []memlog.Entry{{Term: 2, Index: 3, Data: "is new", File: "c"}})
	watch(before, func(e walcore.Entry) error {
		if e.Index == 3 {
			return walcore.ErrChanged
		}
		return nil
	})
	a := addUp(t, &rereadLog{before, func() walcore.Follower { return &rereadLog{Log: now} }}, statsOptions{}, "")
	rows := a.tables[0].Rows()
	if a.tables[0].Total != (stats.Sum{Entries: 1, Bytes: 6}) || len(rows) != 1 || rows[0].Name != "c" || a.failures.code != 0 || a.unreadable != 0 {
		t.Errorf("%+v, %+v, %+v", a.tables[0].Total, rows, a.failures)
	}
	if a.log.(*rereadLog).Log != now {
		t.Error("the log to close is not the newest")
	}
}

// TestStatsOfChangedEntries: an entry that has changed though its log has not is counted as
// one that cannot be read.
func TestStatsOfChangedEntries(t *testing.T) {
	log := memlog.Sample("w")
	watch(log, func(e walcore.Entry) error {
		if e.Index == 9 {
			return walcore.ErrChanged
		}
		return nil
	})
	a := addUp(t, log, statsOptions{what: "kind"}, "")
	const want = `KIND          ENTRIES  BYTES    SHARE
text                2     16   61.5 %
(unreadable)        1      8   30.8 %
conf_change         1      2    7.7 %
empty               1      0    0.0 %
(all)               5     26  100.0 %
`
	if got := textOf(t, a, 0); got != want || a.unreadable != 1 {
		t.Errorf("%d unreadable, %s", a.unreadable, got)
	}
	const said = "walfs: entry 10: damaged; walfs stat DIR says what is wrong\n" +
		"walfs: 00000000000000000001-0000000000000abd.seg slot 3 offset 23 index 9: changed since it was listed; is a node running on it? Try again\n"
	if got := stderrOf(t, a.failures.tell); !sameLines(got, said) || a.failures.code != exitDamage {
		t.Errorf("exit code %d, %s", a.failures.code, got)
	}
}

func sameLines(a, b string) bool {
	x, y := lines(a), lines(b)
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y)
}

// repeated writes a log with the entries of a fixture over and over.
func repeated(t *testing.T, name string, entries int) (dir string) {
	t.Helper()
	log := openFixture(t, name)
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

// TestStatsWorkers: the figures of many batches do not depend on how many are added up at a
// time, and what is missing between two batches is said.
func TestStatsWorkers(t *testing.T) {
	fixture.OneSize(t)
	const entries = 2*mostInBatch + 500
	dir := repeated(t, "alpha", entries)
	fixture.Edit(t, filepath.Join(dir, "00001.wal")).Set(mostInBatch, fixture.Offset, 4)
	log, err := dgraph.OpenReader(dir, dgraph.ReaderOptions{})
	fixture.Must(t, err)
	defer log.Close()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for filters, want := range map[string]int64{"": entries - 1, "--from 100 --kind mutation,delta": 0, fmt.Sprintf("--limit %d", mostInBatch+20): mostInBatch + 20} {
		var first, said string
		for _, procs := range []int{1, 4} {
			runtime.GOMAXPROCS(procs)
			a := addUp(t, log, statsOptions{}, filters)
			text, stderr := textOf(t, a, 0), stderrOf(t, a.failures.tell)
			if first == "" {
				first, said = text, stderr
			}
			if n := a.tables[0].Total.Entries; text != first || stderr != said || want > 0 && n != want {
				t.Errorf("%s: %d entries, want %d; with %d processors\n%s%s\nwith one\n%s%s", filters, n, want, procs, text, stderr, first, said)
			}
		}
		if missing := fmt.Sprintf("index %d: ", mostInBatch+1); !strings.Contains(said, missing) {
			t.Errorf("%s: %q, want %s", filters, said, missing)
		}
	}
}
