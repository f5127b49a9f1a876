package filter

import (
	"fmt"
	"slices"
	"time"

	"github.com/walfs/walfs/walcore"
)

// writtenLater is how much later than its modification time a log file may have been
// written: with mapped memory, the operating system notes a write when it writes to the
// disk, half a minute later or so.
const writtenLater = time.Minute

// inTime reports whether an entry is from the time that is asked for. Where the system
// stores no time with it, its log file's tells whether it can be.
func (f *Filter) inTime(e *walcore.Entry) bool {
	if !f.asksForTime() {
		return true
	}
	if t, stored := e.Time(); stored {
		return f.overlaps(t, t)
	}
	return f.filesInTime[e.File.ID]
}

func (f *Filter) asksForTime() bool { return f.since.isGiven() || f.until.isGiven() }

// overlaps reports whether a time from begin to end, both included, has a part from "since"
// on and before "until".
func (f *Filter) overlaps(begin, end time.Time) bool {
	return (!f.since.isGiven() || !end.Before(f.since.value)) && (!f.until.isGiven() || begin.Before(f.until.value))
}

// ResolveTimes finds the log files that may have entries from the time that is asked for.
// [Filter.Resolve] does that, too. changed is when the log was seen to have changed, the zero
// time if that is not known: its last file was written then, whatever the operating system
// has noted.
func (f *Filter) ResolveTimes(log walcore.Log, changed time.Time) {
	f.filesInTime = nil
	if !f.asksForTime() {
		return
	}
	files := filesOf(log)
	f.filesInTime = make(map[uint64]bool, len(files))
	newest := newestOf(files)
	var before *walcore.File
	for _, file := range files {
		until := file.Attr.Mtime.Add(writtenLater)
		if file == newest && until.Before(changed) {
			until = changed
		}
		f.filesInTime[file.ID] = f.overlaps(writtenFrom(file, before), until)
		before = file
	}
}

func filesOf(log walcore.Log) []*walcore.File {
	if filer, ok := log.(walcore.Filer); ok {
		return filer.Files()
	}
	return nil
}

// writtenFrom is when a log file was begun, the zero time if that is not known. before is
// the one before it, or nil. A file that was created after it was last written is a copy:
// then it was begun when the one before it was full. So it is where the file system keeps
// no creation time.
func writtenFrom(file, before *walcore.File) time.Time {
	switch {
	case file.Attr.Born.Before(file.Attr.Mtime):
		return file.Attr.Born
	case before != nil && before.Attr.Mtime.Before(file.Attr.Mtime):
		return before.Attr.Mtime
	}
	return time.Time{}
}

// newestOf is the last file with entries, or nil.
func newestOf(files []*walcore.File) *walcore.File {
	for _, file := range slices.Backward(files) {
		if hasEntries(file) {
			return file
		}
	}
	return nil
}

func hasEntries(file *walcore.File) bool {
	for range file.Source.Entries(0) {
		return true
	}
	return false
}

// TimesText says whether "since" and "until" go by entries or by log files, and by which; ""
// where neither is set. The filter is resolved for the log.
func (f *Filter) TimesText(log walcore.Log) string {
	since, until := f.Prefix+"since", f.Prefix+"until"
	names, takes, goes := since, "takes", "goes"
	switch {
	case !f.asksForTime():
		return ""
	case f.since.isGiven() && f.until.isGiven():
		names, takes, goes = since+" and "+until, "take", "go"
	case f.until.isGiven():
		names = until
	}
	files := filesOf(log)
	system := log.Meta().System.Name
	if len(files) > 0 {
		if _, ok := files[0].Source.(walcore.Timer); ok {
			return fmt.Sprintf("%s stores a time with an entry: %s %s by that", system, names, goes)
		}
	}
	return fmt.Sprintf("%s stores no time with an entry: %s %s whole log files, by when they were written: %s%s",
		system, names, takes, f.filesText(files), f.unknownText(files))
}

// filesText names the log files that are taken, of those with entries.
func (f *Filter) filesText(files []*walcore.File) string {
	newest := newestOf(files)
	var taken []string
	missing, left := 0, 0 // files between those that are taken, and behind them
	for _, file := range files {
		if !hasEntries(file) {
			continue
		}
		if !f.filesInTime[file.ID] {
			left++
			continue
		}
		if len(taken) > 0 {
			missing += left
		}
		left = 0
		taken = append(taken, file.Name)
	}
	switch n := len(taken); {
	case newest == nil:
		return "there is none"
	case n == 0:
		return "none; the last one was written until " + newest.Attr.Mtime.Format(time.RFC3339)
	case n == 1:
		return taken[0]
	case missing > 0:
		return fmt.Sprintf("%s to %s without %d of them", taken[0], taken[n-1], missing)
	default:
		return fmt.Sprintf("%s to %s", taken[0], taken[n-1])
	}
}

// unknownText says that it is not known when the first log file was begun, where that
// would decide whether it is taken.
func (f *Filter) unknownText(files []*walcore.File) string {
	if len(files) == 0 || !f.until.isGiven() || !f.filesInTime[files[0].ID] || !writtenFrom(files[0], nil).IsZero() {
		return ""
	}
	return "; when the first entries of " + files[0].Name + " were written is not known: it may be a copy"
}
