package etcd

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/bolt"
)

// Image gives the directory's own files as of the reader's moment: a directory that an etcd
// starts on. Segments end where their records end. What is not finished or was set aside is
// not in it, nor a snapshot ahead of the database, and what was written after it: an etcd would
// look for the database that came with it.
//
// The database says up to which entry it has applied the log. It is looked at after the
// segments, so it may be ahead of them by then: an etcd would skip entries that it has not
// applied. So the log must have that entry, of that term; Refresh finds it.
//
// Image fails with ErrDamaged where an etcd would not start, or would lose entries. The
// database's ReadAt fails with ErrChanged once it has a newer transaction: see bolt.Image.
func (r *Reader) Image() ([]walcore.NativeFile, error) { return r.image(nil) }

// image gives the image with a pinned database; nil: with the database as it is now.
func (r *Reader) image(pinned *bolt.Image) ([]walcore.NativeFile, error) {
	if err := r.spoiled(); err != nil {
		return nil, err
	}
	db, applied, err := r.database(pinned)
	if err != nil {
		return nil, err
	}
	snapshots, err := r.startsAt(applied)
	if err != nil {
		return nil, err
	}
	last, end, err := r.endFor(applied)
	if err != nil {
		return nil, err
	}
	var files []walcore.NativeFile
	for _, n := range r.native {
		f := walcore.NativeFile{Name: n.name, Attr: n.attr}
		switch base := path.Base(n.name); {
		case isSegment(base):
			k := slices.IndexFunc(r.files, func(l *logFile) bool { return l.file == n.openFile })
			if k < 0 || k > last {
				continue
			}
			if f.Attr.Size = r.files[k].end; k == last {
				f.Attr.Size = end
			}
			f.ReaderAt = &grownFile{n, r.files[k], f.Attr.Size}
		case n == r.dbFile():
			f.Attr.Size, f.ReaderAt = db.Size(), databaseImage{db}
		case slices.Contains(snapshots, n.openFile):
			f.ReaderAt = &writtenOnce{n}
		default:
			continue
		}
		f.Attr.Blocks = min(f.Attr.Blocks, (f.Attr.Size+511)/512)
		files = append(files, f)
	}
	return files, nil
}

// CheckDatabase goes through all pages of the database. Nobody may write to it.
func (r *Reader) CheckDatabase() error {
	n := r.dbFile()
	if n == nil {
		return nil
	}
	m, _, err := bolt.ReadMeta(n)
	if err == nil {
		err = (&bolt.DB{File: n, Meta: m}).Check(n.attr.Size)
	}
	if err != nil {
		return walcore.FileError(n.name, err)
	}
	return nil
}

// spoiled says why a copy would be damaged, if it would. startsAt decides about snapshots.
func (r *Reader) spoiled() error {
	for _, p := range r.problems {
		switch p.Kind {
		case walcore.KindTorn, walcore.KindNotAFile, walcore.KindSnapshot:
		default:
			return r.noImage("%v", p)
		}
	}
	if r.meta.HardState == nil {
		return r.noImage("the hard state is not known")
	}
	return nil
}

func (r *Reader) noImage(format string, args ...any) error {
	return fmt.Errorf(format+": %w; %s", append(args, walcore.ErrDamaged,
		"take the member out of its cluster and add it again with an empty directory; cp -a keeps this one as it is")...)
}

const dbName = "db"

// dbFile is the database; nil: there is none.
func (r *Reader) dbFile() *nativeFile {
	if r.snap == "" {
		return nil
	}
	return findNative(r.native, path.Join(r.snap, dbName))
}

// position is an entry's index and term. The term is 0 where it is not known.
type position struct{ index, term uint64 }

