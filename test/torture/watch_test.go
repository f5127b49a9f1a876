//go:build linux

package torture

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/walfs/walfs/test/child"
)

// sample is what a mount's process holds at a moment.
type sample struct {
	files, threads int
	heap           int // MB that were alive after the last garbage collection
	resident       int // MB
	after          time.Duration
}

func (s sample) String() string {
	return fmt.Sprintf("%d descriptors, %d threads, a heap of %d MB, %d MB resident", s.files, s.threads, s.heap, s.resident)
}

type samples []sample

// mount mounts with a trace of garbage collections, which says what is in use
// and not what the runtime has not given back.
func mount(t *testing.T, dir string, keyArgs []string) *child.Mounted {
	child.Walfs(t) // is built before
	t.Setenv("GODEBUG", "gctrace=1")
	defer os.Unsetenv("GODEBUG")
	// A payload that does not decode may look as if it held a secret.
	return child.Mount(t, dir, append([]string{"--show-secrets"}, keyArgs...)...)
}

var traced = regexp.MustCompile(`(?m)^gc \d+ @.*->(\d+) MB, .*\n`)

func withoutTrace(said string) string { return traced.ReplaceAllString(said, "") }

func collections(p *child.Process) int { return len(traced.FindAllString(p.Said(), -1)) }

// watch samples a process as long as more says so. All that it has open in dir it
// must have open for reading.
func watch(t *testing.T, p *child.Process, dir string, more func() bool) (all samples) {
	t.Helper()
	for start := time.Now(); more(); time.Sleep(100 * time.Millisecond) {
		s := look(t, p)
		s.after = time.Since(start)
		all = append(all, s)
		for _, complaint := range disturbs(t, p.Pid(), dir).complaints {
			t.Error(complaint)
		}
		if t.Failed() {
			break
		}
	}
	return all
}

func look(t *testing.T, p *child.Process) (s sample) {
	t.Helper()
	fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.Pid()))
	if err != nil {
		t.Fatal(err)
	}
	s.files = len(fds)
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Pid()))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		n, _ := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")))
		switch name {
		case "VmRSS":
			s.resident = n >> 10
		case "Threads":
			s.threads = n
		}
	}
	said := p.Said()
	// The last line is enough, and may be half there.
	if last := traced.FindAllStringSubmatch(said[max(len(said)-1000, 0):], -1); last != nil {
		s.heap, _ = strconv.Atoi(last[len(last)-1][1])
	}
	return s
}

// check compares the tenths of what a long run has beyond its first minute, in
// which caches fill: nothing must grow. Of the heap the least counts: what leaks
// is never away.
func (all samples) check(t *testing.T) {
	t.Helper()
	all = slices.DeleteFunc(all, func(s sample) bool { return s.after < time.Minute })
	if len(all) < 100 {
		return // too short to tell: settled looks at what is left
	}
	var tenths samples
	for part := range slices.Chunk(all[len(all)%10:], len(all)/10) {
		s := samples(part).most()
		s.heap = samples(part).least().heap
		t.Logf("in a tenth of the time: at most %d descriptors, %d threads, %d MB resident; at least a heap of %d MB", s.files, s.threads, s.resident, s.heap)
		tenths = append(tenths, s)
	}
	was, is := tenths[:3].most(), tenths[7:].least()
	if is.files > was.files+8 || is.threads > was.threads+8 || is.heap > was.heap+4 || is.resident > was.resident+16 {
		t.Errorf("it grows: after the first minute at most %v; in the last ones at least %v", was, is)
	}
}

func (all samples) most() (m sample) {
	for _, s := range all {
		m = sample{files: max(m.files, s.files), threads: max(m.threads, s.threads), heap: max(m.heap, s.heap), resident: max(m.resident, s.resident)}
	}
	return m
}

func (all samples) least() sample {
	m := all[0]
	for _, s := range all {
		m = sample{files: min(m.files, s.files), threads: min(m.threads, s.threads), heap: min(m.heap, s.heap), resident: min(m.resident, s.resident)}
	}
	return m
}

// settled compares what a mount holds when writer and readers have gone with
// what another holds that has just begun and shows the same.
func settled(t *testing.T, m *child.Mounted, dir string, keyArgs []string) {
	t.Helper()
	fresh := mount(t, dir, keyArgs)
	atRest(t, fresh, dir, keyArgs)
	want, got := idle(t, fresh), idle(t, m)
	fresh.Stop()
	t.Logf("a fresh mount holds %v; this one %v", want, got)
	// Pipes, threads and a few texts are kept for next time. The race detector
	// keeps memory of its own.
	if got.files > want.files+16 || got.threads > want.threads+64 || got.heap > want.heap+8 || !child.Race && got.resident > want.resident+48 {
		t.Errorf("at rest it holds %v; a fresh mount of the same directory %v", got, want)
	}
}

// idle is what a mount holds when it has collected its garbage. A text that is
// read again and again, each time from the mount itself, makes some.
func idle(t *testing.T, m *child.Mounted) sample {
	t.Helper()
	names, err := filepath.Glob(m.Path("decoded/*"))
	if err != nil || len(names) == 0 {
		t.Fatalf("decoded/ has %d names (%v)", len(names), err)
	}
	f, err := os.OpenFile(names[len(names)-1], os.O_RDONLY|syscall.O_DIRECT, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	// What a pool keeps goes with the second collection after its last use.
	for until := collections(m.Process) + 4; collections(m.Process) < until; {
		for range 20 {
			if _, err := io.Copy(io.Discard, io.NewSectionReader(f, 0, 1<<40)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return look(t, m.Process)
}
