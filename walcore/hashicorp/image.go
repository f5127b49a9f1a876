package hashicorp

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/bolt"
	"github.com/walfs/walfs/walcore/platform"
)

// Image gives the directory's own files as of the reader's moment: a directory that a node
// starts on.
//
// A busy node writes transactions to raft.db faster than anybody copies the file. So raft.db is
// built anew: it has the entries and the values of that moment in pages of its own. An entry
// is read when it is asked for, wherever it is by then, and compared with what was listed.
// wal-meta.db is small, and is in memory; of segments there is what their commits make count.
//
// Snapshots were looked for before the log was read. If the log was truncated up to a later one
// in between, those do not reach up to it. Then there is no image: Refresh finds the later one.
//
// Image fails with ErrDamaged where a node would not start, or would lose entries. ReadAt fails
// with ErrChanged for entries that were removed or replaced since, and for snapshots that were
// removed.
func (r *Reader) Image() ([]walcore.NativeFile, error) {
	if err := r.spoiled(); err != nil {
		return nil, err
	}
	if err := r.startsFromSnapshot(); err != nil {
		return nil, err
	}
	files, err := r.storeFiles()
	if err != nil {
		return nil, err
	}
	for _, s := range r.snapshots {
		if s.err == nil {
			files = append(files, imageOf(s.meta, writtenOnce{s.meta}), imageOf(s.state, writtenOnce{s.state}))
		}
	}
	slices.SortFunc(files, func(a, b walcore.NativeFile) int { return strings.Compare(a.Name, b.Name) })
	return files, nil
}

func imageOf(n *nativeFile, file io.ReaderAt) walcore.NativeFile {
	return walcore.NativeFile{Name: n.Name, Attr: n.Attr, ReaderAt: file}
}

// spoiled says why a copy would be damaged, if it would. startsFromSnapshot decides about
// snapshots.
func (r *Reader) spoiled() error {
	for _, p := range r.Problems() {
		if p.Kind != walcore.KindTorn && p.Kind != walcore.KindNotAFile && path.Dir(p.File) != snapshotsName {
			return r.noImage("%v", p)
		}
	}
	if r.native(r.follower.found.main()) == nil {
		return walcore.FileError(r.follower.found.main(), walcore.ErrChanged) // created since the names were read
	}
	return nil
}

func (r *Reader) noImage(format string, args ...any) error {
	return fmt.Errorf(format+": %w; %s", append(args, walcore.ErrDamaged,
		"stop the node, move its raft folder away, and let it join again; cp -a keeps this one as it is")...)
}

// startsFromSnapshot fails unless the log has all entries behind the newest snapshot.
func (r *Reader) startsFromSnapshot() error {
	begin := r.meta.Snapshot.Index + 1
	next := begin
	for _, s := range r.log.spans[r.log.spanOf(next):] {
		if s.index > next {
			return r.noImage("a node would start from the snapshot at index %d, and entry %d is not in the log, which goes on", begin-1, next)
		}
		next = s.last() + 1
	}
	return nil
}

// storeFiles gives the files of the log's store.
func (r *Reader) storeFiles() ([]walcore.NativeFile, error) {
	main := r.native(r.follower.found.main())
	if r.bolt != nil {
		built := bolt.Build(r.bolt.meta.PageSize, []bolt.Bucket{
			{Name: confBucket, Items: r.bolt.conf},
			{Name: logsBucket, Items: &loggedValues{r.files[main.Name], r.bolt.between(0, math.MaxUint64)}},
		})
		f := imageOf(main, built)
		f.Attr.Size, f.Attr.Blocks = built.Size(), (built.Size()+511)/512
		return []walcore.NativeFile{f}, nil
	}
	held, err := r.walMeta(main)
	if err != nil {
		return nil, err
	}
	files := []walcore.NativeFile{held}
	for _, s := range r.wal.segments {
		if s.missing {
			continue // the node makes it when it starts
		}
		n := r.native(r.follower.found.file(s.name))
		if n == nil {
			return nil, walcore.FileError(s.name, walcore.ErrChanged) // created since the names were read
		}
		f := imageOf(n, &imageSegment{s.f, s.end, n.Attr.Size})
		f.Attr.Blocks = min(f.Attr.Blocks, (s.end+511)/512)
		files = append(files, f)
	}
	return files, nil
}

// maxWALMeta is more than wal-meta.db ever has: some 300 bytes a segment.
const maxWALMeta = 64 << 20

// walMeta gives wal-meta.db as of the log's transaction.
func (r *Reader) walMeta(n *nativeFile) (f walcore.NativeFile, err error) {
	image, err := bolt.NewImage(r.files[n.Name])
	if err == nil && image.DB().Meta != r.wal.meta {
		err = walcore.ErrChanged
	}
	if err == nil && image.Size() > maxWALMeta {
		err = fmt.Errorf("%d bytes are no list of segments: %w", image.Size(), walcore.ErrDamaged)
	}
	if err != nil {
		return f, walcore.FileError(n.Name, err)
	}
	b := make([]byte, image.Size())
	if _, err := image.ReadAt(b, 0); err != nil {
		return f, walcore.FileError(n.Name, err)
	}
	f = imageOf(n, bytes.NewReader(b))
	f.Attr.Size, f.Attr.Blocks = image.Size(), (image.Size()+511)/512
	return f, nil
}

