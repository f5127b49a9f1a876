package walcore

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/walfs/walfs/walcore/vfs"
	"golang.org/x/sys/unix"
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

// openKeys opens the key registry. Badger, which reads and writes it, opens it
// by name: a dry run hands it a copy.
func (s *DiskStorage) openKeys() (*writeKeys, error) {
	if !s.opts.DryRun {
		return openWriteKeys(s.path, s.opts.Key)
	}
	tmp, err := os.MkdirTemp("", "walfs-dry-run-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp) // Badger has it open, and may go on writing to it
	if err := copyQuiet(filepath.Join(tmp, KeyRegistryName), filepath.Join(s.path, KeyRegistryName)); err != nil {
		return nil, err
	}
	return openWriteKeys(tmp, s.opts.Key)
}

// copyQuiet copies a file, if it is there, without an access time on it.
func copyQuiet(to, from string) error {
	f, err := openReadOnly(unix.AT_FDCWD, from, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxRegistry))
	if err != nil {
		return err
	}
	return os.WriteFile(to, raw, 0o600)
}
