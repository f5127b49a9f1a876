package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/walfs/walfs/test/fixture"
)

// With this set, the test binary is walfs: it prints what a user sees, ends with the
// exit code that a user gets, and has the race detector where the tests have it.
const actAsWalfs = "WALFS_TEST_ACT_AS_WALFS"

func init() {
	if os.Getenv(actAsWalfs) != "" {
		main()
	}
}

// hangLimit is how long a command may run. It ends what hangs, and is long, for the
// machine may be busy.
const hangLimit = 4 * time.Minute

// result is what a command has printed, and its exit code.
type result struct {
	stdout, stderr string
	code           int
}

// walfs runs the program.
func walfs(t testing.TB, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), hangLimit)
	defer cancel()
	cmd := command(t, ctx, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		t.Fatalf("walfs %s: %v\n%s", strings.Join(args, " "), err, errs.String())
	}
	return result{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
}

func command(t testing.TB, ctx context.Context, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, self, args...)
	// A program with the race detector sleeps for a second before it ends.
	cmd.Env = append(os.Environ(), actAsWalfs+"=1", "GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	return cmd
}

// ok runs the program and wants it to succeed in silence.
func ok(t testing.TB, args ...string) string {
	t.Helper()
	r := walfs(t, args...)
	if r.code != 0 || r.stderr != "" {
		t.Fatalf("walfs %s: exit code %d\n%s", strings.Join(args, " "), r.code, r.stderr)
	}
	return r.stdout
}

// fails runs the program and wants an exit code and a message.
func fails(t testing.TB, code int, message string, args ...string) result {
	t.Helper()
	r := walfs(t, args...)
	if r.code != code || !strings.Contains(r.stderr, message) {
		t.Errorf("walfs %s: exit code %d, want %d with %q\n%s", strings.Join(args, " "), r.code, code, message, r.stderr)
	}
	return r
}

// keyFile writes a fixture's key to a file and gives its name, "" if it has none.
func keyFile(t testing.TB, name string) string {
	t.Helper()
	key := fixture.Key(name)
	if key == nil {
		return ""
	}
	return tempFile(t, "key", key)
}

func tempFile(t testing.TB, name string, data []byte) string {
	t.Helper()
	path := t.TempDir() + "/" + name
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func lines(text string) []string { return strings.Split(strings.TrimSuffix(text, "\n"), "\n") }