// CheckDatabase goes through all pages of raft.db or wal-meta.db. Nobody may write to it.
func (r *Reader) CheckDatabase() error {
	f := r.files[r.follower.found.main()]
	m, _, err := bolt.ReadMeta(f)
	if err == nil {
		err = (&bolt.DB{File: f, Meta: m}).Check(f.attr.Size)
	}
	if err != nil {
		return walcore.FileError(r.follower.found.main(), err)
	}
	return nil
}

// loggedValues are the entries of raft.db as a bucket.
type loggedValues struct {
	f *openFile
	table
}

func (l *loggedValues) Len() int            { return len(l.slots) }
func (l *loggedValues) Key(i int) []byte    { return key(l.indexOf(i)) }
func (l *loggedValues) ValueSize(i int) int { return int(l.slots[i].value) }

// Value reads an entry's value, wherever it is now.
func (l *loggedValues) Value(i int) ([]byte, error) {
	s := &l.slots[i]
	b := make([]byte, s.value)
	if err := readFull(l.f, b, s.at); err == nil && s.isOf(b) {
		return b, nil
	}
	b, err := relocate(l.f, l.indexOf(i), s)
	if err != nil {
		l.f.stale.Store(true)
		return nil, walcore.FileError(boltName, err).OfEntry(l.indexOf(i))
	}
	return b, nil
}

// pairs are keys and values in memory.
type pairs []struct{ key, value []byte }

func (p pairs) Len() int                    { return len(p) }
func (p pairs) Key(i int) []byte            { return p[i].key }
func (p pairs) ValueSize(i int) int         { return len(p[i].value) }
func (p pairs) Value(i int) ([]byte, error) { return p[i].value, nil }

// maxConf bounds what is held of a bucket: three short values are in it.
const maxConf = 1 << 20

// readPairs reads a bucket that is not nil whole.
func readPairs(t *bolt.Tree) (all pairs, err error) {
	size := 0
	err = t.Walk(nil, bolt.Visitor{
		Leaf: func(p bolt.Page, i int) error {
			for ; i < p.Count; i++ {
				key, value, _ := p.Element(i)
				if size += len(key) + len(value); size > maxConf || p.IsBucket(i) {
					return fmt.Errorf("%x is more than what a node keeps beside its log: %w", key, walcore.ErrDamaged)
				}
				all = append(all, struct{ key, value []byte }{bytes.Clone(key), bytes.Clone(value)})
			}
			return nil
		},
		Broken: func(_, _ []byte, err error) error { return err },
	})
	return all, err
}

// imageSegment is a segment up to where its last commit ends. What is there never changes.
type imageSegment struct {
	*openFile
	end, size int64
}

// ReadAt reads as io.ReaderAt says.
func (s *imageSegment) ReadAt(p []byte, off int64) (int, error) {
	end := error(nil)
	if n := max(s.size-off, 0); int64(len(p)) > n {
		p, end = p[:n], io.EOF
	}
	n := min(max(s.end-off, 0), int64(len(p)))
	clear(p[n:])
	if err := readFull(s.openFile, p[:n], off); err != nil {
		return 0, err
	}
	return len(p), end
}

// NextData says where the file's data are.
func (s *imageSegment) NextData(off int64) (from, to int64, found bool) {
	return off, s.end, off < s.end
}

// Same is the range in which an earlier image's has the same bytes.
func (s *imageSegment) Same(earlier io.ReaderAt) (from, to int64) {
	if e, ok := earlier.(*imageSegment); ok && e.openFile == s.openFile {
		return 0, min(e.end, s.end)
	}
	return 0, 0
}

// writtenOnce is a file of a snapshot.
type writtenOnce struct{ *nativeFile }

// ReadAt fails with walcore.ErrChanged, too, where somebody has written to the file: its
// checksum was that of other bytes.
func (w writtenOnce) ReadAt(p []byte, off int64) (int, error) {
	err := w.read(func(f *os.File) error {
		if err := readFull(f, p, off); err != nil {
			return err
		}
		attr, err := platform.Stat(f)
		if err == nil && !w.same(attr) {
			err = fmt.Errorf("it was written to: %w", walcore.ErrChanged)
		}
		return err
	})
	if err != nil {
		return 0, walcore.FileError(w.Name, err).At(uint64(off))
	}
	return len(p), nil
}

// same reports whether the file has the size and the time that it was listed with.
func (n *nativeFile) same(attr walcore.Attr) bool {
	return attr.Size == n.Attr.Size && attr.Mtime.Equal(n.Attr.Mtime)
}

// Same is the range in which an earlier image's has the same bytes.
func (w writtenOnce) Same(earlier io.ReaderAt) (from, to int64) {
	if e, ok := earlier.(writtenOnce); ok && e.Name == w.Name && e.Attr == w.Attr {
		return 0, w.Attr.Size
	}
	return 0, 0
}
