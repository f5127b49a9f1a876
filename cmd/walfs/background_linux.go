package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// A Go program cannot fork: in the background the same command runs again, as a child.
// It has its parent's stdin, stdout and stderr until it serves, so that it fails as it
// would in the foreground. Then it lets go of them, begins a session of its own and writes
// a byte to a pipe, for which the parent waits. If the child ends before, the pipe does, too.
//
// The session must not come sooner. Autofs lets those who are in its process group see the
// folder that is to be mounted on; anybody else waits until something is mounted there.

// readyVariable tells a child which descriptor the pipe is.
const readyVariable = "WALFS_READY_FD"

// parent is what this process was given by the one that has started it in the background,
// nil if that is not so.
var parent = findParent()

type waitingParent struct {
	ready int // the pipe
	// inherited are the descriptors that this process was started with, beside the first
	// three; ready is one. A pipe among them would keep its reader waiting for as long as
	// the mount is there.
	inherited []int
}

// startInBackground runs the command again, and waits until it serves.
func startInBackground(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	ready, theirs, err := os.Pipe()
	if err != nil {
		return err
	}
	defer ready.Close()
	child := &exec.Cmd{Path: self, Args: os.Args, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		ExtraFiles: []*os.File{theirs}}
	child.Env = append(os.Environ(), readyVariable+"=3")
	err = child.Start()
	theirs.Close()
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { child.Process.Signal(syscall.SIGTERM) })()
	if said, _ := io.ReadAll(ready); len(said) > 0 {
		return child.Process.Release()
	}
	err = child.Wait()
	if cause := context.Cause(ctx); cause != nil {
		return exitError{code: exitCode(cause, true)} // the child has said it
	}
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && exit.Exited():
		return exitError{code: exit.ExitCode()} // it has said why
	case err == nil:
		return errors.New("the mount has ended as soon as it served")
	}
	return fmt.Errorf("the mount in the background has ended: %w", err)
}

func findParent() *waitingParent {
	ready, err := strconv.Atoi(os.Getenv(readyVariable))
	if err != nil {
		return nil
	}
	os.Unsetenv(readyVariable) // it is not for what this process starts
	var st unix.Stat_t
	if unix.Fstat(ready, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFIFO {
		return nil // the variable is somebody else's
	}
	p := &waitingParent{ready: ready}
	names, _ := os.ReadDir("/proc/self/fd") // without it, they stay open
	for _, name := range names {
		fd, err := strconv.Atoi(name.Name())
		if err != nil || fd < 3 {
			continue
		}
		// What Go opens is not inherited, which tells them apart.
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil && flags&unix.FD_CLOEXEC == 0 {
			p.inherited = append(p.inherited, fd)
			unix.CloseOnExec(fd)
		}
	}
	return p
}

// letGo makes a child independent of its parent, who is told that the mount serves.
func (o *mountOptions) letGo() error {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	for fd := range 3 {
		if err := unix.Dup3(int(null.Fd()), fd, 0); err != nil {
			return os.NewSyscallError("dup3", err)
		}
	}
	// The folder that the command was typed in must not be kept from being unmounted or
	// removed. A decoder's command may have a path that is relative to it.
	if o.tree.decode.program == "" {
		if err := os.Chdir("/"); err != nil {
			return err
		}
	}
	if _, err := unix.Setsid(); err != nil {
		return os.NewSyscallError("setsid", err)
	}
	leaveTerminal(null)
	unix.Write(parent.ready, []byte{1}) // where the parent was killed, nobody wants to know
	for _, fd := range parent.inherited {
		unix.Close(fd)
	}
	return nil
}

// leaveTerminal puts another file in the place of the terminal. The library that draws
// progress opens it as soon as a program starts, and whoever owns a terminal may wait until
// nobody has it open.
func leaveTerminal(instead *os.File) {
	names, _ := os.ReadDir("/proc/self/fd") // without it, it stays open
	for _, name := range names {
		fd, err := strconv.Atoi(name.Name())
		if target, _ := os.Readlink("/proc/self/fd/" + name.Name()); err == nil && target == "/dev/tty" {
			unix.Dup3(int(instead.Fd()), fd, unix.O_CLOEXEC) // it fails for no descriptor that is open
		}
	}
}

// absolute makes all paths that are used while the mount is served independent of the
// folder that the command was typed in.
func (o *mountOptions) absolute(args []string) (dir, at string, err error) {
	dir, at = args[0], args[1]
	paths := []*string{&o.logFile, &o.pidFile}
	if o.background {
		paths = append(paths, &dir)
	}
	for _, path := range paths {
		if *path != "" && err == nil {
			*path, err = filepath.Abs(*path)
		}
	}
	return dir, at, err
}
