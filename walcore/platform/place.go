package platform

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/walfs/walfs/walcore"
)

// Place is where a copy of a directory goes, a folder or an archive. The copy is made in a
// hidden folder beside it, and gets its name at the end: what has the name is whole. What
// a process that was killed has left in the hidden folder, the next Place of the same name
// removes.
type Place struct {
	Unfinished string // where the copy is made
	Parts      string // for a folder that is only needed until then; it is not made

	final    string
	isFolder bool
	hidden   string // the hidden folder
	lock     *Lock  // of the hidden folder; nil where the file system has no locks
}

// NewPlace makes the hidden folder for a copy of the directory source. Nothing may be at
// final, which is not to lie in source, but an empty folder if the copy is one. It fails
// with walcore.ErrInUse if another process is making a copy for the same place.
func NewPlace(final, source string, isFolder bool) (*Place, error) {
	abs, err := filepath.Abs(final)
	if err != nil {
		return nil, err
	}
	hidden := filepath.Join(filepath.Dir(abs), "."+filepath.Base(abs)+".walfs-unfinished")
	p := &Place{Unfinished: filepath.Join(hidden, "unfinished"), Parts: filepath.Join(hidden, "parts"),
		final: filepath.Clean(final), isFolder: isFolder, hidden: hidden}
	if err := p.checkFree(); err != nil {
		return nil, err
	}
	switch in, err := inside(final, source); {
	case err != nil:
		return nil, err
	case in:
		return nil, fmt.Errorf("%s lies in %s, which is not to be changed: give a place outside of it", final, source)
	}
	if err := p.removeLeftover(); err != nil {
		return nil, err
	}
	// Not one that is there by now: it could be somebody else's.
	if err := os.Mkdir(hidden, 0o700); err != nil {
		return nil, err
	}
	if p.lock, err = p.lockHidden(); err != nil {
		return nil, err
	}
	return p, nil
}

// checkFree fails if the place is taken.
func (p *Place) checkFree() error {
	st, err := os.Lstat(p.final)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if !st.IsDir() || !p.isFolder {
		return fmt.Errorf("%s exists already: nothing is overwritten", p.final)
	}
	names, err := os.ReadDir(p.final)
	if err == nil && len(names) > 0 {
		err = fmt.Errorf("%s is not empty, it holds %s: give a folder that does not exist, or is empty", p.final, names[0].Name())
	}
	return err
}

// lockHidden locks the hidden folder. Without locks, as on some network file systems and
// where only Linux has them, whoever comes later takes the place.
func (p *Place) lockHidden() (*Lock, error) {
	lock, err := LockDir(p.hidden)
	if errors.Is(err, ErrLocked) {
		return nil, fmt.Errorf("%s: another walfs is writing to %s: %w", p.hidden, p.final, walcore.ErrInUse)
	}
	return lock, nil
}

// removeLeftover removes what a process that was killed has left. It refuses where
// anything is there that has another name than what a Place makes.
func (p *Place) removeLeftover() error {
	names, err := os.ReadDir(p.hidden)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range names {
		if path := filepath.Join(p.hidden, e.Name()); path != p.Unfinished && path != p.Parts {
			return fmt.Errorf("%s is in the way: it holds %s, which walfs has not written; move it away", p.hidden, e.Name())
		}
	}
	if p.lock, err = p.lockHidden(); err != nil {
		return err
	}
	return p.Close()
}

// Finish makes the copy durable under its name. Its files have been flushed by whoever
// wrote them.
func (p *Place) Finish() error {
	if err := p.checkFree(); err != nil {
		return err
	}
	if err := os.Remove(p.final); err != nil && !errors.Is(err, fs.ErrNotExist) { // it is an empty folder
		return fmt.Errorf("%w; name a folder in it", err)
	}
	if err := os.Rename(p.Unfinished, p.final); err != nil {
		return err
	}
	return SyncPath(filepath.Dir(p.hidden))
}

// Close removes the hidden folder, and what in it was not finished.
func (p *Place) Close() error {
	err := os.RemoveAll(p.hidden)
	if p.lock != nil {
		err = errors.Join(err, p.lock.Close())
	}
	return err
}

// inside reports whether what is made at path would lie in the folder dir or in a folder
// below it. The folder that it is made in has to be there.
func inside(path, dir string) (bool, error) {
	folder := filepath.Dir(filepath.Clean(path))
	if _, err := os.Stat(folder); err != nil {
		return false, err
	}
	return LiesIn(folder, dir)
}

// LiesIn reports whether path, of which nothing need be there yet, is the folder dir or lies
// in it. It follows links.
func LiesIn(path, dir string) (bool, error) {
	outer, err := os.Stat(dir)
	if err != nil {
		return false, err
	}
	at, err := filepath.Abs(path)
	if err != nil {
		return false, err
	}
	for {
		real, err := filepath.EvalSymlinks(at)
		if err == nil {
			at = real
			break
		}
		if parent := filepath.Dir(at); parent != at {
			at = parent
			continue
		}
		return false, err
	}
	for {
		st, err := os.Stat(at)
		if err != nil || os.SameFile(st, outer) {
			return err == nil, err
		}
		parent := filepath.Dir(at)
		if parent == at {
			return false, nil
		}
		at = parent
	}
}

// SyncPath makes a file durable, or the names in a folder. Windows cannot do that with
// a folder, and does it by itself.
func SyncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	st, err := f.Stat()
	if err == nil && (runtime.GOOS != "windows" || !st.IsDir()) {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}
