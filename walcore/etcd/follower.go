package etcd

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/bolt"
	"github.com/walfs/walfs/walcore/platform"
)

// follower is what the readers of a directory have in common, one after the other.
type follower struct {
	path string

	mu        sync.Mutex // protects what follows
	layout    Layout
	current   *Reader
	segments  map[string]*segment // by native name
	snapshots map[*openFile]*snapshotFile
	closed    bool
	pinned    *bolt.Image // of the database; nil: it was not pinned
}

func (f *follower) start() (*Reader, error) {
	r, err := f.look(&Reader{})
	if err != nil {
		return nil, err
	}
	f.current = r
	return r, nil
}

func (f *follower) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil
	}
	f.closed = true
	return f.current.closeFiles(nil)
}

// next gives a reader of what the directory holds now. It shares files and tables with the one
// before; files that it does not need are closed, so that reading them there fails.
func (f *follower) next() (*Reader, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, fs.ErrClosed
	}
	changed, err := f.current.changed()
	if err != nil || !changed {
		return f.current, err
	}
	r, err := f.look(f.current)
	if err != nil {
		return nil, err
	}
	f.current.closeFiles(r) // they were only read
	f.current = r
	return r, nil
}

// timeResolution is more than the distance of two times that a file system can tell apart: a
// folder that was changed so shortly before it was listed may have changed again since.
const timeResolution = 20 * time.Millisecond

// changed reports whether anything may have changed since the directory was read. It fails if
// the segments' folder is gone.
func (r *Reader) changed() (bool, error) {
	for _, f := range r.folders {
		now, err := platform.StatPath(f.path)
		if err != nil && f.name == r.follower.layout.WAL {
			return false, err
		}
		if err != nil || !now.Same(f.attr) || !now.Ctime.Equal(f.attr.Ctime) || r.listed.Sub(f.attr.Ctime) < timeResolution {
			return true, nil
		}
	}
	if !r.settlingSince.IsZero() {
		return true, nil
	}
	for _, n := range r.native {
		now, err := n.stat()
		if err != nil || now.Size != n.attr.Size || !now.Mtime.Equal(n.attr.Mtime) || !now.Ctime.Equal(n.attr.Ctime) {
			return true, nil
		}
	}
	// Two writes can have one time.
	if len(r.files) == 0 {
		return false, nil
	}
	newest := r.files[len(r.files)-1]
	var header [frameHeader]byte
	_, err := newest.file.ReadAt(header[:], newest.end)
	return err == nil && newest.fault == nil && binary.LittleEndian.Uint64(header[:]) != 0, nil
}

// closeFiles closes the reader's files but those that another one has too; nil: all.
func (r *Reader) closeFiles(other *Reader) (err error) {
	if other == nil {
		other = &Reader{}
	}
	for _, n := range r.native {
		if !slices.ContainsFunc(other.native, func(o *nativeFile) bool { return o.openFile == n.openFile }) {
			err = errors.Join(err, n.f.Close())
		}
	}
	for _, f := range r.folders {
		if !slices.Contains(other.folders, f) {
			err = errors.Join(err, f.dir.Close())
		}
	}
	return err
}

// look reads the directory. before is what the look before has found, without files if there
// was none.
func (f *follower) look(before *Reader) (*Reader, error) {
	r := &Reader{follower: f}
	if err := r.load(before); err != nil {
		r.closeFiles(before) // they were only read
		return nil, err
	}
	return r, nil
}

func (r *Reader) load(before *Reader) (err error) {
	l := &r.follower.layout
	if l.Snap == "" {
		if again, ok := Is(r.follower.path); ok && again.WAL == l.WAL {
			*l = again // etcd makes the folder first, and then what is in it
		}
	}
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
		if err := r.listFolder(l.Snap, before, isOfSnap); err != nil && platform.IsTooManyOpen(err) {
			return err
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

var system = walcore.System{Name: walcore.Etcd, Types: walcore.RaftTypes, HexIDs: true}

const (
	// settlingTime is how long a record of which only a part is there counts as work in
	// progress, to those who follow the directory: a process can be stopped in a write.
	settlingTime = time.Second
	// maxRetries bounds how often it is looked at again at once.
	maxRetries = 5
)

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
		if s == nil || s.file != n.openFile || n.attr.Size < s.end {
			s = &segment{name: name, file: n.openFile}
		}
		r.follower.segments[n.name] = s
		segments = append(segments, s)
		// What was the newest can have got more in the time that its times tell apart.
		if s.attr.Size != n.attr.Size || !s.attr.Mtime.Equal(n.attr.Mtime) || s.fault != nil || before.isNewest(s) {
			unread = append(unread, func() { s.extend(n.attr) })
		}
	}
	inParallel(unread)
	if len(segments) > 0 {
		r.settle(segments[len(segments)-1], before)
	}
	return segments
}

