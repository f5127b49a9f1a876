package repair

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/platform"
)

// likeSource gives a directory that was written the source's owner and permissions: a
// node that runs as another user than the one who repairs has to open it.
func (p *Plan) likeSource(dir string) error {
	source := p.log.Meta()
	names, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range names {
		if err := setAttr(filepath.Join(dir, e.Name()), source.Attr, source.Attr.Mode&0o666|0o600); err != nil {
			return err
		}
	}
	return setAttr(dir, source.Dir, source.Dir.Mode|0o700)
}

// setAttr gives a file the owner that a has, where this user may do that, and
// permissions, and flushes it.
func setAttr(path string, a walcore.Attr, mode fs.FileMode) error {
	if err := os.Lchown(path, int(a.UID), int(a.GID)); err != nil && !errors.Is(err, fs.ErrPermission) {
		return err
	}
	if err := os.Chmod(path, mode); err != nil {
		return err
	}
	return platform.SyncPath(path)
}
