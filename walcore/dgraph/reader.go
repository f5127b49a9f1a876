package dgraph

import (
	"fmt"
	"sync"
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
	// Lazy reads the slot tables of a log of many files when they are first needed, and holds
	// some of them in memory: see lazylog.go.
	Lazy     bool
	lazyFrom int // how many log files are many; 0: see eagerFiles. For tests
	// Erased says, by file name, how the payloads of log files are encrypted that have
	// key id 0 since their key headers were erased.
	Erased map[string]ErasedKey
}

var (
	_ walcore.Follower = (*Reader)(nil)
	_ walcore.Glancer  = (*Reader)(nil)
	_ walcore.Filer    = (*Reader)(nil)
	_ walcore.Opener   = (*Reader)(nil)
	_ walcore.Imager   = (*Reader)(nil)
	_ walcore.Partial  = (*Reader)(nil)
	_ walcore.Counted  = (*lazyFile)(nil)
)

// Reader is an open directory, as it was at one moment: a walcore.Log.
type Reader struct {
	look
	*log

	replacedOnce sync.Once
	replaced     *replacedList // what Replaced gives, once it was asked
}

// look is what was read of a directory, but for the log.
type look struct {
	follower *follower
	attr     walcore.Attr  // of the directory
	ignored  []string      // names in it that are no part of the log
	native   []*nativeFile // by name
	active   []*nativeFile // those of them in which a node may be at work, but for wal.meta
	keys     *keyRing
	meta     *meta.Meta
	metaFile *nativeFile // nil: there is none
	summary  walcore.Meta
	problems []walcore.Problem // of the directory, not of a log file
	disk     platform.FileSystem

	listed        time.Time // when the directory's names were read
	newest        uint64    // the id of the log file that is written to
	settlingSince time.Time // see reading.stillSettling; zero: nothing is half written
	laterTerm     uint64    // the hard state's, if it was read again; see settleTerm
	termTooLow    bool      // it is lower than an entry's
	termUnsettled bool      // which may be work in progress
	// starved is starvedIn before the directory was read. Where that is another error now,
	// the reader may have taken for damage what could not be read for want of descriptors.
	starved *platform.TooManyOpenError
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
		return 0, walcore.FileError(n.Name, err).At(uint64(off))
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
	f := &follower{path: path, opts: opts, dir: dir}
	if err := f.start(); err != nil {
		return nil, err
	}
	return f.current, nil
}

// Close closes the directory's files.
func (r *Reader) Close() error { return r.follower.close() }

// Meta is what wal.meta says. Without one all that it could say is unknown.
func (r *Reader) Meta() *walcore.Meta { return &r.summary }

// report adds a problem with a file, or the directory, as a whole.
func (r *Reader) report(file string, kind walcore.Kind, text string, args ...any) {
	r.problems = append(r.problems, walcore.FileProblem(file, kind, fmt.Sprintf(text, args...)))
}
