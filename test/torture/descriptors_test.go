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

// samples count, again and again, the descriptors of a process.
type samples []int

// watch samples a process as long as more says so. All that it has open in dir it
// must have open for reading.
func watch(t *testing.T, p *child.Process, dir string, more func() bool) (all samples) {
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

// check compares the first and the last of a long run: nothing must grow. What
// else a mount holds on to, trees and readers, fsview and fusefs count.
func (all samples) check(t *testing.T) {
	t.Helper()
	if len(all) < 100 {
		return // too short to tell: settled looks at what is left
	}
	part := 3 * len(all) / 10
	was, is := slices.Max(all[:part]), slices.Min(all[len(all)-part:])
	t.Logf("at most %d descriptors at first; at least %d in the end", was, is)
	if is > was+8 {
		t.Errorf("they grow: at first at most %d descriptors; in the end at least %d", was, is)
	}
}

// settled compares what a mount has open when writer and readers have gone with
// what another has that has just begun and shows the same.
func settled(t *testing.T, m *child.Mounted, dir string, keyArgs []string) {
	t.Helper()
	fresh := child.Mount(t, dir, keyArgs...)
	atRest(t, fresh, dir, keyArgs)
	want, got := descriptors(t, fresh.Process), descriptors(t, m.Process)
	fresh.Stop()
	t.Logf("a fresh mount has %d descriptors; this one %d", want, got)
	if got > want+16 { // pipes are kept for next time
		t.Errorf("at rest it has %d descriptors; a fresh mount of the same directory %d", got, want)
	}
}
