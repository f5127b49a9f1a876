package hashicorp

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/platform"
)

// Store is what a node keeps its log in.
type Store string

// The stores that HashiCorp's library has.
const (
	BoltDB  Store = "raft-boltdb" // raft.db
	RaftWAL Store = "raft-wal"    // wal-meta.db and segments
)

// The names that tell a directory.
const (
	boltName      = "raft.db"
	walFolder     = "wal"
	walMetaName   = "wal-meta.db"
	snapshotsName = "snapshots"
)

// below are where programs keep a Raft directory in the one that people name: Consul and
// Vault in the first, Nomad in the second.
var below = []string{"raft", "server/raft"}

// looked are the names of which one is in a directory that Find finds.
var looked = []string{boltName, walMetaName, walFolder + "/" + walMetaName, "raft/" + boltName, "server/raft/" + boltName}

// Found is a Raft directory.
type Found struct {
	Path   string // the directory; its snapshots/ belong to the log
	Store  Store
	Folder string // where the store's files are, from Path on, with forward slashes; "": in Path
}

// main is the name of the database that every log has, from Path on.
func (f Found) main() string {
	if f.Store == BoltDB {
		return boltName
	}
	return f.file(walMetaName)
}

// file is the name of a file of the store, from Path on.
func (f Found) file(name string) string { return path.Join(f.Folder, name) }

// Find looks for a Raft directory at a path, and where Consul, Nomad and Vault have it below
// that. The path can be raft.db or wal/ itself, too. Find opens nothing. It fails with
// [walcore.ErrNotRaftDir], and says what it has looked for, where there is none; with another
// error where a directory has both stores, as it has after moving to another one: which of them the node
// uses is in its configuration, not on disk.
func Find(name string) (Found, error) {
	attr, err := platform.StatPath(name)
	if err != nil {
		return Found{}, err
	}
	if attr.Regular && filepath.Base(name) == boltName {
		return Found{Path: filepath.Dir(name), Store: BoltDB}, nil
	}
	for _, sub := range append([]string{"."}, below...) {
		found, err := findIn(filepath.Join(name, filepath.FromSlash(sub)))
		switch {
		case err != nil:
			return Found{}, err
		case len(found) == 1:
			return found[0], nil
		case len(found) > 1:
			one, other := found[0], found[1]
			return Found{}, fmt.Errorf("%s: has two logs, %s and %s: name %s or %s, whichever the node uses: %w",
				one.Path, one.main(), other.main(), filepath.Join(one.Path, boltName), filepath.Join(one.Path, other.Folder), errTwoLogs)
		}
	}
	return Found{}, fmt.Errorf("%s: none of %s is in it: %w", name, strings.Join(looked, ", "), walcore.ErrNotRaftDir)
}

// errTwoLogs is why a directory with both stores is not opened.
var errTwoLogs = errors.New("its log cannot be told")

// findIn looks for the stores in a directory.
func findIn(dir string) (found []Found, err error) {
	inWAL := Found{Path: dir, Store: RaftWAL}
	if abs, err := filepath.Abs(dir); err == nil && filepath.Base(abs) == walFolder {
		inWAL = Found{Path: filepath.Join(dir, ".."), Store: RaftWAL, Folder: walFolder}
	}
	for name, f := range map[string]Found{
		boltName:                      {Path: dir, Store: BoltDB},
		walMetaName:                   inWAL,
		walFolder + "/" + walMetaName: {Path: dir, Store: RaftWAL, Folder: walFolder},
	} {
		_, err := platform.StatPath(filepath.Join(dir, filepath.FromSlash(name)))
		switch {
		case err == nil && f.Store == BoltDB: // the first, so that what is said of two is always the same
			found = append([]Found{f}, found...)
		case err == nil:
			found = append(found, f)
		case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR):
			return nil, err
		}
	}
	// Segments whose list is lost are a log, too: to open it says which file is missing.
	if len(found) == 0 {
		for _, f := range []Found{inWAL, {Path: dir, Store: RaftWAL, Folder: walFolder}} {
			has, err := hasSegment(filepath.Join(f.Path, f.Folder))
			if err != nil {
				return nil, err
			}
			if has {
				return []Found{f}, nil
			}
		}
	}
	return found, nil
}

// hasSegment reports whether a folder is there, and has a segment of raft-wal.
func hasSegment(folder string) (bool, error) {
	dir, err := platform.OpenDir(folder)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer dir.Close()
	entries, err := platform.List(dir)
	return slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return segmentName.MatchString(e.Name()) }), err
}

// segmentName is what raft-wal calls a segment: its base index and its id.
var segmentName = regexp.MustCompile(`^[0-9]{20}-[0-9a-f]{16}\.wal$`)
