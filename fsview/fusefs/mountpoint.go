//go:build linux

package fusefs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/moby/sys/mountinfo"
	"github.com/walfs/walfs/walcore/platform"
)

// prepareMountpoint makes sure that at can be mounted on, and that it does not overlap
// dir: a file system that shows files of its own would wait for itself. A mount of ours
// that a killed process has left is unmounted. It returns at's absolute path.
func prepareMountpoint(dir, at string) (string, error) {
	abs, err := canonical(at)
	if err != nil {
		return "", err
	}
	if isDead(abs) {
		if err := unmountDead(abs); err != nil {
			return "", err
		}
	}
	st, err := os.Stat(abs)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "", fmt.Errorf("mountpoint %s does not exist: create it with mkdir -p", at)
	case err != nil:
		return "", fmt.Errorf("mountpoint: %w", err)
	case !st.IsDir():
		return "", fmt.Errorf("mountpoint %s is no folder", at)
	}
	if m, err := ownMount(abs); err == nil && m != nil {
		return "", fmt.Errorf("mountpoint %s shows %s already: umount it first", at, m.Source)
	}
	if err := overlap(dir, abs); err != nil {
		return "", err
	}
	if names, err := os.ReadDir(abs); err != nil {
		return "", fmt.Errorf("mountpoint: %w", err)
	} else if len(names) > 0 {
		return "", fmt.Errorf("mountpoint %s is not empty: its files would be hidden", at)
	}
	return abs, nil
}

// canonical resolves symbolic links in a path that a dead mount may be on: then only
// its parent can be looked at.
func canonical(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if real, err := filepath.EvalSymlinks(abs); err == nil {
		return real, nil
	}
	parent, err := filepath.EvalSymlinks(filepath.Dir(abs))
	if err != nil {
		return "", fmt.Errorf("mountpoint: %w", err)
	}
	return filepath.Join(parent, filepath.Base(abs)), nil
}

// ownMount finds the mount on a path if it is of this file system's type.
func ownMount(abs string) (*mountinfo.Info, error) {
	mounts, err := mountinfo.GetMounts(mountinfo.SingleEntryFilter(abs))
	if err != nil || len(mounts) == 0 {
		return nil, err
	}
	if top := mounts[len(mounts)-1]; top.FSType == "fuse."+Name {
		return top, nil
	}
	return nil, nil
}

// isDead reports whether the server of the mount on a path has gone. Statfs is what the
// kernel always asks the server for; attributes it has cached.
func isDead(abs string) bool {
	var st syscall.Statfs_t
	return platform.Retry(func() error { return syscall.Statfs(abs, &st) }) == syscall.ENOTCONN
}

func unmountDead(abs string) error {
	m, err := ownMount(abs)
	if err != nil {
		return err
	}
	if m == nil {
		return fmt.Errorf("mountpoint %s is a dead mount of another file system: umount -l it first", abs)
	}
	if err := Detach(abs); err != nil {
		return fmt.Errorf("a dead mount of %s on %s cannot be taken away: %w", m.Source, abs, err)
	}
	return nil
}

// overlap fails if one of two folders lies in the other. It compares folders by inode, so
// that it finds that also through links and bind mounts.
func overlap(dir, at string) error {
	for _, pair := range [][2]string{{dir, at}, {at, dir}} {
		outer, err := os.Stat(pair[0])
		if err != nil {
			return err
		}
		inner, err := filepath.Abs(pair[1])
		if err != nil {
			return err
		}
		if inner, err = filepath.EvalSymlinks(inner); err != nil {
			return err
		}
		for {
			st, err := os.Stat(inner)
			if err != nil {
				return err
			}
			if os.SameFile(outer, st) {
				return fmt.Errorf("mountpoint %s and directory %s lie one in the other: mount elsewhere", at, dir)
			}
			up := filepath.Dir(inner)
			if up == inner {
				break
			}
			inner = up
		}
	}
	return nil
}
