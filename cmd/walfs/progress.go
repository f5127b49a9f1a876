package main

import (
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cheggaaa/pb/v3"
	"github.com/walfs/walfs/cmd/walfs/terminal"
)

// progress says how far long work has come, in one line that is written again and
// again on stderr, if that is a terminal. It is used like this:
//
//	p := newProgress("checking")
//	defer p.end()
//	… p.at(done, total) as often as there is news
//
// Work that cannot tell how far it is shows for how long it has been going on. notef
// takes the line away before it prints.
type progress struct {
	out  *os.File // nil: nobody would see it
	what string

	since time.Time

	mu    sync.Mutex  // protects all below
	timer *time.Timer // shows the line of work that tells nothing
	bar   *pb.ProgressBar
}

// What is done in less than progressDelay shows nothing.
const progressDelay = 500 * time.Millisecond

// shownProgress is the one whose line is on the terminal.
var shownProgress atomic.Pointer[progress]

func newProgress(what string) *progress { return progressOn(os.Stderr, what) }

func progressOn(f *os.File, what string) *progress {
	p := &progress{what: what}
	if terminal.Is(f) {
		p.mu.Lock()
		defer p.mu.Unlock()
		pb.RegisterElement("elapsed", elapsed, false)
		p.out, p.since = f, time.Now()
		p.timer = time.AfterFunc(progressDelay, func() { p.show(0, 0) })
	}
	return p
}

// report gives at for those who tell of progress, or nil where nobody would see it.
func (p *progress) report() func(done, total int64) {
	if p.out == nil {
		return nil
	}
	return p.at
}

// at is told how many bytes are done, of how many.
func (p *progress) at(done, total int64) {
	if p.out != nil && time.Since(p.since) >= progressDelay {
		p.show(done, total)
	}
}

func (p *progress) show(done, total int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case total == 0 && (p.bar != nil || p.timer == nil): // shown already, or at its end
		return
	case p.bar != nil && p.bar.Total() > 0:
		p.bar.SetTotal(total).SetCurrent(done)
		return
	}
	p.hide()
	line := knownLine
	if total == 0 {
		line = unknownLine
	}
	// The last column stays free: a terminal may go on to the next line behind it.
	p.bar = pb.New64(total).SetCurrent(done).SetTemplate(line).SetWriter(p.out).SetWidth(terminal.Columns(p.out)-1).
		Set("prefix", "walfs: "+p.what).Set("since", p.since).Set(pb.Bytes, true).Set(pb.CleanOnFinish, true).Set(pb.Color, false)
	shownProgress.Store(p)
	p.bar.Start().Write()
}

// elapsed is for how long the work has been going on. The library would count from when
// the line is shown, which may be for the second time.
var elapsed pb.ElementFunc = func(state *pb.State, _ ...string) string {
	return time.Since(state.Get("since").(time.Time)).Round(time.Second).String()
}

// The lines of work that tells how far it is, and of other work.
const (
	knownLine   pb.ProgressBarTemplate = `{{string . "prefix"}}: {{percent . "%.0f %%"}} of {{counters . "%[2]s"}} {{rtime . "%s left" "" ""}}`
	unknownLine pb.ProgressBarTemplate = `{{string . "prefix"}} {{elapsed .}}`
)

// end takes the line away. If more is told of the work, the line comes back.
func (p *progress) end() {
	if p.out == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
	p.hide()
}

func (p *progress) hide() {
	if p.bar != nil {
		p.bar.Finish() // waits until nothing more is written
		p.bar = nil
		shownProgress.CompareAndSwap(p, nil)
	}
}

// clearProgress takes away the line that is shown, if one is.
func clearProgress() {
	if p := shownProgress.Load(); p != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.hide()
	}
}
