package storage

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/walfs/walfs/walcore/format"
	"github.com/walfs/walfs/walcore/vfs"
)

// openVFS opens the directory that the storage writes to, or with
// Options.DryRun one that only looks like it.
func (s *DiskStorage) openVFS() error {
	open := vfs.OpenDir
	if s.opts.DryRun {
		open = vfs.OpenScratch
	}
	dir, err := open(s.path)
	if err != nil {
		return err
	}
	if s.dir = dir; s.opts.wrap != nil {
		s.dir = s.opts.wrap(dir)
	}
	return nil
}

// scratchRegistry puts a copy of the key registry, if there is one, into a
// folder of its own: Badger, which reads and writes it, opens it by name.
func scratchRegistry(raw []byte) (dir string, err error) {
	if dir, err = os.MkdirTemp("", "walfs-dry-run-"); err != nil || raw == nil {
		return dir, err
	}
	if err := os.WriteFile(filepath.Join(dir, format.KeyRegistryName), raw, 0o600); err != nil {
		return "", errors.Join(err, os.RemoveAll(dir))
	}
	return dir, nil
}
