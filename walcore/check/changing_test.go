package check_test

import (
	"fmt"
	"iter"
	"testing"
	"testing/synctest"

	"github.com/walfs/walfs/test/memlog"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/check"
)

// look is what a directory holds at one look, and the next look.
type look struct {
	*memlog.Log
	next     *look            // nil: nothing changes any more
	fail     map[uint64]error // what reading an entry fails with, by index
	problems []walcore.Problem
	same     uint64 // entries up to this one are the same as in the look before
}

var _ walcore.Follower = (*look)(nil)

// newLook is a log of n entries.
func newLook(n int) *look {
	var entries []memlog.Entry
	for i := range n {
		entries = append(entries, memlog.Entry{Term: 1, Index: uint64(i + 1), Data: "any text", File: "1.seg"})
	}
	return &look{Log: memlog.New("w", entries), same: uint64(n)}
}

func (l *look) Refresh() (walcore.Follower, error) {
	if l.next == nil {
		return l, nil
	}
	return l.next, nil
}

func (l *look) Unchanged(walcore.Log) (first, last uint64)  { return 1, l.same }
func (l *look) Outline(from uint64) iter.Seq[walcore.Entry] { return l.Entries(from) }
func (l *look) Problems() []walcore.Problem                 { return l.problems }
func (l *look) Entries(from uint64) iter.Seq[walcore.Entry] {
	return func(yield func(walcore.Entry) bool) {
		for e := range l.Log.Entries(from) {
			if err := l.fail[e.Index]; err != nil {
				file := *e.File
				file.Source = failingSource{file.Source, err}
				e.File = &file
			}
			if !yield(e) {
				return
			}
		}
	}
}

// TestLookedAtAgain: entries that have changed while they were read are looked at again
// in the log as it is then, and so are new ones; what was found of others stays.
func TestLookedAtAgain(t *testing.T) {
	damaged := fmt.Errorf("the checksum is 1, want 2: %w", walcore.ErrDamaged)
	changed := map[uint64]error{2: walcore.ErrChanged}
	for _, test := range []struct {
		name   string
		before map[uint64]error
		next   *look
		want   string
	}{
		{"right at the second look", changed, newLook(3), ""},
		{"no more there", changed, newLook(1), ""},
		{"damaged at the second look", changed, &look{Log: newLook(3).Log, fail: map[uint64]error{2: damaged}, same: 3}, "1.seg 1 2 checksum: "},
		{"another was damaged", map[uint64]error{2: walcore.ErrChanged, 3: damaged}, newLook(3), "1.seg 2 3 checksum: "},
		{"another was damaged, and has been replaced", map[uint64]error{2: walcore.ErrChanged, 3: damaged}, &look{Log: newLook(3).Log, same: 1}, ""},
		{"a new one is damaged", changed, &look{Log: newLook(4).Log, fail: map[uint64]error{4: damaged}, same: 3}, "1.seg 3 4 checksum: "},
		{"never at rest", changed, func() *look { l := newLook(3); l.fail, l.next = changed, &look{}; return l }(), ""},
		{"at rest and still changed", changed, &look{Log: newLook(3).Log, fail: changed, same: 3}, "1.seg 1 2 unreadable: "},
	} {
		first := newLook(3)
		first.fail, first.next = test.before, test.next
		if test.next.next != nil { // each look is followed by another one like it
			*test.next.next = look{Log: test.next.Log, fail: changed, same: 3, next: test.next}
		}
		report := run(t, first)
		got := short(report.Problems)
		if test.want == "" && got != "" || len(got) < len(test.want) || got[:len(test.want)] != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
		if last, _ := test.next.LastIndex(); *report.LastIndex != last || report.Entries != last {
			t.Errorf("%s: %+v, the last look is at %d", test.name, report, last)
		}
	}
}

// TestPassingProblems: where somebody writes, a problem is one if it is there at each
// look for a while; where nobody does, it is one at once.
func TestPassingProblems(t *testing.T) {
	bad := []walcore.Problem{walcore.SlotProblem("1.seg", 1, walcore.KindOffset, "is wrong")}
	other := []walcore.Problem{walcore.SlotProblem("1.seg", 2, walcore.KindOffset, "is wrong")}
	for _, test := range []struct {
		name  string
		looks [][]walcore.Problem // the last two go on for ever
		want  string
	}{
		{"none", [][]walcore.Problem{nil, nil}, ""},
		{"at the first look", [][]walcore.Problem{bad, nil, nil}, ""},
		{"another one each time", [][]walcore.Problem{bad, other, bad}, ""},
		{"comes and goes, then rests", [][]walcore.Problem{bad, bad, bad, nil}, ""},
		{"always", [][]walcore.Problem{bad, bad, bad}, "1.seg 1 0 offset: is wrong"},
		{"one stays, one goes", [][]walcore.Problem{append(other, bad...), bad, bad}, "1.seg 1 0 offset: is wrong"},
		{"nobody writes", [][]walcore.Problem{bad}, "1.seg 1 0 offset: is wrong"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var all []*look
				for i, problems := range test.looks {
					l := newLook(3 + i) // it grows: somebody writes
					l.problems = problems
					if i > 0 {
						all[i-1].next = l
					}
					all = append(all, l)
				}
				if n := len(all); n > 1 {
					all[n-1].next = all[n-2]
				}
				if got := short(run(t, all[0]).Problems); got != test.want {
					t.Errorf("got %q, want %q", got, test.want)
				}
			})
		})
	}
}

// TestFullFileSystem is a note, which the second look has.
func TestFullFileSystem(t *testing.T) {
	first := newLook(3)
	first.next = newLook(3)
	first.next.problems = []walcore.Problem{walcore.FileProblem(".", walcore.KindFileSystem, "is full")}
	var report *check.Report
	synctest.Test(t, func(t *testing.T) { report = run(t, first) })
	if got := short(report.Notes); got != ". -1 0 file_system: is full" || !report.Sound {
		t.Errorf("%q, %+v", got, report)
	}
}
