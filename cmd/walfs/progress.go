package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/walfs/walfs/cmd/walfs/terminal"
)

// progress says how far long work has come, in one line that is written again and
// again on stderr, if that is a terminal. It is used like this:
//
//	p := newProgress("checking")
//	defer p.end()
//	… p.at(done, total) as often as there is news
//
// Whoever prints something else on stderr calls end first.
type progress struct {
	out   io.Writer // nil: nobody would see it
	what  string
	now   func() time.Time
	next  time.Time // when to write again
	shown bool
}

// What is done in less than progressDelay shows nothing. A line that changes more
// often than every progressStep cannot be read.
const (
	progressDelay = 500 * time.Millisecond
	progressStep  = 200 * time.Millisecond
)

func newProgress(what string) *progress { return progressOn(os.Stderr, what) }

func progressOn(f *os.File, what string) *progress {
	p := &progress{what: what, now: time.Now}
	if terminal.Is(f) {
		p.out = f
		p.next = p.now().Add(progressDelay)
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
	if p.out == nil {
		return
	}
	now := p.now()
	if now.Before(p.next) {
		return
	}
	p.next, p.shown = now.Add(progressStep), true
	percent := int64(100)
	if total > 0 {
		percent = int64(100 * (float64(done) / float64(total)))
	}
	fmt.Fprintf(p.out, "\r\x1b[Kwalfs: %s: %d %% of %s", p.what, percent, sizeText(total))
}

// end takes the line away.
func (p *progress) end() {
	if p.shown {
		fmt.Fprint(p.out, "\r\x1b[K")
		p.shown = false
	}
}

// sizeText is a number of bytes as people say it.
func sizeText(n int64) string {
	units := []string{"bytes", "KiB", "MiB", "GiB", "TiB"}
	size, unit := float64(n), 0
	for size >= 1024 && unit < len(units)-1 {
		size /= 1024
		unit++
	}
	if unit == 0 {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%.1f %s", size, units[unit])
}
