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

// Name is the file system's name. mount shows its type as fuse.walfs.
const Name = "walfs"

// Options say how to mount.
type Options struct {
	// Dir is the directory that the tree shows.
	Dir string
	// AllowOther lets other users in, as far as the permissions of files allow.
	AllowOther bool
	// XAttrs gives entries extended attributes. ls -l asks for them, with two
	// requests for each file.
	XAttrs bool
	// NoExec lets no program of the mount be run.
	NoExec bool
}

// Mounted is a tree that is served.
type Mounted struct {
	At     string // the mountpoint, absolute
	server *fuse.Server
	raw    *rawFS // nil in tests that put another file system around it
	done   chan struct{}
}

// Mount serves a tree on the folder at. Root can mount directly; other users need
// fusermount3. It fails if at does not exist, is not empty, overlaps o.Dir, or shows a
// tree already. If the process that served a tree there has died, its mount is replaced.
func Mount(tree fsview.View, at string, o Options) (*Mounted, error) {
	return mountRaw(New(tree), at, o)
}

func mountRaw(raw fuse.RawFileSystem, at string, o Options) (*Mounted, error) {
	abs, err := prepareMountpoint(o.Dir, at)
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
	keepFromChildren()
	m := &Mounted{At: abs, server: server, done: make(chan struct{})}
	m.raw, _ = raw.(*rawFS)
	go func() {
		server.Serve()
		if m.raw != nil {
			<-m.raw.followed
		}
		close(m.done)
	}()
	if err := server.WaitMount(); err != nil {
		m.Close()
		return nil, fmt.Errorf("mount on %s: %w", abs, err)
	}
	return m, nil
}

// maxAnswer is how many bytes the kernel asks for at most.
const maxAnswer = 128 << 10

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
		// The library's buffers are as large as that.
		MaxWrite: maxAnswer,
		// Reads through the page cache count, those that wait in readAhead too. Were they
		// all that the kernel sends, one that a store waits for might never be sent.
		MaxBackground:        4 * maxWaiting,
		EnableSymlinkCaching: true,
		// The library would log each error that a caller is given.
		Logger: log.New(io.Discard, "", 0),
	}
	if o.NoExec {
		m.Options = append(m.Options, "noexec")
	}
	if os.Geteuid() == 0 {
		m.DirectMountStrict = true
		m.DirectMountFlags = syscall.MS_RDONLY | syscall.MS_NOSUID | syscall.MS_NODEV
	} else {
		m.Options = append(m.Options, "ro")
	}
	return m
}

// advice says what to do next if a mount has failed.
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

// othersAllowed reports whether ordinary users may let others in. If the file that says
// so cannot be read, they may try: fusermount3 decides.
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

// Done is closed when the file system has been unmounted, by Close or by somebody else.
func (m *Mounted) Done() <-chan struct{} { return m.done }

// Requests is how many requests have been answered so far. What the kernel has cached it
// answers by itself, and what asks only how large the file system is does not count: that
// is done by programs that watch all file systems and use none.
func (m *Mounted) Requests() uint64 { return m.raw.asked.Load() }

// Close unmounts. If the mount is in use, it is detached: its path is free, and programs
// that have files of it open can use them until this process ends.
func (m *Mounted) Close() (detached bool, err error) {
	if m.Unmount() == nil {
		return false, nil
	}
	return true, Detach(m.At)
}

// Unmount unmounts unless the mount is in use. What fails leaves it as it was.
func (m *Mounted) Unmount() error {
	err := m.server.Unmount()
	if err == nil {
		<-m.done
		return nil
	}
	select {
	case <-m.done: // somebody else has unmounted it at the same moment
		return nil
	default:
	}
	return err
}
