//go:build linux

package fusefs

import (
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
	"github.com/walfs/walfs/fsview"
)

// Name is the file system's type as mount shows it: fuse.walfs.
const Name = "walfs"

// Options say how to mount.
type Options struct {
	// Dir is the directory that the tree shows.
	Dir string
	// AllowOther lets other users in, as far as permissions do.
	AllowOther bool
	// XAttrs gives entries extended attributes. They cost ls -l two requests
	// a file.
	XAttrs bool
}

// Mounted is a tree that is being served.
type Mounted struct {
	At     string // the mountpoint, absolute
	server *fuse.Server
	done   chan struct{}
}

// Mount serves tree on the folder at. Root mounts by itself, others through
// fusermount3. It fails where at does not exist, is not empty, overlaps
// o.Dir or is mounted on already; a dead mount of ours is replaced.
func Mount(tree fsview.View, at string, o Options) (*Mounted, error) {
	return mountRaw(New(tree), at, o)
}

func mountRaw(raw fuse.RawFileSystem, at string, o Options) (*Mounted, error) {
	abs, err := prepare(o.Dir, at)
	if err != nil {
		return nil, err
	}
	server, err := fuse.NewServer(raw, abs, mountOptions(o))
	if err != nil && strings.HasPrefix(err.Error(), "fusermount exited") {
		err = errors.New("fusermount3 has refused") // and has said why
	}
	if err != nil {
		return nil, fmt.Errorf("mount on %s: %w%s", abs, err, advice(err, o))
	}
	m := &Mounted{At: abs, server: server, done: make(chan struct{})}
	go func() {
		server.Serve()
		if f, ok := raw.(*rawFS); ok {
			<-f.followed
		}
		close(m.done)
	}()
	if err := server.WaitMount(); err != nil {
		m.Close()
		return nil, fmt.Errorf("mount on %s: %w", abs, err)
	}
	return m, nil
}

func mountOptions(o Options) *fuse.MountOptions {
	source, err := filepath.Abs(o.Dir)
	if err != nil {
		source = o.Dir
	}
	m := &fuse.MountOptions{
		FsName:     source,
		Name:       Name,
		AllowOther: o.AllowOther,
		// The kernel checks permissions by the attributes it has.
		Options:       []string{"default_permissions"},
		DisableXAttrs: !o.XAttrs,
		// It sizes reader buffers, and with them memory.
		MaxWrite:             128 << 10,
		EnableSymlinkCaching: true,
		// The library's log would only repeat what the callers' errnos say.
		Logger: log.New(io.Discard, "", 0),
	}
	if os.Geteuid() == 0 {
		m.DirectMountStrict = true
		m.DirectMountFlags = syscall.MS_RDONLY | syscall.MS_NOSUID | syscall.MS_NODEV
	} else {
		m.Options = append(m.Options, "ro")
	}
	return m
}

func advice(err error, o Options) string {
	switch {
	case o.AllowOther && os.Geteuid() != 0 && !othersAllowed():
		return "; --allow-other of an ordinary user needs a line user_allow_other in /etc/fuse.conf"
	case errors.Is(err, exec.ErrNotFound):
		return "; install fusermount3 (Debian's package fuse3), or mount as root"
	case errors.Is(err, os.ErrNotExist):
		return "; there is no /dev/fuse: load the kernel's fuse module (modprobe fuse), or use walfs ls and walfs cat"
	case errors.Is(err, os.ErrPermission):
		return "; this needs the right to mount (in a container: --device /dev/fuse --cap-add SYS_ADMIN); walfs ls and walfs cat need none"
	}
	return ""
}

// othersAllowed reports whether ordinary users may let others in. Where that
// cannot be told, they may: fusermount3 decides.
func othersAllowed() bool {
	conf, err := os.ReadFile("/etc/fuse.conf")
	if err != nil {
		return !errors.Is(err, os.ErrNotExist)
	}
	for line := range strings.Lines(string(conf)) {
		if strings.TrimSpace(line) == "user_allow_other" {
			return true
		}
	}
	return false
}

// Done is closed when the file system has been unmounted, by Close or from
// outside.
func (m *Mounted) Done() <-chan struct{} { return m.done }

// Close unmounts. A mount that is busy is detached: it is gone from the tree
// of files, and those who still use it get errors once this process ends.
func (m *Mounted) Close() (detached bool, err error) {
	err = m.server.Unmount()
	if err == nil {
		<-m.done
		return false, nil
	}
	select {
	case <-m.done: // from outside, at the same moment
		return false, nil
	default:
	}
	return true, detach(m.At)
}
