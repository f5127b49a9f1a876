package main

import (
	"bytes"
	"context"
	"strings"
	"syscall"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/payload"
)

// interrupting is a decoder that interrupts the dump at an entry.
type interrupting struct {
	payload.Decoder
	at        uint64
	interrupt func()
}

func (d *interrupting) Summarize(s *payload.Summary, e payload.Entry) error {
	if e.Index == d.at {
		d.interrupt()
	}
	return d.Decoder.Summarize(s, e)
}

// TestDumpInterrupted: Ctrl-C ends a dump that does not follow before its next
// entry, with what was printed, without a summary, and with the signal's exit code.
func TestDumpInterrupted(t *testing.T) {
	r, err := dgraph.OpenReader(fixture.Dir(t, "alpha"), dgraph.ReaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	d := &interrupting{Decoder: payload.NewDgraph(payload.Alpha, payload.Options{}), at: 42, interrupt: func() { cancel(interruptedBy(syscall.SIGINT)) }}
	var out bytes.Buffer
	o := dumpOptions{format: "table", filter: filterOf(t, "--to 975")}
	err = newDumper(&o, r, d, &out).run(ctx)
	if err == nil || err.Error() != "interrupted before entry 43" || exitCode(err, true) != 130 {
		t.Errorf("it ends with %v", err)
	}
	if got := lines(out.String()); len(got) != tableHead+42 || !strings.HasPrefix(got[tableHead+41], "        42 ") {
		t.Errorf("%d lines, the last %q", len(got), got[len(got)-1])
	}
}
