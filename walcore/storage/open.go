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

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
	"github.com/walfs/walfs/walcore/platform"
	"github.com/walfs/walfs/walcore/vfs"
)

// Open opens the log in a directory for writing. It repairs what a crash has left
// and lists that in [DiskStorage.Problems].
//
// It fails with [walcore.ErrInUse] if anybody else writes to the directory; with
// [walcore.ErrNotRaftDir]; with [walcore.ErrKey], [walcore.ErrNoKey] or
// [walcore.ErrDataKey] where the key is not right; and with [walcore.ErrDamaged]
// if anything that was acknowledged is missing or wrong, or would be lost that can be
// read: the error says what, and names the command that makes a directory which opens.
// It has changed nothing in the directory then. Outside Linux it fails with [errors.ErrUnsupported].
func Open(path string, opts Options) (_ *DiskStorage, err error) {
	if err := platform.CheckWriting(); err != nil {
		return nil, err
	}
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

// makeDir makes the directory if it is not there, and flushes its name.
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
	files, err := s.listFiles()
	if err != nil {
		return err
	}
	if !files.meta && len(files.logs) == 0 && !s.opts.Create {
		return fmt.Errorf("%s: neither %s nor a log file (00001.wal, …) is in it: %w", s.path, format.MetaName, walcore.ErrNotRaftDir)
	}
	for _, name := range files.names() {
		if err := checkUnused(s.path, name); err != nil {
			return err
		}
	}
	if s.keys, err = readWriteKeys(s.path, s.opts.Key); err != nil {
		return err
	}
	if files.meta {
		f, err := s.dir.Open(format.MetaName)
		if err != nil {
			return err
		}
		s.meta.f = f
	}
	if err := s.openLogFiles(files.logs); err != nil {
		return err
	}
	plan, err := s.planRecovery(files)
	if err != nil {
		return err
	}
	if files.meta {
		if s.meta, err = openMeta(s.meta.f); err != nil {
			return err
		}
	}
	// Up to here nothing in the directory has changed.
	return s.applyRecovery(plan, !files.meta)
}

// dirFiles says which of the log's files there are.
type dirFiles struct {
	meta, registry bool
	logs           []string // names
	list           []fs.DirEntry
}

func (d dirFiles) names() []string {
	names := slices.Clone(d.logs)
	if d.meta {
		names = append(names, format.MetaName)
	}
	if d.registry {
		names = append(names, format.KeyRegistryName)
	}
	return names
}

// listFiles finds the files that belong to the log. All others are left alone.
func (s *DiskStorage) listFiles() (dirFiles, error) {
	var d dirFiles
	var err error
	if d.list, err = s.dir.List(); err != nil {
		return d, err
	}
	for _, e := range d.list {
		name := e.Name()
		_, isLog := format.ParseFileName(name)
		switch {
		case isLog:
			d.logs = append(d.logs, name)
		case name == format.MetaName:
			d.meta = true
		case name == format.KeyRegistryName:
			d.registry = true
		default:
			continue
		}
		if !e.Type().IsRegular() {
			return d, fmt.Errorf("%s is a %s, not a regular file; move it away", filepath.Join(s.path, name), platform.TypeName(e.Type()))
		}
	}
	return d, nil
}

// openLogFiles opens log files. Each is a segment whose slots are not known yet.
func (s *DiskStorage) openLogFiles(names []string) error {
	for _, name := range names {
		id, _ := format.ParseFileName(name)
		f, err := s.dir.Open(name)
		if err != nil {
			return err
		}
		s.open[&segment{id: id, name: name, f: f, slotTable: &openTable{}}] = true
	}
	return nil
}
