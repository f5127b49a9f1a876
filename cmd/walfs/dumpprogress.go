package main

import (
	"io"

	"github.com/walfs/walfs/cmd/walfs/terminal"
	"github.com/walfs/walfs/walcore"
)

// dumpProgress says how far dump has come, where the entries go elsewhere than to a
// terminal: there, they show it themselves.
type dumpProgress struct {
	line        *progress
	tell        func(done, total int64) // nil: nobody would see it
	done, total int64
}

func newDumpProgress(d *dumper, stdout io.Writer) *dumpProgress {
	p := &dumpProgress{}
	if d.follow || terminal.Is(stdout) {
		return p
	}
	p.line = newProgress("dumping")
	if p.tell = p.line.report(); p.tell == nil {
		return p
	}
	for e := range d.log.Entries(d.next) {
		if e.Index > d.filter.to {
			break
		}
		p.total += e.Size
	}
	return p
}

// passed is told of each entry that dump is done with.
func (p *dumpProgress) passed(e *walcore.Entry) {
	if p.tell != nil {
		p.done += e.Size
		p.tell(p.done, p.total)
	}
}

// end takes the line away.
func (p *dumpProgress) end() {
	if p.line != nil {
		p.line.end()
	}
}
