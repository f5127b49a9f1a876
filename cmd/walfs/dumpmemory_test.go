//go:build unix

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/nativelog"
	"github.com/walfs/walfs/walcore"
)

// peakMemory is the most memory that a process has held so far, in KiB. What
// wait tells of it includes what its parent had.
func peakMemory(t *testing.T, pid int) (most int) {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	if _, err := fmt.Sscan(after, &most); err != nil {
		t.Fatal(err)
	}
	return most
}

// TestDumpMemory: dump takes hardly more memory for a log that is eleven times
// as long. When a reader held 1 MiB a log file, that was 20 MiB.
func TestDumpMemory(t *testing.T) {
	files := 11
	if raceEnabled {
		files = 2
	}
	peak := func(entries int) int {
		dir := filepath.Join(t.TempDir(), "w")
		err := nativelog.Write(dir, nativelog.Meta{Term: 1, Commit: uint64(entries)}, func(yield func(nativelog.Entry) bool) {
			data := make([]byte, 100)
			for i := range entries {
				if !yield(nativelog.Entry{Term: 1, Index: uint64(i + 1), Data: data[:i%len(data)]}) {
					return
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		f := follow(t, "--format", "json", dir) // it is still there when all is printed
		for range entries {
			f.line(t)
		}
		defer f.interrupt(t, 0)
		return peakMemory(t, f.cmd.Process.Pid)
	}
	short, long := peak(walcore.SlotsPerFile), peak(files*walcore.SlotsPerFile)
	t.Logf("%d KiB of memory, and %d for %d files", short, long, files)
	if long > short+8<<10 {
		t.Errorf("%d KiB of memory for a log of %d files, %d for one of one", long, files, short)
	}
}
