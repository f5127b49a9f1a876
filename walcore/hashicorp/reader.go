package hashicorp

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/bolt"
	"github.com/walfs/walfs/walcore/platform"
)

var (
	_ walcore.Follower = (*Reader)(nil)
	_ walcore.Filer    = (*Reader)(nil)
	_ walcore.Imager   = (*Reader)(nil)
	_ walcore.Replacer = (*Reader)(nil)
	_ walcore.Timer    = (*logFile)(nil)
)

// system is what HashiCorp's library calls its entries.
var system = walcore.System{Name: walcore.HashiCorp, Types: walcore.HashiCorpTypes}

// Reader is an open directory, as it was at one moment: a walcore.Log.
type Reader struct {
	*log
	follower  *follower
	listing   listing
	listed    time.Time // when the names were read
	files     map[string]*openFile
	bolt      *boltLog  // nil: the store is another one, or could not be read
	wal       *walLog   // as bolt
	failed    bolt.Meta // of a store that could not be read; zero: no meta page could
	snapshots []*snapshot
	meta      walcore.Meta
	problems  []walcore.Problem // of the directory, not of a log file
}

// follower is what the readers of a directory have in common. It owns the directory and the
// newest reader.
type follower struct {
	found Found

	mu      sync.Mutex // protects what follows
	dir     *os.File
	current *Reader
}

// Open opens the Raft directory that Find finds at a path. A file that is damaged is a problem
// of the log, and no failure.
func Open(name string) (*Reader, error) {
	found, err := Find(name)
	if err != nil {
		return nil, err
	}
	f := &follower{found: found}
	if err := f.start(); err != nil {
		return nil, err
	}
	return f.current, nil
}

// start opens the directory and reads it for the first time.
func (f *follower) start() error {
	dir, err := platform.OpenDir(f.found.Path)
	if err != nil {
		return err
	}
	r, err := f.load(dir, nil)
	if err != nil {
		return errors.Join(err, dir.Close())
	}
	f.dir, f.current = dir, r
	return nil
}

// load reads the directory.
func (f *follower) load(dir *os.File, previous *Reader) (r *Reader, err error) {
	r = &Reader{follower: f, listed: time.Now()}
	files := &openFiles{dir: dir, names: map[string]*openFile{}}
	var store *boltLog
	var wal *walLog
	var snapshots []*snapshot
	var before *log
	if previous != nil {
		files.previous, store, wal, snapshots, before = previous.files, previous.bolt, previous.wal, previous.snapshots, previous.log
	}
	putBackMarks := files.takeMarks()
	defer func() {
		if err != nil {
			putBackMarks()
			files.closeBut(files.previous) // they were only read
		}
	}()
	r.files = files.names
	if r.listing, r.snapshots, err = findSnapshots(dir, f.found, snapshots); err != nil {
		return nil, err
	}
	var parts []part
	var stable *walcore.Stable
	main, err := files.open(f.found.main())
	if err != nil {
		return nil, err
	}
	switch f.found.Store {
	case BoltDB:
		if files.previous[f.found.main()] != main || files.stale[main] { // another file has the name, or other bytes
			store = nil
		}
		if r.bolt, err = readBoltLog(main, store); err == nil {
			stable = r.bolt.stable
			r.problems = append(r.problems, r.bolt.problems...)
			parts = append(parts, r.bolt.part(main))
		}
	case RaftWAL:
		if r.wal, err = readWALLog(files, f.found, wal); err == nil {
			r.wal = r.wal.settle(files, f.found)
			stable = r.wal.stable
			r.problems = append(r.problems, r.wal.problems...)
			for _, s := range r.wal.segments {
				parts = append(parts, s.part())
			}
		}
	}
	if errors.Is(err, walcore.ErrChanged) {
		return nil, walcore.FileError(f.found.main(), err)
	}
	if err != nil {
		r.failed, _, _ = bolt.ReadMeta(main)
		kind := walcore.KindMeta
		if !errors.Is(err, walcore.ErrDamaged) {
			kind = walcore.KindUnreadable
		}
		parts = []part{{file: walcore.File{ID: 1, Name: path.Base(f.found.main())}, unreadable: true,
			damages: []damage{damaged(f.found.main(), kind, 0, math.MaxUint64, 0, err)}}}
	}
	if err := r.describe(dir, stable); err != nil {
		return nil, err
	}
	for i := range parts {
		r.identify(&parts[i])
	}
	current := uint64(math.MaxUint64)
	if stable != nil {
		current = stable.CurrentTerm
	}
	r.log = newLog(parts, current, r.meta.Snapshot.Index, before)
	return r, nil
}

// part gives what raft.db has of the log: all of it.
func (l *boltLog) part(f *openFile) part {
	return part{file: walcore.File{ID: 1, Name: boltName}, f: f, table: l.between(0, math.MaxUint64), damages: slices.Clone(l.damages),
		moved: func(index uint64, s *slot) ([]byte, error) { return relocate(f, index, s) }}
}

// identify gives a log file the attributes that it was listed with.
func (r *Reader) identify(p *part) {
	if n := r.native(r.nameOf(p.file.Name)); n != nil {
		p.file.Attr, p.file.Identity = n.Attr, n.Attr.FileID()
	}
}

// native gives the file with a name, or nil.
func (r *Reader) native(name string) *nativeFile {
	k := slices.IndexFunc(r.listing.native, func(n *nativeFile) bool { return n.Name == name })
	if k < 0 {
		return nil
	}
	return r.listing.native[k]
}

