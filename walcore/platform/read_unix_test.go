//go:build unix

package platform

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func TestOpenInFollowsNoLink(t *testing.T) {
	tmp := t.TempDir()
	write(t, filepath.Join(tmp, "a"), "x")
	must(t, os.Symlink("a", filepath.Join(tmp, "link")))
	dir := openDir(t, tmp)
	if f, err := OpenIn(dir, "link"); err == nil {
		f.Close()
		t.Error("a symbolic link was followed")
	}
	link, err := StatIn(dir, "link")
	must(t, err)
	a, err := StatPath(filepath.Join(tmp, "link"))
	must(t, err)
	if link.Regular || !a.Regular || link.Same(a) {
		t.Errorf("the link is %+v, what it leads to %+v", link, a)
	}
}

// Nobody opens the pipe for writing: opening it must not wait for that.
func TestOpenInDoesNotWait(t *testing.T) {
	tmp := t.TempDir()
	must(t, unix.Mkfifo(filepath.Join(tmp, "pipe"), 0o600))
	f, err := OpenIn(openDir(t, tmp), "pipe")
	must(t, err)
	defer f.Close()
	a, err := Stat(f)
	must(t, err)
	if a.Regular {
		t.Error("a pipe is a regular file")
	}
	flags, err := unix.FcntlInt(f.Fd(), unix.F_GETFL, 0)
	must(t, err)
	if flags&unix.O_NONBLOCK != 0 {
		t.Error("the open file is non-blocking")
	}
}

// OpenIn and StatIn use the open directory, even if it was renamed.
func TestOpenInMovedDirectory(t *testing.T) {
	tmp := t.TempDir()
	old, moved := filepath.Join(tmp, "old"), filepath.Join(tmp, "moved")
	must(t, os.Mkdir(old, 0o700))
	write(t, filepath.Join(old, "a"), "x")
	dir := openDir(t, old)
	must(t, os.Rename(old, moved))
	f, err := OpenIn(dir, "a")
	must(t, err)
	must(t, f.Close())
	_, err = StatIn(dir, "a")
	must(t, err)
}

func TestRetry(t *testing.T) {
	for _, want := range []error{nil, unix.EIO} {
		calls := 0
		err := Retry(func() error {
			if calls++; calls < 3 {
				return unix.EINTR
			}
			return want
		})
		if err != want || calls != 3 {
			t.Errorf("%v after %d calls, want %v after 3", err, calls, want)
		}
	}
}

// Reading the pipe ends when all processes that have it open have ended, the shell's
// child too.
func TestKillGroup(t *testing.T) {
	for name, end := range map[string]func(cancel func(), kill func() error) error{
		"killed":      func(_ func(), kill func() error) error { return kill() },
		"its context": func(cancel func(), _ func() error) error { cancel(); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			cmd, err := Shell(ctx, "sleep 1000 & echo started; wait")
			must(t, err)
			r, w, err := os.Pipe()
			must(t, err)
			defer r.Close()
			cmd.Stdout = w
			must(t, cmd.Start())
			must(t, w.Close())
			out := bufio.NewReader(r)
			line, err := out.ReadString('\n')
			must(t, err)
			if line != "started\n" {
				t.Errorf("it says %q", line)
			}
			must(t, end(cancel, func() error { return KillGroup(cmd) }))
			if _, err := io.ReadAll(out); err != nil {
				t.Error(err)
			}
			if err := cmd.Wait(); err == nil {
				t.Error("it has ended well")
			}
		})
	}
}

func TestShellExit(t *testing.T) {
	cmd, err := Shell(t.Context(), "exit 7")
	must(t, err)
	if cmd.Run(); cmd.ProcessState.ExitCode() != 7 {
		t.Error(cmd.ProcessState)
	}
	if err := KillGroup(cmd); !errors.Is(err, unix.ESRCH) {
		t.Errorf("killed what has ended: %v", err)
	}
}
