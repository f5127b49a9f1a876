package storage

import "github.com/walfs/walfs/walcore/vfs"

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
