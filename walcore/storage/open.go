package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/trace"
	"slices"

	"github.com/walfs/walfs/meta"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
	"github.com/walfs/walfs/walcore/platform"
	"github.com/walfs/walfs/walcore/vfs"
)

// Open opens the log in a directory for writing. It puts right what a crash
// has left and says so in Problems. It fails with ErrInUse if anybody else has
// the directory open, with ErrNotRaftDir, ErrKey, ErrSealed or ErrDataKey, and
// with ErrDamaged if anything that was acknowledged is missing or wrong; it
// has changed nothing in the directory then.
func Open(path string, opts Options) (_ *DiskStorage, err error) {
	if len(opts.Key) > 0 {
		if err := format.CheckKey("the key", opts.Key); err != nil {
			return nil, err
		}
	}
	if opts.Sync != SyncAlways && opts.Sync != SyncManual {
		return nil, fmt.Errorf("sync mode %d: want SyncAlways or SyncManual", opts.Sync)
	}
	if opts.Logger == nil {
		opts.Logger = slog.Default()
	}
	if opts.limits == (limits{}) {
		opts.limits = limits{slots: format.SlotsPerFile, bytes: format.MaxFileSize}
	}
	s := &DiskStorage{path: path, opts: opts, log: opts.Logger, ctx: context.Background(), open: map[*segment]bool{}}
	defer trace.StartRegion(s.ctx, "walcore.Open").End()
	if opts.Create && !opts.DryRun {
		if err := makeDir(path, vfs.OpenDir); err != nil {
			return nil, err
		}
	}
	defer func() {
		if err != nil {
			s.closeFiles()
		}
	}()
	if s.lock, err = lockDir(path); err != nil {
		return nil, err
	}
	if err := s.openVFS(); err != nil {
		return nil, err
	}
	if err := s.openDir(); err != nil {
		return nil, err
	}
	s.log.Debug("storage opened", "dir", path, "first", s.firstIndex(), "last", s.lastIndex(), "files", len(s.segments))
	return s, nil
}

// makeDir makes the directory if it is not there, and its name durable.
func makeDir(path string, open func(path string) (vfs.Dir, error)) error {
	err := os.Mkdir(path, 0o700)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	parent, err := open(filepath.Dir(filepath.Clean(path)))
	if err != nil {
		return err
	}
	return errors.Join(parent.Sync(), parent.Close())
}

// openDir opens what is in the directory, or makes what has to be in it.
func (s *DiskStorage) openDir() error {
	native, err := s.listNative()
	if err != nil {
		return err
	}
	if !native.meta && len(native.logs) == 0 && !s.opts.Create {
		return fmt.Errorf("%s: neither %s nor a log file (00001.wal, …) is in it: %w", s.path, format.MetaName, walcore.ErrNotRaftDir)
	}
	for _, name := range native.names() {
		if err := checkUnused(s.path, name); err != nil {
			return err
		}
	}
	if s.keys, err = readWriteKeys(s.path, s.opts.Key); err != nil {
		return err
	}
	if native.meta {
		f, err := s.dir.Open(format.MetaName)
		if err != nil {
			return err
		}
		if s.meta, err = openMeta(f); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	found, err := s.readSegments(native.logs)
	if err != nil {
		return err
	}
	m, err := s.judge(found)
	if err != nil {
		return err
	}
	if !native.meta && len(m.keep) > 0 {
		return walcore.FileError(format.MetaName, fmt.Errorf(
			"is missing beside log files with entries: %w; restore it, or copy the log into a new directory", walcore.ErrDamaged))
	}
	// Nothing has changed up to here.
	if err := s.openKeys(); err != nil {
		return err
	}
	for _, g := range m.keep {
		if g.cipher, err = s.keys.old(g.header); err != nil {
			return g.failKey(err)
		}
	}
	if !native.meta {
		if err := s.createMeta(); err != nil {
			return err
		}
	}
	if err := s.mend(m); err != nil {
		return err
	}
	return s.finishEmptying()
}

// native is which of the log's files there are.
type native struct {
	meta, registry bool
	logs           []string
}

func (n native) names() []string {
	names := slices.Clone(n.logs)
	if n.meta {
		names = append(names, format.MetaName)
	}
	if n.registry {
		names = append(names, format.KeyRegistryName)
	}
	return names
}

// listNative finds the files that belong to the log. Others are left alone.
func (s *DiskStorage) listNative() (native, error) {
	var n native
	list, err := s.dir.List()
	if err != nil {
		return n, err
	}
	for _, e := range list {
		name := e.Name()
		_, isLog := format.ParseFileName(name)
		switch {
		case isLog:
			n.logs = append(n.logs, name)
		case name == format.MetaName:
			n.meta = true
		case name == format.KeyRegistryName:
			n.registry = true
		default:
			continue
		}
		if !e.Type().IsRegular() {
			return n, fmt.Errorf("%s is a %s, not a regular file; move it away", filepath.Join(s.path, name), platform.TypeName(e.Type()))
		}
	}
	return n, nil
}

// createMeta makes the first wal.meta, without a snapshot.
func (s *DiskStorage) createMeta() error {
	f, err := s.writeNewMeta(nil, meta.NewSize)
	if err != nil {
		return err
	}
	s.meta = metaFile{f: f}
	return nil
}

// createFirst makes the log file of a log without any.
func (s *DiskStorage) createFirst() error {
	g, err := s.rotate(nil, false)
	if err != nil {
		return err
	}
	s.segments = []*segment{g}
	return nil
}
