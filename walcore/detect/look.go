package detect

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/etcd"
	"github.com/walfs/walfs/walcore/format"
	"github.com/walfs/walfs/walcore/hashicorp"
	"github.com/walfs/walfs/walcore/platform"
)

// Found is a log that lies in a directory.
type Found struct {
	System string // as walcore.System.Name has it
	Path   string // where it lies
}

// lookedFor says what Look looks for.
const lookedFor = "no log of Dgraph (wal.meta, 00001.wal, …), of etcd (member/wal/*.wal) or of HashiCorp's library (raft.db, wal-meta.db) is in it"

// Look finds the logs in a directory: each system's reader says where its is. It fails where a
// folder in which one may be cannot be read, if it finds none.
func Look(path string) (found []Found, err error) {
	if _, err := platform.StatPath(path); err != nil {
		return nil, err
	}
	add := func(system, at string, failed error) {
		switch {
		case failed == nil:
			found = append(found, Found{system, filepath.Clean(at)})
		case err == nil && !errors.Is(failed, walcore.ErrNotRaftDir):
			err = failed
		}
	}
	inEtcd, etcdErr := etcd.Find(path)
	inHashiCorp, hashiCorpErr := hashicorp.Find(path)
	add(walcore.Dgraph, path, findDgraphs(path))
	add(walcore.Etcd, inEtcd.Root, etcdErr)
	add(walcore.HashiCorp, inHashiCorp.Path, hashiCorpErr)
	if len(found) > 0 {
		return found, nil
	}
	return nil, err
}

// findDgraphs fails with ErrNotRaftDir if a directory has neither Dgraph's metadata nor a log
// file.
func findDgraphs(path string) error {
	dir, err := platform.OpenDir(path)
	if err != nil {
		return err
	}
	defer dir.Close()
	entries, err := platform.List(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if _, isLog := format.ParseFileName(e.Name()); isLog || e.Name() == format.MetaName {
			return nil
		}
	}
	return fmt.Errorf("%s: no log of Dgraph: %w", path, walcore.ErrNotRaftDir)
}
