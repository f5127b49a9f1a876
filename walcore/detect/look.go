package detect

import (
	"errors"
	"io/fs"
	"path/filepath"
	"syscall"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
	"github.com/walfs/walfs/walcore/platform"
)

// Found is a log that lies in a directory.
type Found struct {
	System string // as walcore.System.Name has it
	Path   string // the directory that its reader opens
}

// place is where a system keeps its log, below a directory that people name.
type place struct {
	system string
	below  string // the folder that has the names
	root   string // the folder that the reader opens
	is     func(name string) bool
}

// places are looked at in this order. Of a system's, the first one with a log counts.
var places = []place{
	{walcore.Dgraph, ".", ".", isDgraphs},
	{walcore.Etcd, "member/wal", ".", isEtcds},
	{walcore.Etcd, "wal", ".", isEtcds},
	{walcore.Etcd, ".", ".", isEtcds},
	{walcore.HashiCorp, ".", ".", isHashiCorps},
	{walcore.HashiCorp, "wal", ".", isHashiCorps},
	{walcore.HashiCorp, "raft", "raft", isHashiCorps},
	{walcore.HashiCorp, "raft/wal", "raft", isHashiCorps},
	{walcore.HashiCorp, "server/raft", "server/raft", isHashiCorps},
	{walcore.HashiCorp, "server/raft/wal", "server/raft", isHashiCorps},
}

// lookedFor says what Look looks for.
const lookedFor = "no log of Dgraph (wal.meta, 00001.wal, …), of etcd (member/wal/*.wal) or of HashiCorp's library (raft.db, wal-meta.db) is in it"

// Look finds the logs in a directory. It fails where a folder in which one may be cannot be
// listed, if it finds none.
func Look(path string) (found []Found, err error) {
	attr, err := platform.StatPath(path)
	switch {
	case err != nil:
		return nil, err
	case attr.Regular && isHashiCorps(filepath.Base(path)):
		return []Found{{walcore.HashiCorp, path}}, nil
	}
	lists := map[string][]string{}
	for _, p := range places {
		names, listed := lists[p.below]
		if !listed {
			var listErr error
			names, listErr = list(filepath.Join(path, p.below))
			lists[p.below] = names
			if p.below == "." || !errors.Is(listErr, fs.ErrNotExist) && !errors.Is(listErr, syscall.ENOTDIR) {
				err = errors.Join(err, listErr)
			}
		}
		if n := len(found); n > 0 && found[n-1].System == p.system {
			continue
		}
		for _, name := range names {
			if p.is(name) {
				found = append(found, Found{p.system, filepath.Join(path, p.root)})
				break
			}
		}
	}
	if len(found) > 0 {
		return found, nil
	}
	return nil, err
}

// list gives the names in a folder, and leaves its access time as it is.
func list(path string) (names []string, err error) {
	if attr, err := platform.StatPath(path); err == nil && attr.Regular {
		return nil, &fs.PathError{Op: "open", Path: path, Err: syscall.ENOTDIR}
	}
	d, err := platform.OpenDir(path)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	entries, err := platform.List(d)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, err
}

func isDgraphs(name string) bool {
	_, isLog := format.ParseFileName(name)
	return isLog || name == format.MetaName
}

// isEtcds reports whether a name is that of a segment of etcd's:
// 0000000000000001-000000000000076b.wal.
func isEtcds(name string) bool { return isSegment(name, 16, isHex) }

// isHashiCorps reports whether a name is raft.db, wal-meta.db, or that of a segment of raft-wal:
// 00000000000000000383-0000000000000001.wal.
func isHashiCorps(name string) bool {
	return name == "raft.db" || name == "wal-meta.db" || isSegment(name, 20, isDigit)
}

// isSegment reports whether a name has so many digits in front, and 16 in hex behind them.
func isSegment(name string, front int, digit func(byte) bool) bool {
	const behind, suffix = 16, ".wal"
	if len(name) != front+1+behind+len(suffix) || name[front] != '-' || name[front+1+behind:] != suffix {
		return false
	}
	for i := range front {
		if !digit(name[i]) {
			return false
		}
	}
	for i := range behind {
		if !isHex(name[front+1+i]) {
			return false
		}
	}
	return true
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isHex(c byte) bool { return isDigit(c) || 'a' <= c && c <= 'f' }
