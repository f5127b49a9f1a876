package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// inputs is where one log is in the forms that are compared.
type inputs struct {
	size                      logSize
	log, plain, squashfs, zip string
	names                     string // a file with the names of the entries that cat reads, one a line
}

// system is one of those compared.
type system struct {
	name    string
	archive bool
	source  func(in *inputs) string              // what it serves: a folder or an archive
	serve   func(in *inputs, at string) []string // the server's command line, in the foreground
	folder  func(in *inputs) string              // of the entries, below the mountpoint
}

func top(*inputs) string { return "." }

var walfsSystem = &system{
	name:   "walfs",
	source: func(in *inputs) string { return in.log },
	serve:  func(in *inputs, at string) []string { return []string{*walfs, "mount", in.log, at} },
	folder: func(in *inputs) string { return in.size.folder },
}

// systems take turns. The first are plain files, which are not mounted: the others are
// compared with them.
var systems = []*system{
	{name: "ext4", source: func(in *inputs) string { return in.plain }},
	walfsSystem,
	{
		name: "squashfuse_ll", archive: true,
		source: func(in *inputs) string { return in.squashfs },
		serve:  func(in *inputs, at string) []string { return []string{"squashfuse_ll", "-f", in.squashfs, at} },
		folder: top,
	},
	{
		name: "fuse-zip", archive: true,
		source: func(in *inputs) string { return in.zip },
		serve:  func(in *inputs, at string) []string { return []string{"fuse-zip", "-f", "-r", in.zip, at} },
		folder: top,
	},
}

// mounted is a system that can be used. Without a server nothing was mounted.
type mounted struct {
	folder string // of the entries
	at     string
	server *exec.Cmd
	said   bytes.Buffer
	ready  time.Duration // from the server's start until the mountpoint could be looked at
	device uint32        // the kernel's number of the connection
}

func (s *system) mount(ctx context.Context, in *inputs, at string) (*mounted, error) {
	if s.serve == nil {
		return &mounted{folder: s.source(in)}, nil
	}
	before, err := device(at)
	if err != nil {
		return nil, err
	}
	line := s.serve(in, at)
	m := &mounted{folder: filepath.Join(at, s.folder(in)), at: at, server: exec.Command(line[0], line[1:]...)}
	m.server.Stderr = &m.said
	// Ctrl-C is for this program, which unmounts. If it is killed, so is the server.
	m.server.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	start := time.Now()
	if err := m.server.Start(); err != nil {
		return nil, err
	}
	for m.device = before; m.device == before; time.Sleep(200 * time.Microsecond) {
		if m.device, err = device(at); err == nil && time.Since(start) > limit {
			err = context.DeadlineExceeded
		}
		if err == nil && m.dead() {
			err = errors.New("the server has ended")
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			m.server.Process.Signal(syscall.SIGTERM)
			unix.Unmount(at, unix.MNT_DETACH)
			m.server.Wait()
			return nil, fmt.Errorf("%s does not mount: %w: %s", s.name, err, m.said.String())
		}
	}
	m.ready = time.Since(start)
	return m, nil
}

func (m *mounted) dead() bool {
	_, state, _ := strings.Cut(m.status(), "State:\t")
	return strings.HasPrefix(state, "Z")
}

// device is that of a path's file system. It waits for a server that has just mounted there.
func device(path string) (uint32, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return 0, fmt.Errorf("%s: %w", path, err)
	}
	return unix.Minor(st.Dev) | unix.Major(st.Dev)<<20, nil
}

// unmount ends the server too.
func (m *mounted) unmount() error {
	if m.server == nil {
		return nil
	}
	err := unix.Unmount(m.at, 0)
	if err != nil {
		unix.Unmount(m.at, unix.MNT_DETACH)
		m.server.Process.Signal(syscall.SIGTERM)
	}
	if waited := m.server.Wait(); waited != nil {
		err = errors.Join(err, fmt.Errorf("%s: %w: %s", m.server.Path, waited, m.said.String()))
	}
	return err
}

func (m *mounted) status() string {
	if m.server == nil {
		return ""
	}
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", m.server.Process.Pid))
	return string(b)
}

// memory is the most that the server has held so far, in MiB.
func (m *mounted) memory() float64 {
	_, peak, _ := strings.Cut(m.status(), "VmHWM:")
	if f := strings.Fields(peak); len(f) > 0 {
		kib, _ := strconv.ParseFloat(f[0], 64)
		return kib / 1024
	}
	return 0
}

// processor is the processor time that the server has had, in seconds.
func (m *mounted) processor() float64 {
	if m.server == nil {
		return 0
	}
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", m.server.Process.Pid))
	f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:])) // from the third field on
	if len(f) < 13 {
		return 0
	}
	user, _ := strconv.ParseFloat(f[11], 64)
	system, _ := strconv.ParseFloat(f[12], 64)
	const ticks = 100 // a second, in /proc of every Linux system
	return (user + system) / ticks
}
