package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/creack/pty"
	"github.com/walfs/walfs/cmd/walfs/terminal"
	"github.com/walfs/walfs/test/fixture"
)

// onTerminal runs walfs in dir with its stdout on a terminal of some columns, and gives
// what that got.
func onTerminal(t *testing.T, dir string, columns int, env []string, args ...string) string {
	t.Helper()
	screen, tty, err := pty.Open()
	fixture.Must(t, err)
	defer screen.Close()
	fixture.Must(t, pty.Setsize(tty, &pty.Winsize{Rows: 24, Cols: uint16(columns)}))
	cmd := command(t, t.Context(), args...)
	cmd.Dir, cmd.Stdout = dir, tty
	cmd.Env = append(append(cmd.Env, "TERM=xterm", "NO_COLOR="), env...)
	fixture.Must(t, cmd.Start())
	tty.Close()
	var out bytes.Buffer
	io.Copy(&out, screen) // fails when no process has the terminal any longer
	var exit *exec.ExitError
	if err := cmd.Wait(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return strings.ReplaceAll(out.String(), "\r\n", "\n")
}

var colours = regexp.MustCompile("\x1b\\[[0-9;]*m")

// terminalDirs makes a folder with fixtures, whole ones and damaged ones, and gives the
// commands that read them.
func terminalDirs(t *testing.T) (dir string, commands [][]string) {
	t.Helper()
	dir = t.TempDir()
	for _, name := range []string{"alpha", "empty", "snaponly", "sealed128", "zero", "damaged", "replica"} {
		from := name
		if name == "damaged" || name == "replica" {
			from = "alpha"
		}
		fixture.Must(t, os.Symlink(fixture.Dir(t, from), filepath.Join(dir, name)))
		commands = append(commands, []string{"stat", name}, []string{"check", name}, []string{"stats", name})
	}
	// A length beyond the file, a snapshot that is gone, a name that is no log file.
	f := fixture.Edit(t, filepath.Join(dir, "damaged", "00001.wal"))
	f.SetLength(100, 1<<28-1)
	fixture.Must(t, os.Truncate(filepath.Join(dir, "damaged", "wal.meta"), 100))
	fixture.WriteFile(t, filepath.Join(dir, "damaged", "a name that is a long one and belongs to nobody"), nil)
	f = fixture.Edit(t, filepath.Join(dir, "replica", "00001.wal"))
	f.Write(int64(f.Get(41, fixture.Offset))+4+10, []byte{0x0b})
	return dir, append(commands, []string{"diff", "alpha", "replica"}, []string{"diff", "alpha", "damaged"},
		[]string{"diff", "empty", "snaponly"}, []string{"diff", "alpha", filepath.Join(dir, "replica")})
}

// TestFitsTerminal: no line of stat, check and diff is wider than the terminal. What is cut
// ends in "…", nothing of check's is, and --wide and pipes get all of it.
func TestFitsTerminal(t *testing.T) {
	fixture.OneSize(t)
	t.Parallel()
	fixture.NotForRace(t)
	dir, commands := terminalDirs(t)
	cut := map[string]int{}
	for _, args := range commands {
		for _, columns := range []int{80, 40} {
			text := colours.ReplaceAllString(onTerminal(t, dir, columns, nil, args...), "")
			if args[0] == "check" {
				if got, want := withoutSpace(text), withoutSpace(walfsIn(t, dir, args...)); got != want {
					t.Errorf("%v in %d columns: %q, want %q", args, columns, got, want)
				}
			}
			for line := range strings.Lines(text) {
				line = strings.TrimSuffix(line, "\n")
				if got := terminal.Width(line); got > columns {
					t.Errorf("%v in %d columns: a line of %d: %q", args, columns, got, line)
				}
				if strings.HasSuffix(line, "…") {
					cut[args[0]]++
				}
			}
		}
		want := walfsIn(t, dir, args...)
		wide := onTerminal(t, dir, 40, []string{"NO_COLOR=1"}, append(args, "--wide")...)
		if wide != want {
			t.Errorf("%v --wide\n%s\na pipe gets\n%s", args, wide, want)
		}
	}
	if cut["stat"] == 0 || cut["check"] != 0 || cut["diff"] == 0 {
		t.Errorf("lines that were cut: %v", cut)
	}
}

// walfsIn gives what a command prints to a pipe. That there are problems is no matter.
func walfsIn(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := command(t, t.Context(), args...)
	cmd.Dir = dir
	out, _ := cmd.Output()
	return string(out)
}

func withoutSpace(text string) string { return strings.Join(strings.Fields(text), "") }

// TestColours: problems are red and differences yellow, unless the user wants none.
func TestColours(t *testing.T) {
	fixture.OneSize(t)
	fixture.NotForRace(t)
	t.Parallel()
	dir, _ := terminalDirs(t)
	for _, c := range []struct{ args, want string }{
		{"stat damaged", "problem     \x1b[31m"},
		{"check damaged", "\n\x1b[31mdamaged: "},
		{"check sealed128", "\x1b[33mno damage was found"},
		{"diff alpha replica", "\n\x1b[31mRAFT'S PROMISE IS BROKEN: "},
		{"diff alpha replica", "\x1b[33m1 index differs\x1b[0m\n"},
	} {
		args := strings.Fields(c.args)
		if text := onTerminal(t, dir, 80, nil, args...); !strings.Contains(text, c.want) {
			t.Errorf("walfs %s: no %q in\n%q", c.args, c.want, text)
		}
		for _, env := range []string{"NO_COLOR=1", "TERM=dumb"} {
			if text := onTerminal(t, dir, 80, []string{env}, args...); strings.Contains(text, "\x1b") {
				t.Errorf("%s walfs %s: %q", env, c.args, text)
			}
		}
	}
	if text := onTerminal(t, dir, 80, nil, "stat", "alpha"); strings.Contains(text, "\x1b") {
		t.Errorf("a log without problems: %q", text)
	}
}

// TestAppendShowsProgress where its entries come through a pipe, and takes the line away.
func TestAppendShowsProgress(t *testing.T) {
	t.Parallel()
	log := filepath.Join(t.TempDir(), "log")
	ok(t, "create", log)
	cmd := command(t, t.Context(), "append", log)
	in, err := cmd.StdinPipe()
	fixture.Must(t, err)
	screen, tty, err := pty.Open()
	fixture.Must(t, err)
	defer screen.Close()
	cmd.Stderr = tty
	fixture.Must(t, cmd.Start())
	tty.Close()
	var said strings.Builder
	for b := make([]byte, 100); !strings.Contains(said.String(), "walfs: appending "); {
		n, err := screen.Read(b)
		fixture.Must(t, err)
		said.Write(b[:n])
	}
	in.Close()
	io.Copy(&said, screen) // fails when no process has the terminal any longer
	text := said.String()
	if err := cmd.Wait(); err != nil || strings.TrimSpace(text[strings.LastIndex(text, "\r"):]) != "" {
		t.Errorf("%v: %q", err, text)
	}
}
