package main

// statsProgress says how many bytes of payloads have been added up.
type statsProgress struct {
	tell        func(done, total int64) // nil: nobody would see it
	done, total int64
}

// start shows it until end is called.
func (p *statsProgress) start(a *adding) (end func()) {
	line := newProgress("adding up")
	if p.tell = line.report(); p.tell != nil {
		for e := range a.log.Entries(1) {
			p.total += e.Size
		}
	}
	return line.end
}

// restart is for a log that is read again.
func (p *statsProgress) restart() { p.done = 0 }

func (p *statsProgress) passed(bytes int64) {
	if p.tell != nil {
		p.done += bytes
		p.tell(p.done, max(p.total, p.done))
	}
}
