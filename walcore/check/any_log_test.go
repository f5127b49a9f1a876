package check_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"syscall"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/memlog"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/check"
)

// TestAnyLog checks a log that is not Dgraph's, and has no commit index.
func TestAnyLog(t *testing.T) {
	report := run(t, memlog.New("w", []memlog.Entry{
		{Term: 1, Index: 7, Data: "the first", File: "1.seg"},
		{Term: 1, Index: 8, Type: memlog.Barrier, File: "1.seg"},
	}))
	if want := "sound: a node starts; which of its 2 entries are committed is not stored"; report.Verdict != want || !report.Sound || report.Replays != nil || report.Commit != nil {
		t.Errorf("%+v", report)
	}
	report = run(t, memlog.Sample("w")) // one of its entries is damaged
	if report.Sound || len(report.Problems) != 1 || report.Problems[0].Node == "" || report.Problems[0].Repair == "" {
		t.Errorf("%+v", report)
	}
}

// failing is a log of three entries, of which the second fails when it is read.
type failing struct {
	*memlog.Log
	err     error
	opening error
	closed  *int
	_       []int // a Log need not be comparable
}

func newFailing(err, opening error) failing {
	var entries []memlog.Entry
	for i := range 3 {
		entries = append(entries, memlog.Entry{Term: 1, Index: uint64(i + 1), Data: "any text", File: "1.seg"})
	}
	return failing{Log: memlog.New("w", entries), err: err, opening: opening, closed: new(int)}
}

func (f failing) Entries(from uint64) iter.Seq[walcore.Entry] {
	return func(yield func(walcore.Entry) bool) {
		for e := range f.Log.Entries(from) {
			if e.Index == 2 {
				file := *e.File
				file.Source = failingSource{file.Source, f.err}
				e.File = &file
			}
			if !yield(e) {
				return
			}
		}
	}
}

func (f failing) Opens() error { return f.opening }

func (f failing) Close() error {
	*f.closed++
	return nil
}

type failingSource struct {
	walcore.Source
	err error
}

func (s failingSource) ReadPayload(walcore.Entry, []byte, int64) error { return s.err }

// TestUnreadablePayloads: what a payload's reading fails with, where nobody writes.
func TestUnreadablePayloads(t *testing.T) {
	for err, want := range map[error]string{
		syscall.EIO:        "1.seg 1 2 unreadable: the payload cannot be read: input/output error",
		walcore.ErrChanged: "1.seg 1 2 unreadable: the payload cannot be read: changed since it was listed",
		fmt.Errorf("the checksum is 1, want 2: %w", walcore.ErrDamaged): "1.seg 1 2 checksum: its bytes do not give the checksum in its slot",
		walcore.ErrNoKey:   "",
		walcore.ErrDataKey: "",
	} {
		log := newFailing(err, nil)
		report := run(t, log)
		if got := short(report.Problems); got != want {
			t.Errorf("%v: got %q, want %q", err, got, want)
		}
		if unread := map[bool]uint64{want == "": 1}[true]; report.Unread != unread {
			t.Errorf("%v: %d entries were not read, want %d", err, report.Unread, unread)
		}
		if *log.closed != 1 {
			t.Errorf("%v: closed %d times", err, *log.closed)
		}
	}
}

// TestRefused: that the directory does not open is a problem where there is no other.
func TestRefused(t *testing.T) {
	refusal := walcore.SlotError("1.seg", 2, fmt.Errorf("for a reason: %w", walcore.ErrDamaged)).At(77).OfEntry(3)
	report := run(t, newFailing(nil, refusal))
	if got, want := short(report.Problems), "1.seg 2 3 refused: for a reason: damaged"; got != want || report.Sound {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := short(run(t, newFailing(syscall.EIO, refusal)).Problems); strings.Contains(got, "refused") {
		t.Error(got)
	}
	for _, other := range []error{nil, walcore.ErrNoKey, walcore.ErrChanged} {
		if report := run(t, newFailing(nil, other)); !report.Sound {
			t.Errorf("%v: %s", other, short(report.Problems))
		}
	}
}

// TestInterrupted: it stops when it is told to.
func TestInterrupted(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	log := newFailing(nil, nil)
	if report, err := check.Run(ctx, log, check.Options{}); !errors.Is(err, context.Canceled) || report != nil || *log.closed != 1 {
		t.Errorf("%+v, %v", report, err)
	}
}

// TestProgress: it ends with all there is.
func TestProgress(t *testing.T) {
	var last, total int64
	report, err := check.Run(t.Context(), open(t, fixture.Dir(t, "alpha"), "alpha"), check.Options{Progress: func(d, n int64) {
		if d < last || d > n {
			t.Errorf("%d of %d after %d", d, n, last)
		}
		last, total = d, n
	}})
	fixture.Must(t, err)
	if uint64(last) != report.Bytes || last != total || last == 0 {
		t.Errorf("at last %d of %d, the report has %d", last, total, report.Bytes)
	}
}
