package repair

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
	"github.com/walfs/walfs/walcore/platform"
)

// destination is the directory that is to be, under another name until it is whole.
type destination struct {
	final, temporary string
	source           *walcore.Meta
}

// newDestination sees to it that nothing is at either name. What an interrupted repair
// has left is removed.
func newDestination(out string, source *walcore.Meta) (*destination, error) {
	if err := platform.CheckWriting(); err != nil {
		return nil, err
	}
	out = filepath.Clean(out)
	d := &destination{final: out, temporary: filepath.Join(filepath.Dir(out), "."+filepath.Base(out)+".walfs-repair"), source: source}
	if err := d.checkFinal(); err != nil {
		return nil, err
	}
	return d, d.remove()
}

// checkFinal fails if something is at the final name, or lies in the source, which
// would change it.
func (d *destination) checkFinal() error {
	names, err := readNames(d.final)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case len(names) > 0:
		return fmt.Errorf("%s is not empty, it holds %s: give a directory that does not exist, or is empty", d.final, names[0])
	}
	inside, err := platform.Inside(d.final, d.source.Path)
	if err == nil && inside {
		err = fmt.Errorf("%s lies in %s, which is not to be changed: give a directory outside of it", d.final, d.source.Path)
	}
	return err
}

func readNames(dir string) ([]string, error) {
	f, err := platform.OpenDir(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	entries, err := platform.List(f)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, err
}

// remove removes what is at the temporary name. It refuses where anything in it is
// not what repair writes.
func (d *destination) remove() error {
	names, err := readNames(d.temporary)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, name := range names {
		if !ours(name) {
			return fmt.Errorf("%s is in the way: it holds %s, which no repair has written; move it away", d.temporary, name)
		}
	}
	lock, err := platform.LockDir(d.temporary)
	if errors.Is(err, platform.ErrLocked) {
		return fmt.Errorf("%s: another repair is writing to %s: %w", d.temporary, d.final, walcore.ErrInUse)
	}
	if err != nil {
		return err
	}
	defer lock.Close()
	for _, name := range names {
		if err := os.Remove(filepath.Join(d.temporary, name)); err != nil {
			return err
		}
	}
	return os.Remove(d.temporary)
}

// ours reports whether a repair writes a file with this name.
func ours(name string) bool {
	_, isLog := format.ParseFileName(name)
	return isLog || name == format.MetaName || name == format.MetaName+".new" ||
		name == format.KeyRegistryName || name == "REWRITE-"+format.KeyRegistryName
}

// finish gives the directory its name. Owner and permissions become the source's: a
// node that runs as another user than the one who repairs has to open it.
func (d *destination) finish() error {
	names, err := readNames(d.temporary)
	if err != nil {
		return err
	}
	for _, name := range names {
		path := filepath.Join(d.temporary, name)
		if err := likeSource(path, d.source.Attr, d.source.Attr.Mode&0o666|0o600); err != nil {
			return err
		}
	}
	if err := likeSource(d.temporary, d.source.Dir, d.source.Dir.Mode|0o700); err != nil {
		return err
	}
	if err := os.Remove(d.final); err != nil && !errors.Is(err, fs.ErrNotExist) { // it is empty
		return err
	}
	if err := os.Rename(d.temporary, d.final); err != nil {
		return err
	}
	return platform.SyncPath(filepath.Dir(d.final))
}

// likeSource gives a file the owner that a has, where this user may do that, and
// permissions, and flushes it.
func likeSource(path string, a walcore.Attr, mode fs.FileMode) error {
	if err := os.Lchown(path, int(a.UID), int(a.GID)); err != nil && !errors.Is(err, fs.ErrPermission) {
		return err
	}
	if err := os.Chmod(path, mode); err != nil {
		return err
	}
	return platform.SyncPath(path)
}
