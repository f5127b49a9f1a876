// Package detect opens the directory of a Raft log, whichever system wrote it.
//
//	log, err := detect.Open("/var/lib/etcd", detect.Options{})
//	…
//	defer log.Close()
//
// It knows Dgraph's, etcd's and HashiCorp's directories. A new system is a package that gives
// a [walcore.Log], and a look for its files here.
package detect

import (
	"fmt"
	"slices"
	"strings"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/etcd"
	"github.com/walfs/walfs/walcore/hashicorp"
)

// Options say how a directory is opened.
type Options struct {
	// System is the system whose log it is, as in walcore.System.Name. If it is empty, that
	// is found out.
	System string
	// Key is the node's encryption key: 16, 24 or 32 bytes, or none. It is Dgraph's.
	Key []byte
	// Plain takes a log file that may have lost its key id for one that is not
	// encrypted. It is Dgraph's.
	Plain bool
	// Lazy opens a log of many files without reading all of them. It suits those who ask for
	// a few entries, and those who must not take much memory.
	Lazy bool
}

// Systems are the systems whose logs Open opens.
var Systems = []string{walcore.Dgraph, walcore.Etcd, walcore.HashiCorp}

// Types are the entry types of all of them.
func Types() []walcore.TypeName {
	return append(slices.Clone(walcore.RaftTypes), walcore.HashiCorpTypes...)
}

// Open opens the log in the directory at path, or where its system keeps it below that: in
// member/ of an etcd, in raft/ of a Consul. It fails with [walcore.ErrNotRaftDir], and
// says which files it has looked for, where the directory holds no log; where it holds two
// of different systems; with [walcore.ErrKey]; and where it cannot be read.
func Open(path string, opts Options) (walcore.Log, error) {
	found, err := Look(path)
	if opts.System != "" {
		found = []Found{{opts.System, path}}
	}
	switch {
	case len(found) > 1:
		return nil, twoSystems(path, found)
	case len(found) == 1:
		return open(found[0].System, path, opts)
	case err != nil:
		return nil, err
	}
	return nil, fmt.Errorf("%s: %s: %w", path, lookedFor, walcore.ErrNotRaftDir)
}

func open(system, path string, opts Options) (walcore.Log, error) {
	switch system {
	case walcore.Dgraph:
		return orNil(dgraph.OpenReader(path, dgraph.ReaderOptions{Key: opts.Key, Plain: opts.Plain, Lazy: opts.Lazy}))
	case walcore.Etcd:
		return orNil(etcd.Open(path))
	case walcore.HashiCorp:
		return orNil(hashicorp.Open(path))
	}
	return nil, fmt.Errorf("no system is called %s: %s are", system, strings.Join(Systems, ", "))
}

// orNil makes of a pointer that may be nil a Log that is nil then.
func orNil[L walcore.Log](log L, err error) (walcore.Log, error) {
	if err != nil {
		return nil, err
	}
	return log, nil
}

func twoSystems(path string, found []Found) error {
	var what []string
	for _, f := range found {
		what = append(what, fmt.Sprintf("%s's in %s", f.System, f.Path))
	}
	return fmt.Errorf("%s holds two logs, %s: choose one with --system", path, strings.Join(what, " and "))
}
