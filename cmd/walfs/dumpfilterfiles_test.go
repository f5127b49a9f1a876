package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/memlog"
	"github.com/walfs/walfs/test/nativelog"
	"github.com/walfs/walfs/walcore"
)

// filesLog is a log that knows no entry's time, of files with an entry each and an empty
// one behind them.
type filesLog struct{ *memlog.Log }

// untimed is a Source that is no Timer.
type untimed struct{ walcore.Source }

// filesOf makes a log of files that were begun and last written so many minutes ago.
func filesOf(now time.Time, minutes ...[2]int) filesLog {
	var entries []memlog.Entry
	for i := range minutes {
		entries = append(entries, memlog.Entry{Term: 1, Index: uint64(i + 1), File: fmt.Sprint(i+1, ".seg")})
	}
	log := filesLog{memlog.New("w", append(entries, memlog.Entry{Term: 1, Index: 99, File: "empty.seg", Replaced: true}))}
	for i, file := range log.Files() {
		file.Source = untimed{file.Source}
		if i < len(minutes) {
			file.Attr.Born, file.Attr.Mtime = now.Add(-time.Duration(minutes[i][0])*time.Minute), now.Add(-time.Duration(minutes[i][1])*time.Minute)
		}
	}
	return log
}

// TestFilesInTime: which log files may have entries of a time, and what is said of that.
func TestFilesInTime(t *testing.T) {
	now := time.Now()
	const stores = "memory stores no time with an entry: "
	own := [][2]int{{100, 80}, {80, 60}, {60, 40}}
	copied := [][2]int{{5, 80}, {5, 60}, {5, 40}}
	noBorn := [][2]int{{80, 80}, {60, 60}, {40, 40}}
	for _, test := range []struct {
		name         string
		files        [][2]int
		since, until int // minutes ago; 0: not given
		changed      bool
		want         string // indexes of entries
		text         string
	}{
		{"all", own, 200, 0, false, "1 2 3", "--since takes whole log files, by when they were written: 1.seg to 3.seg"},
		{"the last", own, 50, 0, false, "3", "--since takes whole log files, by when they were written: 3.seg"},
		{"written a little later than noted", own, 39, 0, false, "3", "3.seg"},
		{"no longer written", own, 38, 0, false, "", "none; the last one was written until "},
		{"written just now", own, 38, 0, true, "3", "3.seg"},
		{"before all", own, 0, 101, false, "", "--until takes whole log files, by when they were written: none"},
		{"up to one's beginning", own, 0, 60, false, "1 2", "1.seg to 2.seg"},
		{"one between", own, 75, 65, false, "2", "--since and --until take whole log files, by when they were written: 2.seg"},
		{"copied: as far as they were written", copied, 50, 0, false, "3", "3.seg"},
		{"copied: from where the one before ended", copied, 75, 65, false, "2", "2.seg"},
		{"copied: the first one's beginning is not known", copied, 0, 500, false, "1", "1.seg; when the first entries of 1.seg were written is not known: it may be a copy"},
		{"no creation times", noBorn, 75, 65, false, "2", "2.seg"},
		{"no creation times, the first one", noBorn, 0, 500, false, "1", "1.seg; when "},
		{"one that was touched", [][2]int{{100, 10}, {80, 60}, {5, 10}}, 20, 11, false, "1 3", "1.seg to 3.seg without 1 of them"},
	} {
		f := filter{to: noEnd}
		if test.since > 0 {
			f.since = given[time.Time]{text: "x", value: now.Add(-time.Duration(test.since) * time.Minute)}
		}
		if test.until > 0 {
			f.until = given[time.Time]{text: "x", value: now.Add(-time.Duration(test.until) * time.Minute)}
		}
		log := filesOf(now, test.files...)
		changed := time.Time{}
		if test.changed {
			changed = now
		}
		f.timesNoted = true
		f.resolveTimes(log, changed)
		var got []string
		for e := range log.Entries(0) {
			if f.matches(&e) == matchYes {
				got = append(got, fmt.Sprint(e.Index))
			}
		}
		if got := strings.Join(got, " "); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
		if text := f.timesText(log, log.Files()); !strings.HasPrefix(text, stores) || !strings.Contains(text, test.text) {
			t.Errorf("%s: %s, want %s", test.name, text, test.text)
		}
	}
}

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
