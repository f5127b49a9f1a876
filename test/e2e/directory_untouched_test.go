//go:build linux

package e2e

import (
	"crypto/sha256"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/child"
	"github.com/walfs/walfs/test/fixture"
)

// untouched gives a function that fails the test if a directory or its files are
// not as they are now, down to the access times.
func untouched(t *testing.T, dir string) (check func(*testing.T)) {
	t.Helper()
	fixture.Age(t, dir)
	before := fixture.State(t, dir)
	return func(t *testing.T) {
		t.Helper()
		if now := fixture.State(t, dir); now != before {
			t.Errorf("the directory has changed to\n%sbefore:\n%s", now, before)
		}
	}
}

// readCommand is a command line that must leave DIR untouched: DIR, OTHER, DATA
// and LAST (an index) are put in by the test. code is its exit code.
type readCommand struct{ args, code string }

var readCommands = []readCommand{
	{"ls DIR", "0"},
	{"ls DIR entries", "0"},
	{"ls -l DIR", "0"},
	{"ls -l DIR entries", "0"},
	{"ls -l DIR native", "0"},
	{"ls -l DIR decoded", "0"},
	{"cat DIR README status.json meta/raft_id native/wal.meta entries/42 decoded/42.json", "0"},
	{"cat DIR native/00001.wal", "0"},
	{"cat DIR entries/99999", "1"},
	{"stat DIR", "0"},
	{"stat --json DIR", "0"},
	{"dump DIR", "0"},
	{"dump --format json --decode DIR", "0"},
	{"dump --format raw DIR", "0"},
	{"dump --follow --to 5 DIR", "0"},
	{"diff DIR OTHER", "0"},
	{"diff --json OTHER DIR", "0"},
	{"set DIR raft_id=9 hard_state.vote=3 --dry-run", "0"},
	{"truncate DIR --until 9 --dry-run", "0"},
	{"rewind DIR --to LAST --dry-run", "0"},
	{"rewind DIR --to 1 --dry-run", "1"}, // committed
	{"snapshot DIR --index LAST --data DATA --voters 1 --dry-run", "0"},
	{"append DIR --dry-run", "0"},
	{"create DIR --dry-run", "1"}, // there is a log
}

// keyCommands are those that are also run with a wrong key and with none.
var keyCommands = []string{"ls DIR entries", "cat DIR entries/42", "stat DIR", "dump DIR",
	"dump --follow --to 5 DIR", "diff DIR OTHER", "rewind DIR --to 1 --dry-run"}

// TestNothingIsTouched runs every command that reads, with the right key, a
// wrong one and none, and those that write with --dry-run.
func TestNothingIsTouched(t *testing.T) {
	fixture.OneSize(t)
	data := filepath.Join(t.TempDir(), "data")
	wrong := filepath.Join(t.TempDir(), "wrong")
	fixture.WriteFile(t, data, []byte("state"))
	fixture.WriteFile(t, wrong, []byte("0123456789abcdeF"))
	directories := []string{"sealed128", "alpha", "bigsnap"}
	if child.Race {
		directories = directories[:1]
	}
	for _, name := range directories {
		dir := fixture.ShortDir(t, name)
		keys := keyArgs(t, name)
		words := strings.NewReplacer("DIR", dir, "OTHER", fixture.ShortDir(t, name), "DATA", data,
			"LAST", fmt.Sprint(len(fixture.ReadManifest(t, name).Entries)))
		check := untouched(t, dir)
		run := func(c readCommand, keys []string) {
			t.Run(name+" "+c.args+" "+strings.Join(keys, " "), func(t *testing.T) {
				runReadCommand(t, append(strings.Fields(words.Replace(c.args)), keys...), c.code)
				check(t)
			})
		}
		for _, c := range readCommands {
			run(c, keys)
		}
		t.Run(name+" mount", func(t *testing.T) { mountUntouched(t, dir, keys, check) })
		if keys == nil {
			continue
		}
		for _, args := range keyCommands {
			run(readCommand{args, "4"}, []string{"--key-file", wrong})
			run(readCommand{args, ""}, nil)
		}
		t.Run(name+" mount with a wrong key", func(t *testing.T) {
			runReadCommand(t, []string{"mount", dir, t.TempDir(), "--key-file", wrong}, "4")
			check(t)
		})
	}
}

// runReadCommand runs walfs, which must print something and end with an exit
// code: with any if code is "".
func runReadCommand(t *testing.T, args []string, code string) {
	t.Helper()
	cmd := exec.Command(walfs, args...)
	out, _ := cmd.CombinedOutput()
	if got := fmt.Sprint(cmd.ProcessState.ExitCode()); code != "" && got != code || len(out) == 0 {
		t.Errorf("exit code %s, want %s: %.300s", got, code, out)
	}
}

// mountUntouched mounts a directory and reads all that the mount shows.
func mountUntouched(t *testing.T, dir string, keys []string, check func(*testing.T)) {
	m := mount(t, dir, t.TempDir(), keys...)
	check(t)
	for path, f := range walk(t, m.at, ".") {
		if len(f.sum) != 2*sha256.Size && path != "snapshots/latest" {
			t.Errorf("%s: %s", path, f.sum)
		}
	}
	check(t)
	m.stop()
	check(t)
}
