package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/nativelog"
)

// TestDumpSince: of Dgraph's log files, those that were written then; stderr says which.
func TestDumpSince(t *testing.T) {
	fixture.NotForRace(t)
	dir := filepath.Join(t.TempDir(), "w")
	fixture.Must(t, nativelog.Write(dir, nativelog.Meta{RaftID: 1, GroupID: 1, Term: 1, Commit: 60_010}, func(yield func(nativelog.Entry) bool) {
		for i := range uint64(60_010) {
			if !yield(nativelog.Entry{Term: 1, Index: i + 1}) {
				return
			}
		}
	}))
	for i, written := range []string{"2026-03-01T10:00:00Z", "2026-03-02T10:00:00Z", "2026-03-03T10:00:00Z"} {
		at, err := time.Parse(time.RFC3339, written)
		fixture.Must(t, err)
		fixture.Must(t, os.Chtimes(filepath.Join(dir, fmt.Sprintf("%05d.wal", i+1)), at, at))
	}
	const note = "walfs: dgraph stores no time with an entry: "
	for _, test := range []struct {
		args  []string
		first string
		text  string
	}{
		{[]string{"--since", "2026-03-02T10:02:00Z"}, `{"index":60001,`, "--since takes whole log files, by when they were written: 00003.wal\n"},
		{[]string{"--since", "2026-03-01T10:02:00Z"}, `{"index":30001,`, "--since takes whole log files, by when they were written: 00002.wal to 00003.wal\n"},
		{[]string{"--until", "2026-03-01T10:00:00Z", "--since", "2026-02-28T10:02:00Z"}, `{"index":1,`,
			"--since and --until take whole log files, by when they were written: 00001.wal; when the first entries of 00001.wal were written is not known: it may be a copy\n"},
	} {
		r := walfs(t, append([]string{"dump", "--format", "json", "--limit", "1", dir}, test.args...)...)
		if r.code != 0 || !strings.HasPrefix(r.stdout, test.first) || r.stderr != note+test.text {
			t.Errorf("%v: exit code %d, %s%s", test.args, r.code, r.stdout, r.stderr)
		}
	}
	r := walfs(t, "dump", "--format", "json", "--since", "2026-03-04", dir)
	if want := "none; the last one was written until "; r.code != 0 || r.stdout != "" || !strings.Contains(r.stderr, want) ||
		!strings.HasSuffix(r.stderr, "walfs: no entry of 1 to 60010 matches --since 2026-03-04\n") {
		t.Errorf("exit code %d, %s%s", r.code, r.stdout, r.stderr)
	}
}
