package backup

import (
	"context"
	"errors"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sync"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/platform"
)

// ToFolder copies a log's directory to a folder. out must not exist, or be an empty
// folder. It takes over the log, and closes it if it fails.
func ToFolder(ctx context.Context, log walcore.Log, out string, o Options) (*Copy, error) {
	s := &source{log: log, compact: o.Compact}
	c, err := s.toFolder(ctx, out, o)
	if err != nil {
		return nil, errors.Join(err, s.log.Close())
	}
	return c, nil
}

func (s *source) toFolder(ctx context.Context, out string, o Options) (c *Copy, err error) {
	p, err := platform.NewPlace(out, s.log.Meta().Path, true)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	f, err := s.newFolder(p.Unfinished, o)
	if err != nil {
		return nil, err
	}
	if err := f.copyAll(ctx); err != nil {
		return nil, err
	}
	if c, err = s.examineFolder(f.path); err != nil {
		return nil, err
	}
	return c, p.Finish()
}

// folder is a folder that is being written.
type folder struct {
	*source
	path     string
	files    map[string]*fileCopy
	progress func(done, total int64)
}

func (s *source) newFolder(path string, o Options) (*folder, error) {
	return &folder{source: s, path: path, files: map[string]*fileCopy{}, progress: o.Progress}, os.Mkdir(path, 0o700)
}

// maxRounds bounds how often the directory is looked at again because it has changed
// before all was copied. The first round copies nearly everything; each after it what
// came meanwhile, in milliseconds.
const maxRounds = 300

// pinAfter is after how many rounds what a busy node changes too soon is pinned. It costs
// writing it twice.
const pinAfter = 3

// pin lets the log pin what it can, in a file in the folder. unpin removes that.
func (d *folder) pin(ctx context.Context) (unpin func() error, err error) {
	log, ok := d.log.(walcore.Pinner)
	if !ok {
		return func() error { return nil }, nil
	}
	file, err := os.CreateTemp(d.path, "pinned-")
	if err != nil {
		return nil, err
	}
	unpin = func() error {
		d.pinned = nil
		return errors.Join(file.Close(), os.Remove(file.Name()))
	}
	if d.pinned, err = log.Pin(ctx, file); err == nil {
		err = d.again()
	}
	if err != nil {
		return nil, errors.Join(err, unpin())
	}
	return unpin, nil
}

// copyAll writes all files of one image. What can change in the directory is written
// first. The rest is in memory.
func (d *folder) copyAll(ctx context.Context) (err error) {
	err = d.look()
	for round := range maxRounds {
		if round == pinAfter {
			unpin, pinErr := d.pin(ctx)
			if pinErr != nil {
				return pinErr
			}
			defer func() { err = errors.Join(err, unpin()) }()
		}
		if err != nil {
			return err
		}
		if err = d.copyPayloads(ctx); !errors.Is(err, walcore.ErrChanged) {
			break
		}
		err = d.again()
	}
	if err != nil {
		return err
	}
	return d.copyRest(ctx)
}

// copyPayloads writes what is read from files that a node changes.
func (d *folder) copyPayloads(ctx context.Context) error {
	if err := d.begin(); err != nil {
		return err
	}
	flush := newFlusher()
	return flush.wait(d.writePayloads(ctx, flush))
}

func (d *folder) writePayloads(ctx context.Context, flush *flusher) error {
	// The newest first, where the node is at work.
	for i := len(d.source.files) - 1; i >= 0; i-- {
		f := d.source.files[i]
		if _, ok := f.ReaderAt.(walcore.Continued); !ok {
			continue
		}
		c := d.files[f.Name]
		to, err := c.open()
		if err != nil {
			return err
		}
		begin := inMemory(f)
		err = c.write(ctx, to, f, max(c.done, begin), f.Attr.Size, func(n int64) {
			c.done = max(c.done, begin) + n
			d.tell()
		})
		if err == nil && flush.begin(closing{to}) {
			continue
		}
		if err = errors.Join(err, to.Close()); err != nil {
			return err
		}
	}
	return nil
}

// begin makes the folder have the files of the image, with as much of them as is right.
func (d *folder) begin() error {
	wanted := map[string]bool{}
	for _, f := range d.source.files {
		wanted[f.Name] = true
		c := d.files[f.Name]
		if c == nil {
			c = &fileCopy{path: filepath.Join(d.path, filepath.FromSlash(f.Name))}
			if err := os.MkdirAll(filepath.Dir(c.path), 0o700); err != nil {
				return err
			}
			file, err := os.OpenFile(c.path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
			if err != nil {
				return err
			}
			if err := file.Close(); err != nil {
				return err
			}
			d.files[f.Name] = c
		}
		if err := c.keep(f); err != nil {
			return err
		}
	}
	for name, c := range d.files {
		if !wanted[name] {
			delete(d.files, name)
			if err := os.Remove(c.path); err != nil {
				return err
			}
		}
	}
	return nil
}

// flushing is how many files are flushed and read back at a time: a disk takes its time
// for a flush, and more than one at once.
const flushing = 4

// copyRest writes what the image has in memory, flushes the files, and reads them back.
func (d *folder) copyRest(ctx context.Context) error {
	errs := make([]error, len(d.source.files))
	free := make(chan struct{}, flushing)
	var wg sync.WaitGroup
	for i, f := range d.source.files {
		free <- struct{}{}
		wg.Go(func() {
			errs[i] = d.files[f.Name].complete(ctx, f)
			<-free
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for _, folder := range d.folders() {
		path := filepath.Join(d.path, filepath.FromSlash(folder))
		giveTo(path, d.log.Meta().Dir)
		if err := platform.SyncPath(path); err != nil {
			return err
		}
	}
	return nil
}

// folders are those that files are in, by name: each before those in it.
func (s *source) folders() []string {
	folders := []string{"."}
	for _, f := range s.files {
		for dir := path.Dir(f.Name); !slices.Contains(folders, dir); dir = path.Dir(dir) {
			folders = append(folders, dir)
		}
	}
	slices.Sort(folders)
	return folders
}

// complete writes what of a file is in memory, flushes it, and reads it back.
func (c *fileCopy) complete(ctx context.Context, f walcore.NativeFile) (err error) {
	to, err := c.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	if err := c.write(ctx, to, f, 0, inMemory(f), func(int64) {}); err != nil {
		return err
	}
	if err := finish(to, f.Attr); err != nil {
		return err
	}
	return compare(ctx, f.Name, to, f.Attr.Size, c.sums)
}

// finish gives a file its size and the original's times and owner, and flushes it.
func finish(f *os.File, a walcore.Attr) error {
	if err := f.Truncate(a.Size); err != nil {
		return err
	}
	giveTo(f.Name(), a)
	if err := os.Chtimes(f.Name(), a.Mtime, a.Mtime); err != nil {
		return err
	}
	return f.Sync()
}

// giveTo gives a file the original's owner. Only root can, and not everywhere; the copy
// is the user's own then.
func giveTo(name string, a walcore.Attr) {
	if os.Geteuid() == 0 {
		os.Chown(name, int(a.UID), int(a.GID)) // no reason to fail
	}
}

func (d *folder) tell() {
	if d.progress == nil {
		return
	}
	done := int64(0)
	for _, c := range d.files {
		done += c.done
	}
	d.progress(min(done, d.total), d.total)
}
