//go:build linux

package fusefs

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// Found is a mount of this file system that some process serves, or has served.
type Found struct {
	At     string // the mountpoint, absolute
	Source string // the directory that it shows
	// Server is the process that serves it, 0 if there is none, or if this user may not
	// know it.
	Server int
}

// Find finds the mount on a path. It fails if nothing is mounted there, or if that is
// another file system.
func Find(at string) (*Found, error) {
	abs, err := canonical(at)
	if err != nil {
		return nil, err
	}
	mounts, err := mountinfo.GetMounts(mountinfo.SingleEntryFilter(abs))
	if err != nil {
		return nil, err
	}
	if len(mounts) == 0 {
		return nil, fmt.Errorf("%s: nothing is mounted there; findmnt -t fuse.%s lists the mounts", at, Name)
	}
	top := mounts[len(mounts)-1]
	if top.FSType != "fuse."+Name {
		return nil, fmt.Errorf("%s is a mount of %s, not of %s: umount ends it", at, top.FSType, Name)
	}
	// A FUSE connection has the number of the device that its mount is.
	return &Found{At: abs, Source: top.Source, Server: serverOf(top.Minor)}, nil
}

// serverOf finds the process that has a connection open. The kernel tells since Linux
// 6.13 whose connection a descriptor of /dev/fuse is.
func serverOf(connection int) int {
	want := fmt.Sprintf("fuse_connection:\t%d", connection)
	for pid, fd := range fuseDescriptors("/proc/[0-9]*/fd") {
		info, _ := os.ReadFile(fmt.Sprintf("/proc/%d/fdinfo/%d", pid, fd))
		for line := range strings.Lines(string(info)) {
			if strings.TrimSpace(line) == want {
				return pid
			}
		}
	}
	return 0
}

// fuseDescriptors gives processes and their descriptors of /dev/fuse.
func fuseDescriptors(folders string) func(yield func(pid, fd int) bool) {
	return func(yield func(pid, fd int) bool) {
		links, _ := filepath.Glob(folders + "/[0-9]*") // no bad pattern
		for _, link := range links {
			if target, err := os.Readlink(link); err != nil || target != "/dev/fuse" {
				continue
			}
			var pid, fd int
			if _, err := fmt.Sscanf(link, "/proc/%d/fd/%d", &pid, &fd); err == nil && !yield(pid, fd) {
				return
			}
		}
	}
}

// keepFromChildren sees to it that no program which this process starts has a connection
// open: the mount would outlive its server, and all who look at it would wait for ever.
// The library leaves that out where root mounts without fusermount3.
func keepFromChildren() {
	for _, fd := range fuseDescriptors("/proc/" + strconv.Itoa(os.Getpid()) + "/fd") {
		syscall.CloseOnExec(fd)
	}
}

// ErrBusy: a mount is in use.
var ErrBusy = errors.New("in use")

// Unmount unmounts what is mounted on an absolute path. It fails with ErrBusy if that is
// in use.
func Unmount(at string) error { return unmount(at, 0, "-u") }

// Detach frees a mount's path at once. Open files stay open.
func Detach(at string) error { return unmount(at, syscall.MNT_DETACH, "-u", "-z") }

// unmount is a system call for root, and fusermount3 for other users.
func unmount(at string, flags int, args ...string) error {
	if os.Geteuid() == 0 {
		err := syscall.Unmount(at, flags|unix.UMOUNT_NOFOLLOW) // no link that somebody has put there since
		if err == syscall.EBUSY {
			return fmt.Errorf("%s: %w", at, ErrBusy)
		}
		return os.NewSyscallError("umount", err)
	}
	cmd := exec.Command("fusermount3", append(args, "--", at)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	out, err := cmd.CombinedOutput()
	switch {
	case err == nil:
		return nil
	case errors.Is(err, exec.ErrNotFound):
		return errors.New("install fusermount3 (Debian's package fuse3), or unmount as root")
	case strings.Contains(string(out), "busy"):
		return fmt.Errorf("%s: %w", at, ErrBusy)
	case strings.Contains(string(out), "not found in"):
		return fmt.Errorf("%s: another user has mounted it; only that one and root may unmount it", at)
	}
	return fmt.Errorf("fusermount3 %s: %s", strings.Join(args, " "), strings.TrimSpace(string(out)))
}
