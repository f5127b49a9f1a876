package dgraph

import (
	"errors"
	"iter"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
	"github.com/walfs/walfs/walcore/platform"
)

// A log of hundreds of log files takes seconds to read, and most who open one ask for a few
// entries. So of each file but the newest only the ends are read at first: see presume.go. If
// by its ends the directory looks sound, it is presumed to be. A file's table is read when an
// entry in it is asked for, and then it is looked whether it is as presumed. Some tables are held
// in memory: see tablecache.go.
//
// If one is not as presumed, all tables are read, and from then on every answer is that of a
// reader which had read all of them at the beginning. What was answered before was right as far
// as it was looked at: each entry came from a table that is sound in itself. The next Refresh
// finds a change, so that who follows the directory learns of it, and reads all tables, too.

// eagerFiles is how many log files are read as a whole when a directory is opened: they take a
// tenth of a second, and some MiB of memory.
const eagerFiles = 32

// lazyLog is what the files of a lazily read log have in common.
type lazyLog struct {
	reader  *Reader
	cache   *tableCache
	files   []*lazyFile // in the log's order
	earlier []*fullFile // the same

	checked bool        // all tables were looked at when the reader was made
	failed  atomic.Bool // a table that was looked at is not as presumed
	mu      sync.Mutex  // protects reading all
	whole   atomic.Pointer[Reader]
}

// now is the reader that answers now: r, or the one that has read all tables since.
func (r *Reader) now() *Reader {
	if r.lazy != nil {
		if w := r.lazy.whole.Load(); w != nil {
			return w
		}
	}
	return r
}

// now is the log that answers now.
func (l *log) now() *log {
	if l.lazy != nil {
		if w := l.lazy.whole.Load(); w != nil {
			return w.log
		}
	}
	return l
}

// readAll gives a reader that has read all tables: r, or one that does it now.
func (r *Reader) readAll() *Reader {
	if r.lazy == nil {
		return r
	}
	return r.lazy.readAll()
}

// readAll gives the log of all tables.
func (l *log) readAll() *log {
	if l.lazy == nil {
		return l
	}
	return l.lazy.readAll().log
}

func (l *lazyLog) readAll() *Reader {
	l.mu.Lock()
	defer l.mu.Unlock()
	if w := l.whole.Load(); w != nil {
		return w
	}
	all := reading{Reader: &Reader{look: l.reader.look}, presumed: l.files, unreadable: slices.Clone(l.reader.log.unreadable)}
	all.problems = slices.Clone(all.problems)
	all.log = all.orderLogFiles(all.readLogFiles())
	all.settleTerm()
	l.whole.Store(all.Reader)
	return all.Reader
}

// verified gives r if the tables of all its files are as presumed, or else the reader that has read
// all. What a file's table is that has changed since it was opened, the next Refresh tells.
func (r *Reader) verified() *Reader {
	if r.lazy == nil {
		return r
	}
	platform.InParallel(len(r.files), func(i int) {
		if f := r.files[i]; !f.isLookedAt() {
			_, _ = f.load()
		}
	})
	return r.now()
}

// Checked reports whether all tables were looked at.
func (r *Reader) Checked() bool { return r.nextToCheck() == nil }

// CheckNext looks at a table that was not looked at, and reports whether more are left.
func (r *Reader) CheckNext() (more bool) {
	f := r.nextToCheck()
	if f == nil {
		return false
	}
	if _, err := f.load(); errors.Is(err, errPresumed) {
		r.readAll()
	}
	return r.nextToCheck() != nil
}

// nextToCheck is a file whose table was not looked at; nil if there is none.
func (r *Reader) nextToCheck() *lazyFile {
	if r = r.now(); r.lazy != nil {
		if i := slices.IndexFunc(r.files, func(f *lazyFile) bool { return !f.isLookedAt() }); i >= 0 {
			return r.files[i]
		}
	}
	return nil
}

// tables are those of the log's files that stay in memory. Of a file whose table does not, each slot
// is an entry, if it is as presumed.
func (l *log) tables() []*LogFile {
	var tables []*LogFile
	for _, f := range l.files {
		if f.kept != nil {
			tables = append(tables, f.kept)
		}
	}
	return tables
}

// tableOf gives the table of a log file that stays in memory, or nil.
func (l *log) tableOf(f file) *LogFile {
	if f := findLogFile(l.files, f); f != nil {
		return f.kept
	}
	return nil
}

