//go:build linux

package torture

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/walfs/walfs/test/child"
)

// descriptorCounts are the numbers of descriptors that a process had open, in the
// order of time.
type descriptorCounts []int

// watch counts a process's descriptors as long as more is true. It fails the test if
// the process does anything to dir that could disturb its writer.
func watch(t *testing.T, p *child.Process, dir string, more func() bool) (all descriptorCounts) {
	t.Helper()
	for more() {
		all = append(all, descriptors(t, p))
		for _, complaint := range disturbs(t, p.Pid(), dir).complaints {
			t.Error(complaint)
		}
		if t.Failed() {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	return all
}

func descriptors(t *testing.T, p *child.Process) int {
	t.Helper()
	fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.Pid()))
	if err != nil {
		t.Fatal(err)
	}
	return len(fds)
}

// check compares the beginning and the end of a long run: the numbers must not grow.
// The tests of fsview and fusefs do the same for trees and readers.
func (all descriptorCounts) check(t *testing.T) {
	t.Helper()
	if len(all) < 100 {
		return // too short to tell; asManyAsFresh compares what is open at the end
	}
	part := 3 * len(all) / 10
	was, is := slices.Max(all[:part]), slices.Min(all[len(all)-part:])
	t.Logf("at most %d descriptors at first; at least %d in the end", was, is)
	if is > was+8 {
		t.Errorf("they grow: at first at most %d descriptors; in the end at least %d", was, is)
	}
}

// asManyAsFresh compares how many descriptors a mount has open, once writer and
// readers have ended, with those of a new mount of the same directory.
func asManyAsFresh(t *testing.T, m *child.Mounted, dir string, keyArgs []string) {
	t.Helper()
	fresh := child.Mount(t, dir, keyArgs...)
	atRest(t, fresh, dir, keyArgs)
	want, got := descriptors(t, fresh.Process), descriptors(t, m.Process)
	fresh.Stop()
	t.Logf("a fresh mount has %d descriptors; this one %d", want, got)
	if got > want+16 { // the mount keeps pipes to use them again
		t.Errorf("at rest it has %d descriptors; a fresh mount of the same directory %d", got, want)
	}
}