// database gives the database's image, the pinned one if there is one, and the last entry that
// it has applied. Without a database, an etcd makes one, which has applied none.
func (r *Reader) database(i *bolt.Image) (_ *bolt.Image, applied position, err error) {
	n := r.dbFile()
	if n == nil {
		return nil, applied, nil
	}
	if i == nil {
		i, err = bolt.NewImage(n.openFile)
	}
	if err == nil {
		applied, err = appliedBy(i.DB())
	}
	if err != nil && i != nil && i.DB().Changed() {
		err = walcore.ErrChanged // and pages of this transaction have been written over
	}
	switch {
	case errors.Is(err, walcore.ErrDamaged):
		return nil, applied, r.noImage("%s: %v", n.name, err)
	case err != nil:
		return nil, applied, walcore.FileError(n.name, err)
	}
	return i, applied, nil
}

// pinned is a database that was copied to a file; nil: there was none.
type pinned struct{ db *bolt.Image }

// Image is that of a log, with the copy as the database.
func (p pinned) Image(log walcore.Log) ([]walcore.NativeFile, error) {
	r, ok := log.(*Reader)
	if !ok {
		return nil, fmt.Errorf("%s is no log of etcd", log.Meta().Path)
	}
	return r.image(p.db)
}

// Pin copies the database to a file, as it is now.
func (r *Reader) Pin(ctx context.Context, file *os.File) (walcore.Pinned, error) {
	n := r.dbFile()
	if n == nil {
		return pinned{}, nil
	}
	i, err := bolt.Pin(ctx, n.openFile, file)
	if errors.Is(err, walcore.ErrChanged) {
		err = fmt.Errorf("%w (etcdctl snapshot save asks the node itself)", err)
	}
	if err != nil {
		return nil, walcore.FileError(n.name, err)
	}
	return pinned{i}, nil
}

// appliedBy reads what etcd keeps in the bucket meta.
func appliedBy(db *bolt.DB) (p position, err error) {
	t, err := db.Bucket("meta")
	if err != nil {
		return p, err
	}
	for name, to := range map[string]*uint64{"consistent_index": &p.index, "term": &p.term} {
		value, at, err := t.Get([]byte(name))
		switch {
		case err != nil:
			return p, err
		case len(value) == 8:
			*to = binary.BigEndian.Uint64(value)
		case value != nil:
			return p, fmt.Errorf("%s at offset %d has %d bytes, not 8: %w", name, at, len(value), walcore.ErrDamaged)
		}
	}
	return p, nil
}

// startsAt gives the snapshots that an image has, if an etcd starts from the newest of them, with
// all entries behind it.
func (r *Reader) startsAt(applied position) (files []*openFile, err error) {
	start := &walcore.Snapshot{}
	for _, s := range r.meta.Snapshots {
		if s.Index <= min(applied.index, r.meta.HardState.Commit) && r.names(s) {
			files = append(files, s.Data.ReaderAt.(*snapshotPart).file)
			start = s
		}
	}
	next := start.Index + 1
	for _, s := range r.spans[r.firstFrom(next):] {
		if s.index > next {
			break
		}
		next = s.end()
	}
	switch {
	case next <= r.last():
		return nil, r.noImage("an etcd would start from the snapshot at index %d, and entry %d is not in the log", start.Index, next)
	case applied.index >= next:
		return nil, r.noImage("%s: it has applied entry %d, and the log ends with entry %d", r.dbFile().name, applied.index, next-1)
	}
	return files, r.agrees(applied, start)
}

// names reports whether a record names a snapshot. An etcd looks for that record.
func (r *Reader) names(s *walcore.Snapshot) bool {
	return slices.ContainsFunc(r.files, func(l *logFile) bool {
		return slices.ContainsFunc(l.named, func(n snapshotRecord) bool { return n.index == s.Index && n.term == s.Term })
	})
}

