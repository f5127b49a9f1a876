//go:build linux

package e2e

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/child"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/raftdir"
)

// limited is a command that may have no more than n files open.
func limited(n int, args ...string) []string {
	return append([]string{"sh", "-c", fmt.Sprintf(`ulimit -n %d && exec "$0" "$@"`, n)}, args...)
}

// ran is how a program has ended, and what it has said.
type ran struct {
	code           int
	stdout, stderr string
}

func runCommand(args ...string) ran {
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	_ = cmd.Run() // the code tells
	return ran{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// TestFewDescriptors: a log with more files than a program may have open is read as any
// other. Where the limit is too low, that is what the program says, and never that the
// log is damaged.
func TestFewDescriptors(t *testing.T) {
	fixture.OneSize(t)
	const files, slots, few, tooFew = 90, 2, 64, 10
	dir := filepath.Join(t.TempDir(), "w")
	w := raftdir.Create(dir, raftdir.Options{Slots: slots})
	w.Append(files*slots - 1)
	w.CommitTo(w.Last)
	w.Close()
	before := runCommand("ls", "-l", "--time-style=full-iso", dir)
	for _, args := range [][]string{
		{"stat", "--json", dir}, {"dump", dir}, {"check", dir}, {"explain", dir}, {"diff", dir, dir},
		{"cat", dir, "entries/1", "entries/100", "native/wal.meta"}, {"ls", "-l", dir, "entries"},
	} {
		command := append([]string{walfs}, args...)
		want, got := runCommand(command...), runCommand(limited(few, command...)...)
		if want.code != 0 || got != want {
			t.Errorf("walfs %s ends with %d: %s\nwithout a limit with %d: %s", args[0], got.code, got.stderr, want.code, want.stderr)
		}
		if got := runCommand(limited(tooFew, command...)...); got != want &&
			(got.code != 1 || !strings.Contains(got.stderr, "RLIMIT_NOFILE")) {
			t.Errorf("with %d descriptors walfs %s ends with %d: %s", tooFew, args[0], got.code, got.stderr)
		}
	}

	out := filepath.Join(t.TempDir(), "out")
	if got := runCommand(limited(few, walfs, "copy", dir, out)...); got.code != 0 {
		t.Errorf("walfs copy ends with %d: %s", got.code, got.stderr)
	}
	if got := runCommand(walfs, "diff", dir, out); got.code != 0 {
		t.Errorf("the copy is another log: %s", got.stdout)
	}
	fixture.Edit(t, filepath.Join(out, "00010.wal")).Write(1<<20, []byte{0xff}) // a payload's length
	repaired := t.TempDir()
	for place, command := range map[string][]string{"many": {walfs}, "few": limited(few, walfs)} {
		got := runCommand(append(command, "repair", out, filepath.Join(repaired, place))...)
		if got.code != 3 || !strings.Contains(got.stdout, "wrote "+repaired) {
			t.Errorf("walfs repair with %s descriptors ends with %d: %s", place, got.code, got.stderr)
		}
	}
	if got := runCommand(walfs, "diff", filepath.Join(repaired, "many"), filepath.Join(repaired, "few")); got.code != 0 {
		t.Errorf("what is repaired is another log: %s", got.stdout)
	}

	// Writing needs all files. If they are too many, nothing is changed.
	for _, args := range [][]string{{"truncate", dir, "--until", "9"}, {"rewind", dir, "--to", "170"}, {"set", dir, "raft_id=3"}} {
		if got := runCommand(limited(few, append([]string{walfs}, args...)...)...); got.code != 1 || !strings.Contains(got.stderr, "RLIMIT_NOFILE") {
			t.Errorf("walfs %s ends with %d: %s", args[0], got.code, got.stderr)
		}
	}
	if after := runCommand("ls", "-l", "--time-style=full-iso", dir); after != before {
		t.Errorf("the directory has changed:\n%s\nbefore:\n%s", after.stdout, before.stdout)
	}
}

// TestFewDescriptorsMount: a mount with few descriptors shows what one with many shows.
func TestFewDescriptorsMount(t *testing.T) {
	fixture.OneSize(t)
	needFUSE(t)
	dir := filepath.Join(t.TempDir(), "w")
	w := raftdir.Create(dir, raftdir.Options{Slots: 2})
	w.Append(179)
	w.CommitTo(w.Last)
	w.Close()
	shown := func(command ...string) string {
		t.Helper()
		at := t.TempDir()
		args := append(command, walfs, "mount", dir, at)
		m := child.Start(t, nil, args[0], args[1:]...)
		child.Await(t, "the mount", func() bool {
			if m.Ended() {
				t.Fatalf("walfs mount ended: %s", m.Said())
			}
			return strings.Contains(m.Said(), "walfs: serving ")
		})
		// All files but the last one, which is a large hole.
		got := runCommand("sh", "-c", `cd "$0" && find . -type f ! -name 00090.wal -exec sha256sum {} + | sort -k 2`, at)
		if got.code != 0 || got.stderr != "" {
			t.Errorf("reading all: %s", got.stderr)
		}
		m.Stop()
		return got.stdout
	}
	want, got := shown(), shown(limited(64)...)
	if len(want) == 0 || got != want {
		t.Errorf("with few descriptors the mount shows %d bytes of sums, with many %d", len(got), len(want))
	}
}
