package main

import (
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore/diff"
)

// says wants lines on the standard output of a diff that finds a difference.
func says(t *testing.T, args []string, want ...string) {
	t.Helper()
	r := walfs(t, append([]string{"diff"}, args...)...)
	for _, line := range want {
		if !strings.Contains(r.stdout, line+"\n") {
			t.Errorf("want %q in\n%s", line, r.stdout)
		}
	}
	if r.code != 3 || strings.Contains(r.stdout, "alike:") {
		t.Errorf("exit code %d\n%s%s", r.code, r.stdout, r.stderr)
	}
}

// TestDiffOfSnapshots: two that contradict each other, at one index.
func TestDiffOfSnapshots(t *testing.T) {
	a, b := fixture.Dir(t, "alpha"), fixture.Dir(t, "alpha")
	snapshot := func(dir, data, voters string) {
		ok(t, "snapshot", dir, "--index", "900", "--data", tempFile(t, "data", []byte(data)), "--voters", voters)
	}
	snapshot(a, "d1", "1")
	snapshot(b, "d2", "1,2,3")
	says(t, []string{a, b},
		"NOT ALIKE: the snapshots at index 900 differ: voters [1] in "+a+", voters [1 2 3] in "+b,
		"NOT ALIKE: the snapshots at index 900 differ: data from byte 1 on in "+a+" and "+b,
		"no entry that two replicas have differs")
	if rep := report(t, 3, a, b); len(rep.Notes) != 2 || rep.Parted != nil {
		t.Errorf("%+v", rep)
	}
}

// TestDiffOfOneTerm: two entries with one index and term, which no one has
// committed.
func TestDiffOfOneTerm(t *testing.T) {
	a, b := fixture.Dir(t, "alpha"), fixture.Dir(t, "alpha")
	f := fixture.Edit(t, filepath.Join(b, "00001.wal"))
	f.Write(int64(f.Get(974, fixture.Offset))+4, []byte{0xee})
	setCommit(t, a, 970)
	setCommit(t, b, 970)
	says(t, []string{a, b},
		"RAFT'S PROMISE IS BROKEN: one term has two entries at an index, first at index 975",
		"parted at index 975, by payload from byte 0 on:",
		"1 index differs")
	if rep := report(t, 3, a, b); rep.Broken == nil || rep.Broken.Index != 975 || rep.Broken.Promise != diff.SameTerm {
		t.Errorf("broken %+v", rep.Broken)
	}
}

// TestDiffOfEmptied: a replica that was truncated has broken no promise, and
// one that has says so, too.
func TestDiffOfEmptied(t *testing.T) {
	a, b := fixture.Dir(t, "alpha"), fixture.Dir(t, "alpha")
	ok(t, "truncate", b, "--until", "100")
	entries := uint64(0)
	for _, e := range fixture.ReadManifest(t, "alpha").Entries[:99] {
		if e.Type == 0 && e.Size > 0 {
			entries++
		}
	}
	line := fmt.Sprintf("emptied: %s lacks the data of %d entries from 3 to 99, which another has", b, entries)
	says(t, []string{a, b}, line, "no other entry differs")
	rep := report(t, 3, b, a)
	want := []diff.Emptied{{Dir: b, Range: diff.Range{First: 3, Last: 99}, Entries: entries}}
	if !reflect.DeepEqual(rep.Emptied, want) || rep.Parted != nil || rep.Broken != nil || rep.Differs != 0 {
		t.Errorf("%+v", rep)
	}
	if text := walfs(t, "diff", a, b).stdout; strings.Contains(text, "BROKEN") {
		t.Error(text)
	}

	f := fixture.Edit(t, filepath.Join(b, "00001.wal"))
	f.Write(int64(f.Get(499, fixture.Offset))+4, []byte{0xee})
	says(t, []string{a, b}, line, "RAFT'S PROMISE IS BROKEN: committed entries differ, first at index 500", "1 index differs")
}
