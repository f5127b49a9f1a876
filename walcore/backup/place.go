package backup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/walfs/walfs/walcore/platform"
)

// place is where a copy goes.
type place struct {
	out    string
	folder string // that out is in
}

// newPlace looks whether a copy of the directory at dir can go to out.
func newPlace(out, dir string) (*place, error) {
	abs, err := filepath.Abs(out)
	if err != nil {
		return nil, err
	}
	p := &place{out: filepath.Clean(out), folder: filepath.Dir(abs)}
	if err := p.checkFree(); err != nil {
		return nil, err
	}
	switch inside, err := platform.Inside(out, dir); {
	case err != nil:
		return nil, err
	case inside:
		return nil, fmt.Errorf("%s is in %s, which a copy must not change", out, dir)
	}
	return p, nil
}

// checkFree fails if anything has the copy's name but an empty folder.
func (p *place) checkFree() error {
	st, err := os.Lstat(p.out)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if st.IsDir() && !strings.HasSuffix(p.out, ".tar") {
		names, err := os.ReadDir(p.out)
		if err != nil || len(names) == 0 {
			return err
		}
	}
	return fmt.Errorf("%s exists already: a copy overwrites nothing", p.out)
}

// prefix is how the temporary names of a copy begin.
func (p *place) prefix() string { return "." + filepath.Base(p.out) + ".walfs-copy-" }

// tempFolder makes a temporary folder beside the copy. It removes what copies of the same
// name have left that were killed. If one is still at work, it fails then.
func (p *place) tempFolder() (string, error) {
	if err := p.removeLeftovers(); err != nil {
		return "", err
	}
	return os.MkdirTemp(p.folder, p.prefix()+"*")
}

// tempFile makes a temporary file there.
func (p *place) tempFile() (*os.File, error) {
	if err := p.removeLeftovers(); err != nil {
		return nil, err
	}
	return os.CreateTemp(p.folder, p.prefix()+"*")
}

func (p *place) removeLeftovers() error {
	names, err := os.ReadDir(p.folder)
	if err != nil {
		return err
	}
	for _, e := range names {
		if strings.HasPrefix(e.Name(), p.prefix()) {
			if err := os.RemoveAll(filepath.Join(p.folder, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// finish gives a copy its name.
func (p *place) finish(temp string) error {
	if err := p.checkFree(); err != nil {
		return err
	}
	if st, err := os.Lstat(p.out); err == nil && st.IsDir() {
		if err := os.Remove(p.out); err != nil {
			return fmt.Errorf("%w; name a folder in it", err)
		}
	}
	if err := os.Rename(temp, p.out); err != nil {
		return err
	}
	return platform.SyncPath(p.folder)
}
