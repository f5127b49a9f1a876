// Package dgraph reads the directory in which Dgraph keeps its
// Raft log: wal.meta, the log files NNNNN.wal, and KEYREGISTRY.
//
// # Reading
//
//	r, err := dgraph.OpenReader("/var/lib/dgraph/w", dgraph.ReaderOptions{})
//	…
//	defer r.Close()
//	for e := range r.Log().Entries(1) {
//		data, err := e.Data()
//		…
//	}
//
// A Reader opens files for reading only, leaves no access time where the
// kernel allows that, takes no lock, maps nothing into memory and creates
// nothing in the directory. It shows the directory as it was when it was
// opened. What a running node has changed since gives an error when it is
// read, never other bytes.
//
// Damage does not stop a Reader: a slot or payload that cannot be right is
// left out and listed in Problems, and everything else can be read. Memory
// grows with the log files' slot tables, packed to some 2 bytes an entry, or 6
// where it has a checksum (of a garbled table 34), never by a length that the
// directory claims.
package dgraph

import (
	"errors"
	"fmt"
	"time"

	"github.com/walfs/walfs/meta"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
	"github.com/walfs/walfs/walcore/platform"
)

// ReaderOptions say how payloads are read.
type ReaderOptions struct {
	// Key opens KEYREGISTRY: 16, 24 or 32 bytes, or none.
	Key []byte
	// Plain takes a file with key id 0 for a plain one even beside a registry
	// that holds keys.
	Plain bool
}

var (
	_ walcore.Follower = (*Reader)(nil)
	_ walcore.Filer    = (*Reader)(nil)
)

// Reader is an open directory: a walcore.Log.
type Reader struct {
	path    string
	attr    walcore.Attr // of the directory
	ignored []string     // names in it that are no part of the log

	opts     ReaderOptions
	dir      directory
	native   []*nativeFile
	keys     *keyRing
	meta     *meta.Meta
	metaFile *nativeFile // nil: there is none
	summary  walcore.Meta
	*log
	problems []walcore.Problem // of the directory, not of a log file
	unread   []uint64          // ids of log files, see unreadable
	// unfinished is since when something has looked as if a writer were at
	// work in it; zero if nothing does.
	unfinished time.Time
	listed     time.Time // when the directory's names were read
	newest     uint64    // the id of the log file that is written to

	disk        platform.FileSystem
	wasReadOnly bool // from the beginning, which is no news
}

// nativeFile is one of the directory's own files, as it was when opened.
type nativeFile struct {
	Name string
	Attr walcore.Attr
	f    file
}

// ReadAt reads the file's bytes. Attr.Size bounds it: a file that has been cut
// since fails with ErrChanged.
func (n *nativeFile) ReadAt(p []byte, off int64) (int, error) {
	err := readFull(n.f, p, off)
	if err != nil {
		return 0, &walcore.Error{File: n.Name, Slot: -1, Offset: uint64(off), Err: err}
	}
	return len(p), nil
}

// OpenReader opens the directory at path. It fails with ErrNotRaftDir, with
// ErrKey, and where the directory itself cannot be read.
func OpenReader(path string, opts ReaderOptions) (*Reader, error) {
	if len(opts.Key) > 0 {
		if err := format.CheckKey("the key", opts.Key); err != nil {
			return nil, err
		}
	}
	dir, err := openDirectory(path)
	if err != nil {
		return nil, err
	}
	return openReader(dir, path, opts)
}

// openReader reads a directory. On failure it closes dir.
func openReader(dir directory, path string, opts ReaderOptions) (*Reader, error) {
	r := &Reader{path: path, opts: opts, dir: dir}
	if err := r.load(nil); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// load reads the directory; before is what an earlier reader saw of it, or nil.
func (r *Reader) load(before *Reader) (err error) {
	if r.attr, err = r.dir.Stat(); err != nil {
		return err
	}
	if err := r.checkDisk(before); err != nil {
		return err
	}
	if err := r.openFiles(before); err != nil {
		return err
	}
	if err := r.openKeys(before); err != nil {
		return err
	}
	r.readMeta(before)
	files := r.readLogFiles(before)
	r.log = newLog(files, r.unread, r.mayBeMissing(), r.meta.HardState.GetTerm())
	for _, f := range r.log.files {
		r.seal(f)
	}
	r.summary = r.summarize()
	return nil
}

// Close closes the directory's files.
func (r *Reader) Close() error {
	err := r.dir.Close()
	for _, n := range r.native {
		err = errors.Join(err, n.f.Close())
	}
	return err
}

// Meta is what wal.meta says. Without one all that it could say is unknown.
func (r *Reader) Meta() *walcore.Meta { return &r.summary }

func (r *Reader) problem(file string, kind walcore.Kind, format string, args ...any) {
	r.problems = append(r.problems, walcore.Problem{File: file, Slot: -1, Kind: kind, Message: fmt.Sprintf(format, args...)})
}
