package stats

import (
	"time"

	"github.com/walfs/walfs/walcore"
)

// Time is when an entry was appended, if its system stores that. Otherwise stored is
// false, and at is when its log file was created, or, where the file was copied since,
// when it was last written.
func Time(e *walcore.Entry) (at time.Time, stored bool) {
	if timer, ok := e.File.Source.(walcore.Timer); ok {
		if at := timer.Time(*e); !at.IsZero() {
			return at, true
		}
	}
	return fileTime(&e.File.Attr), false
}

// fileTime is when a file was created. A copy was created after it was last written, since
// copying keeps the time of that.
func fileTime(a *walcore.Attr) time.Time {
	if a.Born.After(a.Mtime) {
		return a.Mtime
	}
	return a.Born
}