// endFor gives the last segment of an image, and where it ends: before a record that names a
// snapshot ahead of the database. With that, an etcd would not start. Records up to there are
// what the log was before the snapshot was taken.
func (r *Reader) endFor(applied position) (last int, end int64, err error) {
	for k, l := range r.files {
		for _, n := range l.named {
			if n.index <= applied.index {
				continue
			}
			if e, err := r.Entry(applied.index); err == nil && (e.File.ID > l.ID || e.File.ID == l.ID && e.Slot >= n.slot) {
				return 0, 0, r.noImage("the snapshot at index %d came before entry %d, which the database has applied last", n.index, applied.index)
			}
			return k, n.at, nil
		}
	}
	last = len(r.files) - 1
	return last, r.files[last].end, nil
}

// agrees fails if the entry that was applied last is another one in the log: the log's would be
// one that was replaced since.
func (r *Reader) agrees(applied position, start *walcore.Snapshot) error {
	if commit := r.meta.HardState.Commit; applied.term == 0 && applied.index > commit {
		return r.noImage("%s: it has applied entry %d, and the commit index is %d", r.dbFile().name, applied.index, commit)
	}
	if applied.index == 0 || applied.term == 0 {
		return nil
	}
	term := start.Term
	if applied.index > start.Index {
		e, err := r.Entry(applied.index)
		if err != nil {
			return err
		}
		term = e.Term
	}
	if term != applied.term {
		return r.noImage("%s: it has applied entry %d of term %d, which is of term %d in the log", r.dbFile().name, applied.index, applied.term, term)
	}
	return nil
}

// databaseImage is the database as of a transaction.
type databaseImage struct{ *bolt.Image }

// ReadAt reads as io.ReaderAt says.
func (d databaseImage) ReadAt(p []byte, off int64) (int, error) {
	n, err := d.Image.ReadAt(p, off)
	if errors.Is(err, walcore.ErrChanged) {
		err = fmt.Errorf("%w; walfs copy takes a running node's, over several transactions", err)
	}
	return n, err
}

// Same is the range in which an earlier image's has the same bytes.
func (d databaseImage) Same(earlier io.ReaderAt) (from, to int64) {
	if e, ok := earlier.(databaseImage); ok {
		return d.Image.Same(e.Image)
	}
	return 0, 0
}

// grownFile is a segment up to where its records end. A node only adds records behind them.
type grownFile struct {
	*nativeFile
	log *logFile
	end int64
}

// ReadAt reads as io.ReaderAt says. It fails with ErrChanged once the segment was written anew.
func (g *grownFile) ReadAt(p []byte, off int64) (int, error) {
	part, end := within(p, off, g.end)
	if n, err := g.nativeFile.ReadAt(part, off); err != nil {
		return n, err
	}
	if !g.log.isIn(g.openFile) {
		return 0, walcore.FileError(g.name, walcore.ErrChanged).At(uint64(off))
	}
	return len(part), end
}

// Same is the range in which an earlier image's has the same bytes.
func (g *grownFile) Same(earlier io.ReaderAt) (from, to int64) {
	if e, ok := earlier.(*grownFile); ok && e.log.of == g.log.of {
		return 0, min(e.end, g.end)
	}
	return 0, 0
}

// writtenOnce is the file of a snapshot.
type writtenOnce struct{ *nativeFile }

// ReadAt fails with ErrChanged if the file is not what it was when it was read.
func (w *writtenOnce) ReadAt(p []byte, off int64) (int, error) {
	return (&snapshotPart{w.openFile, w.attr, field{to: w.attr.Size}}).ReadAt(p, off)
}

// Same is the range in which an earlier image's has the same bytes.
func (w *writtenOnce) Same(earlier io.ReaderAt) (from, to int64) {
	if e, ok := earlier.(*writtenOnce); ok && e.openFile == w.openFile && e.attr == w.attr {
		return 0, w.attr.Size
	}
	return 0, 0
}

// within is as much of p as a file of some size has from off on, and what a read there ends
// with.
func within(p []byte, off, size int64) ([]byte, error) {
	if n := max(size-off, 0); int64(len(p)) > n {
		return p[:n], io.EOF
	}
	return p, nil
}
