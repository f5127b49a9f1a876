// Package detect opens the directory of a Raft log, whichever system wrote it.
//
//	log, err := detect.Open("/var/lib/dgraph/w", detect.Options{})
//	…
//	defer log.Close()
//
// It knows one system, Dgraph. A new system is a package that gives a
// [walcore.Log], and a look for its files here.
package detect

import (
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/dgraph"
)

// Options say how payloads are read.
type Options struct {
	// Key is the node's encryption key: 16, 24 or 32 bytes, or none.
	Key []byte
	// Plain takes a log file that may have lost its key id for one that is not
	// encrypted.
	Plain bool
	// Lazy opens a log of many files without reading all of them. It suits those who ask for
	// a few entries, and those who must not take much memory.
	Lazy bool
}

// Types are the entry types of all systems whose logs Open opens.
func Types() []walcore.TypeName { return walcore.RaftTypes }

// Open opens the directory at path. It fails with [walcore.ErrNotRaftDir], and
// says which files it has looked for, where the directory holds no log; with
// [walcore.ErrKey]; and where the directory itself cannot be read.
func Open(path string, opts Options) (walcore.Log, error) {
	log, err := dgraph.OpenReader(path, dgraph.ReaderOptions{Key: opts.Key, Plain: opts.Plain, Lazy: opts.Lazy})
	if err != nil {
		return nil, err // not log: a Log that holds a nil *Reader is not nil
	}
	return log, nil
}
