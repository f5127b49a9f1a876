package etcd

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/platform"
)

const (
	// settlingTime is how long a record of which only a part is there counts as work in
	// progress, to those who follow the directory: a process can be stopped in a write.
	settlingTime = time.Second
	// maxRetries bounds how often it is looked at again at once.
	maxRetries = 5
)

func (r *Reader) load(before *Reader) (err error) {
	l := &r.follower.layout
	if l.Snap == "" {
		if again, err := Find(r.follower.path); err == nil && again.WAL == l.WAL {
			*l = again // etcd makes the folder first, and then what is in it
		}
	}
	r.snap = l.Snap
	r.meta = walcore.Meta{Path: l.Root, System: &system}
	if r.meta.Dir, err = platform.StatPath(l.Root); err != nil {
		return err
	}
	r.meta.Attr = r.meta.Dir
	r.listed = time.Now()
	if err := r.listFolder(l.WAL, before, isOfWAL); err != nil {
		return err
	}
	segments := r.index(before)
	c := link(segments)
	if name, ok := r.unreadableSegment(); ok && (len(segments) == 0 || name.seq > segments[len(segments)-1].name.seq) {
		c.broken = true // the log goes on in it
	}
	// A snapshot's file is written before the record that names it: the records are read first.
	if l.Snap != "" {
		switch err := r.listFolder(l.Snap, before, isOfSnap); {
		case platform.IsTooManyOpen(err):
			return err
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			r.report(l.Snap, walcore.KindUnreadable, "cannot be read: %v", err)
		}
	}
	slices.SortFunc(r.native, func(a, b *nativeFile) int { return strings.Compare(a.name, b.name) })
	r.show(c, before)
	r.summarize(c)
	return nil
}

// listFolder lists a folder of the directory, and opens what is in it.
func (r *Reader) listFolder(name string, before *Reader, isOf func(name string) bool) error {
	folder, err := openFolder(r.follower.layout.Root, name)
	if err != nil {
		return err
	}
	r.folders = append(r.folders, folder)
	return r.list(folder, before.native, isOf)
}

// index reads what is new in the segments.
func (r *Reader) index(before *Reader) []*segment {
	known := r.follower.segments
	r.follower.segments = map[string]*segment{}
	var segments []*segment
	var unread []func()
	for _, n := range r.native {
		name, ok := parseSegmentName(path.Base(n.name))
		if !ok {
			continue
		}
		s := known[n.name]
		isOther := s == nil || s.file != n.openFile
		changed := isOther || before.mayHaveChanged(s, n.attr)
		if isOther || changed && before.isRewritten(s, n.attr) {
			s = &segment{name: name, file: n.openFile}
		}
		r.follower.segments[n.name] = s
		segments = append(segments, s)
		if changed {
			unread = append(unread, func() { s.extend(n.attr, partsOf(n.attr.Size-s.end, len(unread))) })
		}
	}
	platform.InParallel(len(unread), func(i int) { unread[i]() })
	if len(segments) > 0 {
		r.settle(segments[len(segments)-1], before)
	}
	return segments
}

// settle looks again at the end of the segment that is written to, if only a part of a record
// seems to be there.
func (r *Reader) settle(s *segment, before *Reader) {
	start := time.Now()
	for try := 0; ; try++ {
		attr, err := s.file.stat()
		if err != nil {
			attr = s.attr
		}
		if s.extend(attr, 1); s.fault == nil {
			s.checkLeftover()
		}
		if s.fault == nil || s.accepted == s.end || try == maxRetries || time.Since(start) > settlingTime/10 {
			break // to sum a large record again takes long
		}
		time.Sleep(time.Millisecond)
	}
	if n := findFile(r.native, s.file); n != nil {
		n.attr = s.attr
	}
	if s.fault == nil || s.accepted == s.end {
		return
	}
	since := before.settlingSince
	if since.IsZero() {
		since = time.Now()
	}
	if before.follower != nil && time.Since(since) < settlingTime {
		r.settlingSince, s.fault = since, nil
		return
	}
	s.accepted = s.end
}

// show makes the log that the segments are.
func (r *Reader) show(c *chain, before *Reader) {
	r.log = &log{spans: c.spans, lost: slices.DeleteFunc(c.gaps, func(g gap) bool { return !g.lost }), lostEnd: c.broken, replaced: &replacedList{spans: c.replaced}}
	spans := c.spans
	for i, s := range c.segments {
		n := findFile(r.native, s.file)
		k := 0
		for k < len(spans) && spans[k].segment == i {
			k++
		}
		l := &logFile{of: s, table: s.table, file: s.file, spans: spans[:k:k], ending: s.ending, fault: s.fault, named: s.snapshots,
			File: walcore.File{ID: s.name.seq, Name: s.name.String(), Attr: n.attr, Identity: n.attr.FileID()}}
		l.Source = l
		spans = spans[k:]
		if before.log != nil {
			for _, old := range before.files {
				if l.sameAs(old) {
					l = old
				}
			}
		}
		r.files = append(r.files, l)
	}
	if before.log != nil && sameFiles(before.files, r.files) && slices.Equal(before.replaced.spans, c.replaced) {
		r.replaced = before.replaced // which may be in order already
	}
	for _, s := range r.spans {
		r.terms = addSpan(r.terms, s)
	}
	r.problems = append(r.problems, c.problems.all()...)
}

// sameFiles reports whether the files of an earlier log are the first ones of a later.
func sameFiles(earlier, later []*logFile) bool {
	return len(earlier) <= len(later) && slices.EqualFunc(earlier, later[:len(earlier)], func(a, b *logFile) bool { return a.of == b.of })
}

func findFile(files []*nativeFile, f *openFile) *nativeFile {
	if i := slices.IndexFunc(files, func(n *nativeFile) bool { return n.openFile == f }); i >= 0 {
		return files[i]
	}
	return nil
}