// isNewest reports whether a segment was the one that is written to.
func (r *Reader) isNewest(s *segment) bool {
	return r.log != nil && len(r.files) > 0 && r.files[len(r.files)-1].of == s
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
		if s.extend(attr); s.fault == nil {
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

// inParallel calls functions, as many at a time as there are processors.
func inParallel(calls []func()) {
	var wg sync.WaitGroup
	next := make(chan func())
	for range min(len(calls), runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for call := range next {
				call()
			}
		})
	}
	for _, call := range calls {
		next <- call
	}
	close(next)
	wg.Wait()
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
		l := &logFile{of: s, table: s.table, file: s.file, spans: spans[:k:k], end: s.end, fault: s.fault, named: s.snapshots,
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

// summarize puts what the records say into the words that all systems share.
func (r *Reader) summarize(c *chain) {
	m := &r.meta
	if c.ids != nil {
		m.NodeID, m.ClusterID = &c.ids.node, &c.ids.cluster
	} else if m.Damaged = true; len(c.segments) > 0 {
		r.report(c.segments[0].name.String(), walcore.KindMeta, "no segment says whose log it is")
	}
	commit := uint64(0)
	if c.state != nil {
		commit = c.state.Commit
	}
	if c.broken {
		m.Damaged = true // records that are lost may have had a later one
	} else {
		m.HardState = &walcore.HardState{}
		if c.state != nil {
			*m.HardState = *c.state
		}
	}
	r.readSnapshots(c.snapshots, commit)
	last := r.last()
	if m.Snapshot != nil {
		m.SnapshotIndex, m.SnapshotTerm = &m.Snapshot.Index, &m.Snapshot.Term
		if first := m.Snapshot.Index + 1; m.Snapshot.Index > 0 || c.begin <= 1 {
			r.firstIndex = &first
		}
		last = max(last, m.Snapshot.Index)
	}
	if !c.broken && (m.Snapshot != nil || r.last() > 0) {
		r.lastIndex = &last
		if commit > last {
			r.report(".", walcore.KindCommit, "the commit index is %d, the log ends at %d: entries are lost", commit, last)
		}
	}
	if begin := r.begin(); m.Snapshot != nil && begin > m.Snapshot.Index+1 {
		r.report(".", walcore.KindSnapshot, "the log begins with index %d, and the snapshot (index %d) does not reach up to it: a node cannot start from them",
			begin, m.Snapshot.Index)
	}
}

// unreadableSegment is the newest segment that cannot be read.
func (r *Reader) unreadableSegment() (newest segmentName, ok bool) {
	for _, name := range r.unreadable {
		if n, is := parseSegmentName(path.Base(name)); is {
			newest, ok = n, true
		}
	}
	return newest, ok
}

// begin is the first entry's index, 0 if there is none.
func (l *log) begin() uint64 {
	if len(l.spans) == 0 {
		return 0
	}
	return l.spans[0].index
}

// readSnapshots reads the files of snapshots.
func (r *Reader) readSnapshots(named []snapshotRecord, commit uint64) {
	known := r.follower.snapshots
	r.follower.snapshots = map[*openFile]*snapshotFile{}
	newest := uint64(0)
	for _, s := range named {
		newest = max(newest, s.index)
	}
	for _, n := range r.native {
		term, index, ok := parsePair(path.Base(n.name), ".snap")
		if !ok {
			continue
		}
		s := known[n.openFile]
		if s == nil || s.attr != n.attr {
			s = &snapshotFile{attr: n.attr}
			s.snapshot, s.err = readSnapshot(n.openFile, n.attr, term, index)
		}
		r.follower.snapshots[n.openFile] = s
		if s.err != nil && index > newest {
			continue // a node that writes it, or was killed at that, has not named it yet
		}
		if s.err != nil {
			r.report(n.name, walcore.KindSnapshot, "is not whole: %v", s.err)
			continue
		}
		r.meta.Snapshots = append(r.meta.Snapshots, s.snapshot)
	}
	slices.SortFunc(r.meta.Snapshots, byIndex)
	chosen, missing := chooseSnapshot(r.meta.Snapshots, named, commit)
	switch {
	case chosen != nil:
		r.meta.Snapshot = chosen
	case missing == nil:
		r.meta.Snapshot = &walcore.Snapshot{}
	default:
		r.meta.Damaged = true
	}
	if missing != nil {
		where := r.follower.layout.Snap
		if where == "" {
			where = "snap"
		}
		r.report(fmt.Sprintf("%s/%016x-%016x.snap", where, missing.term, missing.index), walcore.KindSnapshot,
			"the log names it, and there is no such file that is whole")
	}
}
