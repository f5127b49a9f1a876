package diff

import (
	"bytes"
	"slices"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
)

// Promise is what Raft says of two entries with one index.
type Promise string

// The promises that a Difference can break, the more serious one last.
const (
	Unbroken  Promise = ""
	SameTerm  Promise = "same_term" // entries of the same index and term are the same
	Committed Promise = "committed" // an entry that two replicas have committed is the same
)

// compareAt compares the entries with one index, of the logs that have it.
func (r *Report) compareAt(index uint64, here []*log) {
	for _, l := range here {
		if l.data, l.err = payload.Data(&l.payloads, &l.entry); l.err != nil {
			r.Unreadable++
		}
	}
	what, promise := "", Unbroken
	for i, a := range here {
		for _, b := range here[i+1:] {
			switch by := r.differs(a, b); by {
			case "":
			case emptied:
				if a.entry.Size == 0 {
					a.emptied = true
				} else {
					b.emptied = true
				}
			default:
				if what == "" {
					what = by
				}
				if a.committed(index) && b.committed(index) {
					promise = Committed
				} else if promise == Unbroken && a.entry.Term == b.entry.Term {
					promise = SameTerm
				}
			}
		}
	}
	for _, l := range here {
		if l.emptied {
			l.emptied = false
			r.addEmptied(l.Meta().Path, index)
		}
	}
	if what != "" {
		if !r.oneGroup {
			promise = Unbroken
		}
		r.differ(index, what, promise, here)
	}
}

// emptied is what differs returns for two entries of which one was emptied.
const emptied = "emptied"

// differs says in what two entries differ: term, type, payload or emptied. It is
// "" if they do not, as far as they can be read.
func (r *Report) differs(a, b *log) string {
	switch {
	case a.entry.Term != b.entry.Term:
		return "term"
	case a.entry.Type != b.entry.Type:
		return "type"
	case r.oneGroup && a.entry.Type == walcore.EntryNormal && (a.entry.Size == 0) != (b.entry.Size == 0):
		return emptied
	case a.entry.Size != b.entry.Size:
		return "payload"
	case a.err == nil && b.err == nil:
		if _, same := r.samePrefix(a, b); !same {
			return "payload"
		}
	}
	return ""
}

func (r *Report) addEmptied(dir string, index uint64) {
	i := slices.IndexFunc(r.Emptied, func(e Emptied) bool { return e.Dir == dir })
	if i < 0 {
		i = len(r.Emptied)
		r.Emptied = append(r.Emptied, Emptied{Dir: dir, Range: Range{First: index}})
	}
	e := &r.Emptied[i]
	e.Last = index
	e.Entries++
}

func (r *Report) differ(index uint64, what string, promise Promise, here []*log) {
	r.Differs++
	breaks := promise != Unbroken && (r.Broken == nil || promise == Committed && r.Broken.Promise == SameTerm)
	if r.Parted != nil && !breaks {
		return
	}
	d := &Difference{Index: index, What: what, Promise: promise}
	for _, l := range here {
		name, _ := l.Meta().System.TypeName(l.entry.Type)
		v := Version{Dir: l.Meta().Path, Term: l.entry.Term, Type: name.Name, Size: l.entry.Size,
			Entry: l.entry}
		if l.Meta().HardState != nil {
			committed := l.committed(index)
			v.Committed = &committed
		}
		if l.err == nil {
			if text, err := l.sum(); err == nil {
				v.SHA256, v.Data = &text, bytes.Clone(l.data)
			}
		}
		d.Entries = append(d.Entries, v)
	}
	if what == "payload" {
		d.Byte = r.firstByte(here)
	}
	if r.Parted == nil {
		r.Parted = d
	}
	if breaks {
		r.Broken = d
	}
}

// committed reports whether the log has a hard state that says that an index is
// committed.
func (l *log) committed(index uint64) bool {
	hs := l.Meta().HardState
	return hs != nil && index <= hs.Commit
}

// firstByte finds the first byte at which two payloads differ. It is nil where only
// sizes are known, because the payloads cannot be read.
func (r *Report) firstByte(here []*log) *int {
	var at *int
	for i, a := range here {
		for _, b := range here[i+1:] {
			if r.differs(a, b) != "payload" || a.err != nil || b.err != nil {
				continue
			}
			if n, _ := r.samePrefix(a, b); at == nil || n < *at {
				at = &n
			}
		}
	}
	return at
}