// presumeLog makes the log of what the ends of its files say. It gives nil if all tables are to be
// read: there are few, or what can be seen does not look sound.
func (r *reading) presumeLog() *log {
	f := r.follower
	var old []*nativeFile
	var newest *nativeFile
	for _, n := range r.native {
		switch id, isLog := format.ParseFileName(n.Name); {
		case isLog && id == r.newest:
			newest = n
		case isLog:
			old = append(old, n)
		}
	}
	if !f.opts.Lazy || f.readAll || f.opts.Erased != nil || len(r.unreadable) > 0 || len(old) < f.opts.eager() {
		return nil
	}
	found := make([]*lazyFile, len(old))
	platform.InParallel(len(old), func(i int) { found[i] = r.presumeFile(old[i]) })
	if slices.Contains(found, nil) {
		return nil
	}
	slices.SortFunc(found, func(a, b *lazyFile) int { return int(int64(a.ID) - int64(b.ID)) })
	if f.cache == nil {
		f.cache = &tableCache{most: mostCached}
	}
	p := presumedLog{log: &log{lazy: &lazyLog{reader: r.Reader, cache: f.cache}}}
	for _, l := range found {
		if !p.add(l) {
			return nil
		}
	}
	// It is read after the others: a node is at work in it.
	if t, err := r.readLogFile(r.newest, newest); err != nil || !p.addNewest(r, t) {
		return nil
	}
	if !p.loadSized() {
		return nil
	}
	f.cache.keep(p.files)
	p.lazy.checked = !slices.ContainsFunc(p.files, func(f *lazyFile) bool { return !f.isLookedAt() })
	return p.log
}

// eager is up to how many files are read as a whole.
func (o *ReaderOptions) eager() int {
	if o.lazyFrom > 0 {
		return o.lazyFrom
	}
	return eagerFiles
}

// presumedLog is a log that is being put together of what is presumed.
type presumedLog struct{ *log }

// add puts a file behind the others. It reports whether it goes on where they end.
func (p *presumedLog) add(f *lazyFile) bool {
	t := f.table
	if !p.goesOn(t.run(), t.spans) {
		return false
	}
	f.place, f.in = len(p.files), p.lazy
	f.Source = f
	p.lazy.earlier = append(p.lazy.earlier, f.asFull())
	p.files = append(p.files, f)
	p.lazy.files = p.files
	if l := t.loaded.Load(); l != nil {
		t.loaded.CompareAndSwap(l, f.adopt(l)) // so that the reader before is not held in memory
	}
	return true
}

// goesOn puts a run with these terms at the log's end, if it goes on there.
func (p *presumedLog) goesOn(r run, terms []walcore.TermSpan) bool {
	if k := len(p.spans) - 1; k >= 0 && r.index != p.spans[k].last()+1 {
		return false
	}
	p.spans = append(p.spans, span{run: r, file: len(p.files)})
	for _, t := range terms {
		k := len(p.terms) - 1
		switch {
		case k >= 0 && t.Term < p.terms[k].Term:
			return false
		case k >= 0 && t.Term == p.terms[k].Term:
			p.terms[k].Last = t.Last
			p.terms[k].Count += int(t.Last - t.First + 1)
		default:
			t.Count = int(t.Last - t.First + 1)
			p.terms = append(p.terms, t)
		}
	}
	return true
}

// addNewest puts the newest file, whose table was read, at the end. Without entries in it, the log's
// last payload is in a file that others do not follow: then nothing is presumed.
func (p *presumedLog) addNewest(r *reading, t tableFile) bool {
	if t.size < format.PayloadAt || t.summary == nil || !t.inPayloadArea(t.low) || !t.inPayloadArea(t.high) || len(t.leftovers) > 0 ||
		t.used != t.Len() || !p.goesOn(t.chain[0], t.summary.spans) {
		return false
	}
	l := r.newLogFile(t, slotFindings{entrySlots: entrySlots{runs: t.chain}})
	l.earlier = p.lazy.earlier
	f := &lazyFile{File: l.File, f: t.f, kept: l, place: len(p.files), in: p.lazy}
	f.Source = f
	p.files = append(p.files, f)
	p.lazy.files = p.files
	return true
}

// loadSized reads the tables of files of which payload sizes were given before their tables became other ones, as
// that of the newest file did: other sizes must not be given later. It reports whether they are
// as presumed.
func (p *presumedLog) loadSized() bool {
	for _, f := range p.files {
		if f.sizesGiven {
			if _, err := f.load(); errors.Is(err, errPresumed) {
				return false
			}
		}
	}
	return true
}

// merged goes through two logs of one directory by index. An entry that both have comes once.
func merged(a, b iter.Seq[walcore.Entry]) iter.Seq[walcore.Entry] {
	return func(yield func(walcore.Entry) bool) {
		next, stop := iter.Pull(b)
		defer stop()
		other, more := next()
		for e := range a {
			for ; more && other.Index <= e.Index; other, more = next() {
				if other != e && !yield(other) {
					return
				}
			}
			if !yield(e) {
				return
			}
		}
		for ; more && yield(other); other, more = next() {
		}
	}
}
