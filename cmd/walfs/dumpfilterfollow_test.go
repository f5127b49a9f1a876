//go:build linux

package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
)

// appendLines appends lines of dump --format json to a directory.
func appendLines(t *testing.T, dir string, lines string) {
	t.Helper()
	cmd := command(t, t.Context(), "append", dir)
	cmd.Stdin = strings.NewReader(lines)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// TestDumpFollowFilters: of the entries that come, those that match are printed; here a
// transaction's edges are there before, and its commit comes.
func TestDumpFollowFilters(t *testing.T) {
	alpha := fixture.Dir(t, "alpha")
	part := func(from, to string) string {
		return ok(t, "dump", "--format", "json", "--from", from, "--to", to, alpha)
	}
	for _, test := range []struct {
		args  []string
		notes int  // lines on stderr
		ends  bool // by itself
	}{
		{[]string{"--txn", "3"}, 0, false},
		{[]string{"--txn", "3", "--since", "1h"}, 1, false},
		{[]string{"--kind", "mutation,commit", "--to", "21", "--grep", `"start_ts": "3"`}, 0, true},
	} {
		args := test.args
		dir := filepath.Join(t.TempDir(), "w")
		ok(t, "create", dir, "--raft-id", "1", "--group-id", "1")
		appendLines(t, dir, part("1", "20"))
		f := follow(t, append([]string{"--format", "json", dir}, args...)...)
		next := func(index uint64) {
			t.Helper()
			var e dumped
			if err := json.Unmarshal([]byte(f.line(t)), &e); err != nil || e.Index != index {
				t.Fatalf("%v: %v, entry %d, want %d", args, err, e.Index, index)
			}
		}
		next(20)
		appendLines(t, dir, part("21", "60"))
		next(21)
		if test.ends {
			if err := f.cmd.Wait(); err != nil {
				t.Errorf("%v: %v", args, err)
			}
		} else if rest := f.interrupt(t, 0); rest != "" {
			t.Errorf("%v: more came: %s", args, rest)
		}
		if note := f.errs.String(); strings.Count(note, "\n") != test.notes {
			t.Errorf("%v: stderr says %s", args, note)
		}
	}
}
