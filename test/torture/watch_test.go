package torture

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/walfs/walfs/test/child"
)

// sample is what a process holds at a moment.
type sample struct {
	files  int
	memory int // kB that are resident
}

type samples []sample

// watch samples a process as long as more says so.
func watch(t *testing.T, p *child.Process, more func() bool) (all samples) {
	t.Helper()
	for ; more(); time.Sleep(100 * time.Millisecond) {
		s, err := look(p.Pid())
		if err != nil {
			t.Error(err)
			return all
		}
		all = append(all, s)
	}
	return all
}

func look(pid int) (s sample, err error) {
	fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return s, err
	}
	s.files = len(fds)
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return s, err
	}
	_, rss, ok := strings.Cut(string(status), "VmRSS:")
	if !ok {
		return s, fmt.Errorf("no VmRSS in %q", status)
	}
	_, err = fmt.Sscan(rss, &s.memory)
	return s, err
}

// most is the largest numbers of some samples.
func (all samples) most() (m sample) {
	for _, s := range all {
		m.files, m.memory = max(m.files, s.files), max(m.memory, s.memory)
	}
	return m
}

// check compares the run's middle with its end: descriptors and memory must
// not grow.
func (all samples) check(t *testing.T) {
	third := len(all) / 3
	if third < 2 {
		t.Fatalf("%d samples only", len(all))
	}
	begin, middle, end := all[:third].most(), all[third:2*third].most(), all[2*third:].most()
	t.Logf("descriptors %d, %d, %d at most in each third; memory %d, %d, %d MB",
		begin.files, middle.files, end.files, begin.memory>>10, middle.memory>>10, end.memory>>10)
	if end.files > middle.files+8 || end.files > 100 {
		t.Errorf("descriptors grow: %d in the middle of the run, %d at its end", middle.files, end.files)
	}
	// A short run has not filled its caches by the middle.
	if len(all) >= 300 && end.memory > middle.memory+middle.memory/3+(16<<10) {
		t.Errorf("memory grows: %d kB in the middle of the run, %d kB at its end", middle.memory, end.memory)
	}
}
