//go:build linux

package fusefs

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/walfs/walfs/test/raftdir"
	"golang.org/x/sys/unix"
)

// logSize is how many log files a log has, and how many entries are in a file.
type logSize struct{ files, slots int }

// follows runs a benchmark on mounts of directories, whose last log file is half full.
func follows(b *testing.B, sizes []logSize, do func(b *testing.B, l *liveMount)) {
	for _, size := range sizes {
		b.Run(fmt.Sprintf("files=%d", size.files), func(b *testing.B) {
			w := raftdir.Create(filepath.Join(b.TempDir(), "w"), raftdir.Options{Slots: size.slots})
			b.Cleanup(w.Close)
			w.Append((size.files-1)*size.slots + size.slots/2)
			w.CommitTo(w.Last)
			unix.Sync() // when a mapping is written back, a file's time changes
			do(b, serveLive(b, w, nil))
		})
	}
}

// BenchmarkVisible is the time from an append until a program that waits for
// the entry's file has seen it, and the longest time.
func BenchmarkVisible(b *testing.B) {
	follows(b, []logSize{{1, 30_000}, {34, 30_000}}, func(b *testing.B, l *liveMount) {
		longest := time.Duration(0)
		for b.Loop() {
			path := "entries/" + entryName(l.w.Last+1)
			// The kernel then has it cached that there is no such file.
			l.see(look{"stat", path})
			start := time.Now()
			l.w.Append(1)
			if said := l.see(look{"wait", path}); said != "" {
				b.Fatal(said)
			}
			longest = max(longest, time.Since(start))
		}
		b.ReportMetric(float64(longest), "max-ns")
	})
}

// BenchmarkIdle is what it costs to follow a directory in which nothing happens, in
// thousandths of a processor. With thousands of files only their number matters.
func BenchmarkIdle(b *testing.B) {
	follows(b, []logSize{{1, 30_000}, {34, 30_000}, {334, 2}, {5000, 2}}, func(b *testing.B, l *liveMount) {
		used := func() time.Duration {
			var u unix.Rusage
			if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
				b.Fatal(err)
			}
			return time.Duration(u.Utime.Nano() + u.Stime.Nano())
		}
		l.see(look{"stat", "entries"})
		time.Sleep(2 * time.Second) // what the first looks have left to do
		before, start := used(), time.Now()
		for b.Loop() {
			time.Sleep(time.Second)
		}
		b.ReportMetric(1000*(used()-before).Seconds()/time.Since(start).Seconds(), "cpu-ms/s")
	})
}
