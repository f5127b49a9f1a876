//go:build linux

package main

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/walfs/walfs/test/fixture"
)

// appendPart appends entries of another directory.
func appendPart(t *testing.T, dir, of, from, to string) {
	t.Helper()
	cmd := command(t, t.Context(), "append", dir)
	cmd.Stdin = strings.NewReader(ok(t, "dump", "--format", "json", "--from", from, "--to", to, of))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// TestDumpFollowFilters: of the entries that come, those that match are printed; here a
// transaction's edges are there before, and its commit comes.
func TestDumpFollowFilters(t *testing.T) {
	alpha := fixture.Dir(t, "alpha")
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
		appendPart(t, dir, alpha, "1", "20")
		f := follow(t, append([]string{"--format", "json", dir}, args...)...)
		next := func(index uint64) {
			t.Helper()
			var e dumped
			if err := json.Unmarshal([]byte(f.line(t)), &e); err != nil || e.Index != index {
				t.Fatalf("%v: %v, entry %d, want %d", args, err, e.Index, index)
			}
		}
		next(20)
		appendPart(t, dir, alpha, "21", "60")
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

// TestDumpFollowSince: a log file that was not written since then is passed over, until it
// is.
func TestDumpFollowSince(t *testing.T) {
	alpha, dir := fixture.Dir(t, "alpha"), filepath.Join(t.TempDir(), "w")
	ok(t, "create", dir, "--raft-id", "1", "--group-id", "1")
	appendPart(t, dir, alpha, "1", "20")
	long := time.Now().Add(-48 * time.Hour)
	fixture.Must(t, os.Chtimes(filepath.Join(dir, "00001.wal"), long, long))
	f := &follower{cmd: command(t, t.Context(), "dump", "--follow", "--format", "json", "--since", "1h", dir)}
	out, err := f.cmd.StdoutPipe()
	fixture.Must(t, err)
	errs, err := f.cmd.StderrPipe()
	fixture.Must(t, err)
	fixture.Must(t, f.cmd.Start())
	f.lines = bufio.NewReader(out)
	// Once this is said, it has looked at the files.
	if note, err := bufio.NewReader(errs).ReadString('\n'); err != nil || !strings.Contains(note, ": none; the last one was written until ") {
		t.Errorf("%v, %s", err, note)
	}
	appendPart(t, dir, alpha, "21", "21")
	if line := f.line(t); !strings.HasPrefix(line, `{"index":21,`) {
		t.Errorf("got %s", line)
	}
	if rest := f.interrupt(t, 0); rest != "" {
		t.Errorf("more came: %s", rest)
	}
}
