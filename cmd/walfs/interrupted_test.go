//go:build unix

package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/walfs/walfs/test/fixture"
)

// With this set to a signal, the test binary is walfs, which gets that signal when it
// begins.
const actInterrupted = "WALFS_TEST_INTERRUPTED"

func init() {
	n, err := strconv.Atoi(os.Getenv(actInterrupted))
	if err != nil {
		return
	}
	ctx := untilSignal()
	if err := syscall.Kill(os.Getpid(), syscall.Signal(n)); err != nil {
		panic(err)
	}
	<-ctx.Done()
	os.Exit(execute(ctx))
}

// With this set, the test binary is a program that does not end when it should.
const actStubborn = "WALFS_TEST_STUBBORN"

func init() {
	if os.Getenv(actStubborn) == "" {
		return
	}
	ctx := untilSignal()
	fmt.Println("ready")
	<-ctx.Done()
	fmt.Println("interrupted")
	select {}
}

// TestSecondSignalKills what does not end after the first.
func TestSecondSignalKills(t *testing.T) {
	self, err := os.Executable()
	fixture.Must(t, err)
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		cmd := exec.Command(self)
		cmd.Env = append(os.Environ(), actStubborn+"=1")
		out, err := cmd.StdoutPipe()
		fixture.Must(t, err)
		fixture.Must(t, cmd.Start())
		for lines := bufio.NewScanner(out); lines.Scan(); {
			fixture.Must(t, cmd.Process.Signal(sig))
		}
		cmd.Wait()
		if status := cmd.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != sig {
			t.Errorf("%v twice: %v", sig, cmd.ProcessState)
		}
	}
}

// TestInterrupted: every command that takes long ends with its signal's exit code, says
// so, and leaves nothing that looks finished.
func TestInterrupted(t *testing.T) {
	dir := fixture.Dir(t, "alpha")
	damaged := fixture.Dir(t, "alpha")
	fixture.Edit(t, filepath.Join(damaged, "00001.wal")).Set(900, fixture.Offset, 3)
	temp := t.TempDir()
	out := filepath.Join(temp, "out")
	log := filepath.Join(t.TempDir(), "log")
	ok(t, "create", log)
	written := ": the log is whole, with or without what was asked for; walfs stat " + log + " shows it"
	for sig, code := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143} {
		for command, said := range map[string]string{
			"check " + dir:                     "interrupted: not all was checked",
			"repair " + damaged + " " + out:    "interrupted: nothing was written",
			"copy " + dir + " " + out:          "interrupted: nothing was copied",
			"copy " + dir + " " + out + ".tar": "interrupted: nothing was copied",
			"copy " + dir + " -":               "interrupted: nothing was copied",
			"dump " + dir:                      "interrupted: no entry was printed",
			"diff " + dir + " " + damaged:      "interrupted",
			"export " + dir + " --out " + out:  "interrupted: " + exportedSoFar,
			"cat " + dir + " status.json":      "interrupted",
			"ls -l " + dir + " entries":        "interrupted",
			"stat " + dir:                      "interrupted",
			"append " + log:                    "interrupted" + written,
			"set " + log + " raft_id=1":        "interrupted" + written,
			"truncate --until 1 " + log:        "interrupted" + written,
			"rewind --dry-run --to 0 " + log:   "interrupted: nothing has changed",
			"create " + out:                    "interrupted",
			"snapshot --index 1 --data " + log + "/wal.meta --voters 1 " + log: "interrupted" + written,
			"dump --follow " + dir: "interrupted: no entry was printed",
		} {
			said = "walfs: " + said + "\n"
			self, err := os.Executable()
			fixture.Must(t, err)
			cmd := exec.Command(self, strings.Fields(command)...)
			cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", actInterrupted, sig), "GORACE=atexit_sleep_ms=0")
			cmd.Stdin = strings.NewReader(`{"index":1,"term":1,"type":"normal"` + "\n")
			var errs bytes.Buffer
			cmd.Stderr = &errs
			cmd.Run()
			if got := cmd.ProcessState.ExitCode(); got != code || errs.String() != said {
				t.Errorf("%v, %s: %v, want %d\n%s", sig, command, cmd.ProcessState, code, errs.String())
			}
		}
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("%v (%v) is left", left, err)
	}
}

// TestInterruptedAtWork: so do those that a signal meets while they wait.
func TestInterruptedAtWork(t *testing.T) {
	dir := fixture.Dir(t, "alpha")
	log := filepath.Join(t.TempDir(), "log")
	ok(t, "create", log)
	for _, args := range [][]string{
		{"cat", dir, "native/00001.wal"}, // more than the pipe holds
		{"append", "--commit", log},      // its input has not ended
	} {
		ctx, cancel := context.WithTimeout(t.Context(), hangLimit)
		defer cancel()
		cmd := command(t, ctx, args...)
		out, err := cmd.StdoutPipe()
		fixture.Must(t, err)
		in, err := cmd.StdinPipe()
		fixture.Must(t, err)
		fixture.Must(t, cmd.Start())
		if slices.Contains(args, "append") {
			// Once more of the second line is written than a pipe holds, the command
			// waits for its end.
			_, err := io.WriteString(in, `{"index":1,"term":1,"type":"normal","data":""}`+"\n"+strings.Repeat(" ", 1<<20))
			fixture.Must(t, err)
		} else {
			_, err = bufio.NewReader(out).ReadByte()
			fixture.Must(t, err)
		}
		fixture.Must(t, cmd.Process.Signal(syscall.SIGINT))
		state, err := cmd.Process.Wait() // nobody reads more of what it prints
		if err != nil || state.ExitCode() != 130 {
			t.Errorf("%v: %v (%v), want 130", args, state, err)
		}
		in.Close()
	}
}

// TestInterruptedBeforeWriting: a command that still waits for what it needs leaves all as
// it was.
func TestInterruptedBeforeWriting(t *testing.T) {
	dir := t.TempDir()
	log, fifo := filepath.Join(dir, "log"), filepath.Join(dir, "fifo")
	ok(t, "create", log)
	fixture.Must(t, syscall.Mkfifo(fifo, 0o600))
	before := fixture.ReadFile(t, filepath.Join(log, "wal.meta"))
	for _, args := range [][]string{
		{"snapshot", log, "--index", "1", "--data", fifo, "--voters", "1"},
		{"snapshot", log, "--install", fifo},
		{"create", filepath.Join(dir, "new"), "--key-file", fifo},
		{"append", log, "--key-file", fifo},
		{"set", log, "raft_id=1", "--key-file", fifo},
		{"dump", log, "--key-file", fifo},
		{"check", log, "--key-file", fifo},
		{"stats", log, "--key-file", fifo},
		{"repair", log, filepath.Join(dir, "new"), "--key-file", fifo},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), hangLimit)
		defer cancel()
		cmd := command(t, ctx, args...)
		fixture.Must(t, cmd.Start())
		w, err := os.OpenFile(fifo, os.O_WRONLY, 0) // waits for the one who reads
		fixture.Must(t, err)
		fixture.Must(t, cmd.Process.Signal(syscall.SIGINT))
		state, err := cmd.Process.Wait()
		if err != nil || state.ExitCode() != 130 {
			t.Errorf("%v: %v (%v), want 130", args, state, err)
		}
		w.Close()
	}
	if after := fixture.ReadFile(t, filepath.Join(log, "wal.meta")); !bytes.Equal(before, after) {
		t.Error("wal.meta has changed")
	}
	if _, err := os.Lstat(filepath.Join(dir, "new")); err == nil {
		t.Error("create has made a directory")
	}
}