// describe puts what was found into the words that all systems share.
func (r *Reader) describe(dir *os.File, stable *walcore.Stable) error {
	attr, err := platform.Stat(dir)
	if err != nil {
		return err
	}
	none, metaAttr := uint64(0), attr
	if n := r.native(r.follower.found.main()); n != nil {
		metaAttr = n.Attr
	}
	r.meta = walcore.Meta{Path: r.follower.found.Path, Dir: attr, Attr: metaAttr, System: &system, Stable: stable, Damaged: stable == nil,
		SnapshotIndex: &none, SnapshotTerm: &none, Snapshot: &walcore.Snapshot{}, Ignored: r.ignored()}
	for _, s := range r.snapshots {
		if s.err != nil {
			kind := walcore.KindSnapshot
			if !errors.Is(s.err, walcore.ErrDamaged) {
				kind = walcore.KindUnreadable
			}
			r.problems = append(r.problems, walcore.FileProblem(s.folder, kind, s.err.Error()))
			continue
		}
		r.meta.Snapshots = append(r.meta.Snapshots, &s.Snapshot)
		r.meta.Snapshot, r.meta.SnapshotIndex, r.meta.SnapshotTerm = &s.Snapshot, &s.Snapshot.Index, &s.Snapshot.Term
	}
	return nil
}

// ignored are the names in the directory that are no part of the log.
func (r *Reader) ignored() []string {
	ignored := slices.Clone(r.listing.other)
	for _, n := range r.listing.native {
		inSnapshot := func(s *snapshot) bool { return s.folder == path.Dir(n.Name) }
		if r.files[n.Name] == nil && !slices.ContainsFunc(r.snapshots, inSnapshot) {
			ignored = append(ignored, n.Name)
		}
	}
	slices.Sort(ignored)
	return ignored
}

// Meta is what the directory says of the node. It must not be changed.
func (r *Reader) Meta() *walcore.Meta { return &r.meta }

// Problems lists all that is wrong with the directory.
func (r *Reader) Problems() []walcore.Problem {
	return append(slices.Clone(r.problems), r.log.problems...)
}

// Native are the directory's own files, by name.
func (r *Reader) Native() []walcore.NativeFile {
	files := make([]walcore.NativeFile, len(r.listing.native))
	for i, n := range r.listing.native {
		files[i] = walcore.NativeFile{Name: n.Name, Attr: n.Attr, ReaderAt: n}
	}
	return files
}

// Unreadable are the names of the directory's own files that cannot be opened or read.
func (r *Reader) Unreadable() []string {
	var names []string
	for _, p := range r.log.problems {
		if p.Kind == walcore.KindUnreadable {
			names = append(names, r.nameOf(p.File))
		}
	}
	return slices.Compact(names)
}

// nameOf gives a log file's name from Path on.
func (r *Reader) nameOf(logFile string) string {
	if strings.HasSuffix(logFile, segmentSuffix) {
		return r.follower.found.file(logFile)
	}
	return logFile
}

// Close closes the directory, and all readers of it.
func (r *Reader) Close() error {
	f := r.follower
	f.mu.Lock()
	defer f.mu.Unlock()
	return errors.Join((&openFiles{names: f.current.files}).closeBut(nil), f.dir.Close())
}

// Unchanged is the range of indexes that have the same entries as in an earlier log of the
// directory: their values have the same checksums in the same files.
func (r *Reader) Unchanged(since walcore.Log) (first, last uint64) {
	earlier, ok := since.(*Reader)
	if !ok {
		return 1, 0
	}
	return unchanged(earlier.log, r.log)
}

// Refresh gives a reader of what the directory holds now: the newest one if nothing has
// changed since.
func (r *Reader) Refresh() (walcore.Follower, error) {
	next, err := r.follower.refresh()
	if err != nil {
		return nil, err // not next: a Follower that holds a nil *Reader is not nil
	}
	return next, nil
}

func (f *follower) refresh() (*Reader, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now, err := platform.StatPath(f.found.Path)
	if err != nil {
		return nil, err
	}
	current, dir := f.current, f.dir
	if !now.Same(current.meta.Dir) {
		if err := f.start(); err != nil {
			return nil, fmt.Errorf("the directory was replaced: %w", err)
		}
		(&openFiles{names: current.files}).closeBut(nil) // they were only read
		dir.Close()
		return f.current, nil
	}
	if !current.changed() {
		return current, nil
	}
	next, err := f.load(dir, current)
	if err != nil {
		return nil, err
	}
	(&openFiles{names: current.files}).closeBut(next.files) // they were only read
	f.current = next
	return next, nil
}

// timeResolution is more than the distance of two times that a file system can tell apart: a
// folder that was changed so shortly before it was listed may have changed again, with the
// same time.
const timeResolution = 20 * time.Millisecond

// changed reports whether the directory may hold something else than what was read.
func (r *Reader) changed() bool {
	for name, attr := range r.listing.folders {
		now, err := platform.StatPath(filepath.Join(r.follower.found.Path, filepath.FromSlash(name)))
		if err != nil || !now.Same(attr) || !now.Ctime.Equal(attr.Ctime) || r.listed.Sub(attr.Ctime) < timeResolution {
			return !errors.Is(err, fs.ErrPermission)
		}
	}
	for _, f := range r.files {
		if f.stale.Load() {
			return true
		}
	}
	for _, s := range r.snapshots {
		for _, n := range []*nativeFile{s.meta, s.state} {
			if n == nil {
				continue
			}
			if now, err := platform.StatIn(n.dir, filepath.FromSlash(n.Name)); err == nil && !n.same(now) {
				return true
			}
		}
	}
	main := r.files[r.follower.found.main()]
	m, _, err := bolt.ReadMeta(main)
	switch {
	case r.bolt != nil:
		return err != nil || m != r.bolt.meta
	case r.wal != nil:
		return err != nil || m != r.wal.meta || slices.ContainsFunc(r.wal.segments, func(s *walSegment) bool { return s.err == nil && s.grown() })
	}
	return m != r.failed
}
