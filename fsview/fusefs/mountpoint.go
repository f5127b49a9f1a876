//go:build linux

package fusefs

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/moby/sys/mountinfo"
	"github.com/walfs/walfs/walcore/platform"
)

// prepare makes sure that at can be mounted on and does not overlap dir: a
// file system that serves what lies under itself waits for itself. A mount of
// ours that a killed process has left dead is taken away. It returns at's
// absolute path.
func prepare(dir, at string) (string, error) {
	abs, err := canonical(at)
	if err != nil {
		return "", err
	}
	if dead(abs) {
		if err := replaceDead(abs); err != nil {
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
	if m, err := ours(abs); err == nil && m != nil {
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

// canonical resolves links in a path whose last part may be a dead mount.
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

// ours finds the mount of this file system's type on a path.
func ours(abs string) (*mountinfo.Info, error) {
	mounts, err := mountinfo.GetMounts(mountinfo.SingleEntryFilter(abs))
	if err != nil || len(mounts) == 0 {
		return nil, err
	}
	if top := mounts[len(mounts)-1]; top.FSType == "fuse."+Name {
		return top, nil
	}
	return nil, nil
}

// dead reports whether the server of the mount on a path has gone. Statfs is
// the question that no kernel answers from its cache: attributes outlive a
// server for as long as it has allowed.
func dead(abs string) bool {
	var st syscall.Statfs_t
	return platform.Retry(func() error { return syscall.Statfs(abs, &st) }) == syscall.ENOTCONN
}

func replaceDead(abs string) error {
	m, err := ours(abs)
	if err != nil {
		return err
	}
	if m == nil {
		return fmt.Errorf("mountpoint %s is a dead mount of another file system: umount -l it first", abs)
	}
	if err := detach(abs); err != nil {
		return fmt.Errorf("a dead mount of %s on %s cannot be taken away: %w", m.Source, abs, err)
	}
	return nil
}

// overlap compares folders by identity, so that links and bind mounts on the
// way do not hide that one lies in the other.
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

// detach takes a mount out of the tree at once; whoever still has files open
// keeps them until they are closed.
func detach(abs string) error {
	if os.Geteuid() == 0 {
		return os.NewSyscallError("umount", syscall.Unmount(abs, syscall.MNT_DETACH))
	}
	out, err := exec.Command("fusermount3", "-u", "-z", abs).CombinedOutput()
	if err != nil {
		return fmt.Errorf("fusermount3 -u -z: %s", strings.TrimSpace(string(out)))
	}
	return nil
}
