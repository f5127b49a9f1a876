package main

import (
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/walfs/walfs/cmd/walfs/terminal"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/memlog"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/stats"
)

// addUp adds a log up as a command line says.
func addUp(t *testing.T, log walcore.Log, o statsOptions, filters string) *adding {
	t.Helper()
	o.filter = filterOf(t, filters)
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
	fixture.Watch(before, func(e walcore.Entry) error {
		if e.Index == 3 {
			return walcore.ErrChanged
		}
		return nil
	})
	a := addUp(t, &rereadLog{before, func() walcore.Follower { return &rereadLog{Log: now} }}, statsOptions{}, "")
	rows := a.Tables[0].Rows()
	if a.Tables[0].Total != (stats.Sum{Entries: 1, Bytes: 6}) || len(rows) != 1 || rows[0].Name != "c" || a.failures.code != 0 || a.Unreadable != 0 {
		t.Errorf("%+v, %+v, %+v", a.Tables[0].Total, rows, a.failures)
	}
	if a.log.(*rereadLog).Log != now {
		t.Error("the log to close is not the newest")
	}
}

// TestStatsOfChangedEntries: an entry that has changed though its log has not is counted as
// one that cannot be read.
func TestStatsOfChangedEntries(t *testing.T) {
	log := memlog.Sample("w")
	fixture.Watch(log, func(e walcore.Entry) error {
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
	if got := textOf(t, a, 0); got != want || a.Unreadable != 1 {
		t.Errorf("%d unreadable, %s", a.Unreadable, got)
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
