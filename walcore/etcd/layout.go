package etcd

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/platform"
)

// lookedFor names the files by which Find knows a directory of etcd's.
const lookedFor = "member/wal/*.wal, wal/*.wal or *.wal, with names like 0000000000000000-0000000000000000.wal"

// Layout says where the parts of a directory are: WAL and Snap are folders below Root, with
// forward slashes. Snap is "" where there is none.
type Layout struct{ Root, WAL, Snap string }

// Find finds the data directory of an etcd at path, or the member folder in it, or the folder
// with the segments. Of the last one Root is the folder above, if that has the snapshots. It
// fails with [walcore.ErrNotRaftDir] where there is none, and where a folder cannot be read
// that may be one.
func Find(path string) (Layout, error) {
	if _, err := platform.StatPath(path); err != nil {
		return Layout{}, err
	}
	for _, in := range []string{"member/", ""} {
		if has, err := hasName(filepath.Join(path, in, "wal"), isSegment); err != nil {
			return Layout{}, err
		} else if has {
			l := Layout{Root: path, WAL: in + "wal"}
			if mayHaveSnapshots(filepath.Join(path, in, "snap")) {
				l.Snap = in + "snap"
			}
			return l, nil
		}
	}
	if has, err := hasName(path, isSegment); err != nil {
		return Layout{}, err
	} else if !has {
		return Layout{}, fmt.Errorf("%s: it holds no %s: %w", path, lookedFor, walcore.ErrNotRaftDir)
	}
	if abs, err := filepath.Abs(path); err == nil {
		above, name := filepath.Split(abs)
		if name != "" && name != "snap" && mayHaveSnapshots(filepath.Join(above, "snap")) {
			return Layout{Root: filepath.Clean(above), WAL: name, Snap: "snap"}, nil
		}
	}
	return Layout{Root: path, WAL: "."}, nil
}

// mayHaveSnapshots reports whether a folder has what etcd keeps in snap/, or cannot be read, so
// that it may.
func mayHaveSnapshots(folder string) bool {
	has, err := hasName(folder, isOfSnap)
	return has || err != nil
}

// hasName reports whether a folder is there, and has such a name. It fails if that cannot be
// read.
func hasName(folder string, is func(name string) bool) (bool, error) {
	dir, err := platform.OpenDir(folder)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer dir.Close()
	entries, err := platform.List(dir)
	return slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return is(e.Name()) }), err
}

// segmentName is what a segment is called: its number, and the index that follows the last
// one of the segments before.
type segmentName struct{ seq, index uint64 }

func (n segmentName) String() string { return fmt.Sprintf("%016x-%016x.wal", n.seq, n.index) }

func parseSegmentName(name string) (n segmentName, ok bool) {
	n.seq, n.index, ok = parsePair(name, ".wal")
	return n, ok
}

// parsePair reads two numbers of 16 hex digits.
func parsePair(name, suffix string) (a, b uint64, ok bool) {
	digits, ok := strings.CutSuffix(name, suffix)
	if !ok || len(digits) != 33 || digits[16] != '-' || strings.ToLower(digits) != digits {
		return 0, 0, false
	}
	a, errA := strconv.ParseUint(digits[:16], 16, 64)
	b, errB := strconv.ParseUint(digits[17:], 16, 64)
	return a, b, errA == nil && errB == nil
}

func isSegment(name string) bool {
	_, ok := parseSegmentName(name)
	return ok
}

func isSnapshot(name string) bool {
	_, _, ok := parsePair(name, ".snap")
	return ok
}

// isOfSnap reports whether a name is one that etcd gives in its snap folder.
func isOfSnap(name string) bool {
	return isSnapshot(name) || name == "db" || strings.HasSuffix(name, ".snap.db") || isMakeshift(name)
}

// isOfWAL reports whether a name is one that etcd gives in its wal folder.
func isOfWAL(name string) bool { return isSegment(name) || isMakeshift(name) }

// isMakeshift reports whether a name is that of something that is not finished, of something
// that was set aside, or of a lock.
func isMakeshift(name string) bool {
	for _, suffix := range []string{".tmp", ".broken", ".lock"} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return strings.HasPrefix(name, "db.tmp") || strings.HasPrefix(name, "tmp")
}
