package explain_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"

	"github.com/walfs/walfs/test/memlog"
	"github.com/walfs/walfs/test/nativelog"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/detect"
	"github.com/walfs/walfs/walcore/explain"
	"github.com/walfs/walfs/walcore/payload"
)

func ExampleNew() {
	edge := []byte("\x00\x01\x00\x00\x00\x00\x00\x01\x12\x0e\x10\x0a\x1a\x0a\x12\x060-name\x1a\x00") // of transaction 10
	dir := nativelog.Temp(nativelog.Meta{RaftID: 1, GroupID: 1, Term: 1, Commit: 3},
		nativelog.Entry{Term: 1, Index: 1, Type: 1, Data: []byte{0x18, 1}}, // add node 1
		nativelog.Entry{Term: 1, Index: 2, Data: edge},
		nativelog.Entry{Term: 1, Index: 3})
	defer nativelog.Remove(dir)
	log, err := detect.Open(dir, detect.Options{})
	if err != nil {
		panic(err)
	}
	defer log.Close()
	decoder := payload.NewDgraph(payload.AppOf(log), payload.Options{})
	report, err := explain.New(context.Background(), log, decoder, explain.Options{})
	if err != nil {
		panic(err)
	}
	fmt.Println(report.Pending.Txns[0].StartTs, "is pending, and the next snapshot ends at", *report.Compaction.AtMost)
	fmt.Println(report.Odd)
	// Output:
	// 10 is pending, and the next snapshot ends at 1
	// [lone_voter]
}

// failing is a log of which an entry cannot be read.
type failing struct {
	*memlog.Log
	index uint64
	err   error
}

func (l failing) Entries(from uint64) iter.Seq[walcore.Entry] {
	return func(yield func(walcore.Entry) bool) {
		for e := range l.Log.Entries(from) {
			if e.Index == l.index {
				file := *e.File
				file.Source = failingSource{file.Source, l.err}
				e.File = &file
			}
			if !yield(e) {
				return
			}
		}
	}
}

type failingSource struct {
	walcore.Source
	err error
}

func (s failingSource) ReadPayload(walcore.Entry, []byte, int64) error { return s.err }

// TestUnreadable: an entry that cannot be read is counted, but for one that has changed:
// the log has to be asked again.
func TestUnreadable(t *testing.T) {
	for _, test := range []struct {
		err  error
		want explain.Unreadable
	}{
		{walcore.ErrNoKey, explain.Unreadable{NoKey: 1}},
		{walcore.ErrDataKey, explain.Unreadable{NoDataKey: 1}},
		{walcore.ErrDamaged, explain.Unreadable{Damaged: 1, First: 9}},
		{errors.New("input/output error"), explain.Unreadable{Damaged: 1, First: 9}},
	} {
		r, err := newReport(t.Context(), failing{memlog.Sample("w"), 9, test.err})
		if err != nil || r.Unreadable != test.want || r.Entries != 5 {
			t.Errorf("%v: %+v, %v", test.err, r, err)
		}
	}
	if _, err := newReport(t.Context(), failing{memlog.Sample("w"), 9, walcore.ErrChanged}); !errors.Is(err, walcore.ErrChanged) {
		t.Errorf("changed: %v", err)
	}
}

func newReport(ctx context.Context, log walcore.Log) (*explain.Report, error) {
	return explain.New(ctx, log, payload.NewDgraph(payload.Alpha, payload.Options{}), explain.Options{})
}

// TestInterrupted: it ends with its context.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := newReport(ctx, memlog.Sample("w")); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// TestProgress tells of all bytes that are read.
func TestProgress(t *testing.T) {
	var done, total int64
	log := memlog.Sample("w")
	_, err := explain.New(t.Context(), log, payload.NewDgraph(payload.Alpha, payload.Options{}),
		explain.Options{Progress: func(d, t int64) { done, total = d, t }})
	if err != nil || done != 26 || total != 26 {
		t.Errorf("%d of %d, %v", done, total, err)
	}
}
