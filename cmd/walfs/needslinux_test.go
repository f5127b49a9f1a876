//go:build !linux

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What needs Linux says so, and what to do instead, before it does anything.
func TestNeedsLinux(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "log")
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"mount", log, dir}, "a mount needs Linux"},
		{[]string{"demo"}, "needs Linux"},
		{[]string{"create", log}, "writing needs Linux"},
		{[]string{"create", "--dry-run", log}, "writing needs Linux"},
		{[]string{"set", log, "raft_id=5"}, "writing needs Linux"},
		{[]string{"rewind", log, "--to", "5"}, "writing needs Linux"},
	} {
		r := walfs(t, test.args...)
		if r.code != exitFailed || !strings.Contains(r.stderr, test.want) || !strings.Contains(r.stderr, "read") {
			t.Errorf("%v: exit code %d, %q", test.args, r.code, r.stderr)
		}
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("made %v", left)
	}
}
