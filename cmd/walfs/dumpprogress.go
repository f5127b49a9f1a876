package main

import (
	"io"
	"os"

	"github.com/walfs/walfs/walcore"
)

// dumpProgress says how far dump has come, where the entries go to a file. On a terminal
// they show it themselves, and behind a pipe may be less or grep, which write to the
// terminal, too.
type dumpProgress struct {
	line        *progress
	tell        func(done, total int64) // nil: nobody would see it
	done, total int64
}

func newDumpProgress(d *dumper, stdout io.Writer) *dumpProgress {
	p := &dumpProgress{}
	if d.replaced { // how much is searched, nobody knows before the end
		p.line = newProgress("searching")
		return p
	}
	if f, ok := stdout.(*os.File); d.follow || !ok || !isRegular(f) {
		return p
	}
	p.line = newProgress("dumping")
	if d.left > 0 { // how much that is, nobody knows before the end
		return p
	}
	if p.tell = p.line.report(); p.tell == nil {
		return p
	}
	for e := range d.log.Entries(d.next) {
		if e.Index > d.filter.Last() {
			break
		}
		p.total += e.Size
	}
	return p
}

func isRegular(f *os.File) bool {
	st, err := f.Stat()
	return err == nil && st.Mode().IsRegular()
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
