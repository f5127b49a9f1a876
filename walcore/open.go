package walcore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/trace"

	"github.com/walfs/walfs/meta"
	"github.com/walfs/walfs/walcore/vfs"
)

// Open opens the log in a directory for writing. It puts right what a crash
// has left and says so in Problems. It fails with ErrInUse if anybody else has
// the directory open, with ErrNotRaftDir, ErrKey, ErrSealed or ErrDataKey, and
// with ErrDamaged if anything that was acknowledged is missing or wrong; it
// has changed nothing then.
func Open(path string, opts Options) (_ *DiskStorage, err error) {
	if len(opts.Key) > 0 {
		if err := checkKey("the key", opts.Key); err != nil {
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
		opts.limits = limits{slots: SlotsPerFile, bytes: maxFileSize}
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
	names, err := s.listNative()
	if err != nil {
		return err
	}
	hasMeta := len(names) > 0 && names[0] == MetaName
	if len(names) == 0 && !s.opts.Create {
		return fmt.Errorf("%s: neither %s nor a log file (00001.wal, …) is in it: %w", s.path, MetaName, ErrNotRaftDir)
	}
	for _, name := range names {
		if err := checkUnused(s.path, name); err != nil {
			return err
		}
	}
	if s.keys, err = s.openKeys(); err != nil {
		return err
	}
	if hasMeta {
		f, err := s.dir.Open(MetaName)
		if err != nil {
			return err
		}
		if s.meta, err = openMeta(f); err != nil {
			return errors.Join(err, f.Close())
		}
		names = names[1:]
	}
	found, err := s.readSegments(names)
	if err != nil {
		return err
	}
	m, err := s.judge(found)
	if err != nil {
		return err
	}
	if !hasMeta {
		if len(m.keep) > 0 {
			return &Error{File: MetaName, Slot: -1, Err: fmt.Errorf(
				"is missing beside log files with entries: %w; restore it, or copy the log into a new directory", ErrDamaged)}
		}
		if err := s.createMeta(); err != nil {
			return err
		}
	}
	return s.mend(m)
}

// listNative gives the names that belong to the log, wal.meta first if it is
// there. Other names are left alone.
func (s *DiskStorage) listNative() ([]string, error) {
	list, err := s.dir.List()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range list {
		name := e.Name()
		if _, isLog := ParseFileName(name); !isLog && name != MetaName && name != KeyRegistryName {
			continue
		}
		if !e.Type().IsRegular() {
			return nil, fmt.Errorf("%s is a %s, not a regular file; move it away", filepath.Join(s.path, name), typeName(e.Type()))
		}
		switch name {
		case MetaName:
			names = append([]string{name}, names...)
		case KeyRegistryName:
		default:
			names = append(names, name)
		}
	}
	return names, nil
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
