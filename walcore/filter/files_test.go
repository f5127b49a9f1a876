package filter

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/walfs/walfs/test/memlog"
	"github.com/walfs/walfs/walcore"
)

// filesLog is a log that knows no entry's time, of files with an entry each and an empty
// one behind them.
type filesLog struct{ *memlog.Log }

// untimed is a Source that is no Timer.
type untimed struct{ walcore.Source }

// logOf makes a log of files that were begun and last written so many minutes ago.
func logOf(now time.Time, minutes ...[2]int) filesLog {
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
		f := Filter{Prefix: "--"}
		if test.since > 0 {
			f.since = given[time.Time]{text: "x", value: now.Add(-time.Duration(test.since) * time.Minute)}
		}
		if test.until > 0 {
			f.until = given[time.Time]{text: "x", value: now.Add(-time.Duration(test.until) * time.Minute)}
		}
		log := logOf(now, test.files...)
		changed := time.Time{}
		if test.changed {
			changed = now
		}
		f.ResolveTimes(log, changed)
		var got []string
		for e := range log.Entries(0) {
			if f.Matches(&e) == Yes {
				got = append(got, fmt.Sprint(e.Index))
			}
		}
		if got := strings.Join(got, " "); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
		if text := f.TimesText(log); !strings.HasPrefix(text, stores) || !strings.Contains(text, test.text) {
			t.Errorf("%s: %s, want %s", test.name, text, test.text)
		}
	}
}
