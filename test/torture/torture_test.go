//go:build linux

package torture

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/walfs/walfs/test/child"
	"github.com/walfs/walfs/test/fixture"
)

var duration = flag.Duration("for", usually(), "how long to torture, in all the runs that are selected")

func usually() time.Duration {
	if child.Race {
		return 10 * time.Second
	}
	return fixture.Size(3*time.Second, 49*time.Second)
}

// readerVariable makes this test binary a reader of the kind that it names.
const readerVariable = "WALFS_TORTURE_READER"

func TestMain(m *testing.M) {
	if kind := os.Getenv(readerVariable); kind != "" {
		os.Exit(readerMain(kind, os.Args[1]))
	}
	os.Exit(child.Main(m))
}

// A run is a writer at work on a directory of some sort.
type run struct {
	name      string
	encrypted bool
	program   string // the writer's
	args      []string
	small     bool // takes place at the small size too
	race      bool // takes place with the race detector, and only there
	full      bool // goes on until a log file is full by size, not by slots
}

// At full speed, or near it, the writer keeps many files, so that entries stay for a
// while. At a low rate its files are small, so that they become full and are removed as
// often.
var runs = []run{
	{name: "plain-fast", program: "writer", args: []string{"-rate", "20000", "-files", "5"}},
	{name: "plain-rate", program: "writer", args: []string{"-rate", "4000", "-slots", "2000"}, small: true},
	{name: "encrypted-full-speed", encrypted: true, program: "writer", args: []string{"-files", "5"}},
	{name: "encrypted-rate", encrypted: true, program: "writer", args: []string{"-rate", "4000", "-slots", "2000"}, small: true},
	{name: "large", program: "writer", args: []string{"-large", "-files", "2"}, full: true},
	{name: "storage", encrypted: true, program: "storage", args: []string{"-checksums"}, small: true},
	{name: "storage-large", program: "storage", args: []string{"-large", "-files", "2"}},
	// A mount with the race detector is ten times as slow: so is the writer.
	{name: "race", encrypted: true, program: "writer", args: []string{"-rate", "400", "-slots", "500"}, race: true},
}

func TestTorture(t *testing.T) {
	// The time is shared by the runs that are selected.
	_, pattern, named := strings.Cut(flag.Lookup("test.run").Value.String(), "/")
	selected := slices.DeleteFunc(slices.Clone(runs), func(r run) bool {
		if named {
			return !regexp.MustCompile(pattern).MatchString(r.name)
		}
		return r.race != child.Race || !fixture.Full() && !r.small && !r.race
	})
	for _, r := range selected {
		t.Run(r.name, func(t *testing.T) { torture(t, r, *duration/time.Duration(len(selected))) })
	}
}

// torture lets a writer and all readers work for their share of the time, and then
// until each reader has seen enough. Readers check what they read. After that the
// mount must show the directory at rest, and hold on to nothing.
func torture(t *testing.T, r run, share time.Duration) {
	child.NeedFUSE(t)
	dir := filepath.Join(t.TempDir(), "w")
	var wrote child.Output
	writer, keyArgs := startWriter(t, r, dir, &wrote)
	// A payload that cannot be decoded may look like one with a password in it,
	// which decoded/ hides without this flag.
	m := child.Mount(t, dir, append([]string{"--show-secrets"}, keyArgs...)...)
	c := startReaders(t, m.At)

	end := time.Now().Add(share)
	full, slow := !r.full, slowdown{writer: writer}
	counts := watch(t, m.Process, dir, func() bool {
		lacking, done, ok := c.progress(t)
		if !ok {
			return false
		}
		if writer.Ended() || m.Ended() {
			t.Errorf("the writer said %q, the mount %q", writer.Said(), m.Said())
			return false
		}
		full = full || fullBySize(dir)
		late := time.Since(end)
		if late > patience {
			t.Errorf("%d readers have seen too little, a log file has ended by size: %t", lacking, full)
			return false
		}
		if late > 0 && full && lacking > 0 {
			c.stopSated(t)
			slow.step(lacking, done)
		}
		return late < 0 || !full || lacking > 0
	})
	writer.Signal(syscall.SIGCONT)
	if t.Failed() {
		return
	}
	right := c.stop(t)
	writer.Stop()
	t.Logf("%d files right; the writer: %s", right, strings.TrimSpace(strings.TrimPrefix(wrote.String(), "ready\n")))
	atRest(t, m, dir, keyArgs)
	counts.check(t)
	if !t.Failed() {
		asManyAsFresh(t, m, dir, keyArgs)
	}
	m.Stop()
	if said := m.Said(); strings.Count(said, "\n") > 2 {
		t.Errorf("the mount said %q", said)
	}
}

// startWriter starts a run's writer and waits until its directory is there. It
// gives the flags with which walfs reads that.
func startWriter(t *testing.T, r run, dir string, wrote *child.Output) (writer *child.Process, keyArgs []string) {
	t.Helper()
	args := append([]string{"-dir", dir}, r.args...)
	if r.encrypted {
		file := filepath.Join(t.TempDir(), "key")
		fixture.WriteFile(t, file, []byte("0123456789abcdef0123456789abcdef"))
		keyArgs = []string{"--key-file", file}
		args = append(args, "-key-file", file)
	}
	writer = child.Start(t, wrote, child.Build(t, "test/torture/"+r.program), args...)
	child.Await(t, "the writer", func() bool { return strings.Contains(wrote.String(), "ready") })
	return writer, keyArgs
}

// readerProcesses are the running readers, by kind, and what each has printed.
type readerProcesses struct {
	processes map[string]*child.Process
	tallies   map[string]*child.Output
}

func startReaders(t *testing.T, at string) readerProcesses {
	t.Helper()
	self, err := os.Executable()
	fixture.Must(t, err)
	os.Setenv(readerVariable, "set for each")
	defer os.Unsetenv(readerVariable)
	c := readerProcesses{map[string]*child.Process{}, map[string]*child.Output{}}
	for kind := range readers {
		os.Setenv(readerVariable, kind)
		c.tallies[kind] = &child.Output{}
		c.processes[kind] = child.Start(t, c.tallies[kind], self, at)
	}
	return c
}

// progress counts the readers that have seen too little, and what these have
// done. It fails if a reader has ended, which it does when it has read something
// wrong.
func (c readerProcesses) progress(t *testing.T) (lacking, done int, ok bool) {
	for kind, p := range c.processes {
		if p.Ended() {
			t.Errorf("reader of %s: %s", kind, p.Said())
			return 0, 0, false
		}
		if n := tallyOf(t, c.tallies[kind]); n.missing(kind) != "" {
			lacking++
			done += n.Rounds + n.Right
		}
	}
	return lacking, done, true
}

// stopSated stops the readers that have seen enough: the others need the processors.
func (c readerProcesses) stopSated(t *testing.T) {
	for kind, p := range c.processes {
		if n := tallyOf(t, c.tallies[kind]); n.missing(kind) == "" {
			p.Signal(syscall.SIGSTOP)
		}
	}
}

// stop ends the readers and counts the files that they have read right.
func (c readerProcesses) stop(t *testing.T) (right int) {
	for _, p := range c.processes {
		p.Signal(syscall.SIGTERM)
		p.Signal(syscall.SIGCONT)
	}
	for _, kind := range slices.Sorted(maps.Keys(c.processes)) {
		c.processes[kind].WantEnd(0)
		n := tallyOf(t, c.tallies[kind])
		t.Logf("%-8s %6d rounds, %8d files right (%d MB), %6d of them direct, %7d gone %v", kind, n.Rounds, n.Right, n.Bytes>>20, n.Direct, n.Gone, n.Uses)
		right += n.Right
	}
	return right
}

// patience is how long the test waits for readers before it takes them for hung.
const patience = 5 * time.Minute

// slowdown is for readers that are slower than the writer: what they list is gone
// before they have read it. So the writer is stopped until one of them has made
// progress, goes on for a moment, is stopped again, and so forth.
type slowdown struct {
	writer        *child.Process
	stopped       bool
	lacking, done int // when the writer was stopped; see progress
}

func (s *slowdown) step(lacking, done int) {
	switch {
	case !s.stopped:
		s.writer.Signal(syscall.SIGSTOP)
		s.lacking, s.done = lacking, done
	case lacking == s.lacking && done == s.done:
		return
	default:
		s.writer.Signal(syscall.SIGCONT)
	}
	s.stopped = !s.stopped
}

// fullBySize reports whether the first log file has grown beyond the size of a new
// one, and there is a second.
func fullBySize(dir string) bool {
	st, err := os.Stat(filepath.Join(dir, "00001.wal"))
	_, next := os.Stat(filepath.Join(dir, "00002.wal"))
	return err == nil && next == nil && st.Size() > 256<<20
}

// atLeast is how many files a reader must have read right, so that its run shows
// something.
const atLeast = 20

// missing says what a reader of a kind has not yet seen and must see.
func (n tally) missing(kind string) string {
	if n.Right < atLeast {
		return fmt.Sprintf("%d files", n.Right)
	}
	// These two do not open entries themselves.
	if kind != "meta" && kind != "tools" && n.Direct == 0 {
		return "no direct read"
	}
	if kind == "tools" {
		for tool := range tools {
			if n.Uses[tool] == 0 {
				return "no " + tool
			}
		}
	}
	return ""
}

// tallyOf is the latest tally that a reader has printed.
func tallyOf(t *testing.T, said *child.Output) (n tally) {
	lines := strings.Split(said.String(), "\n")
	if len(lines) < 2 {
		return n
	}
	if err := json.Unmarshal([]byte(lines[len(lines)-2]), &n); err != nil {
		t.Errorf("%v: %q", err, lines)
	}
	return n
}

// atRest waits until the mount shows what walfs stat and walfs ls show of the
// directory, to which nobody writes any more.
func atRest(t *testing.T, m *child.Mounted, dir string, keyArgs []string) {
	want, err := exec.Command(child.Walfs(t), append([]string{"stat", "--json", dir}, keyArgs...)...).Output()
	// It may fail with exit code 3 or 4, for problems; the mount must show them too.
	if len(want) == 0 {
		t.Fatalf("walfs stat: %v", err)
	}
	var got []byte
	defer func() {
		if t.Failed() {
			t.Logf("status.json and walfs stat: %s", difference(got, want))
			i := len(commonPrefix(got, want))
			t.Logf("…%s\nand\n…%s", got[max(i-200, 0):min(i+200, len(got))], want[max(i-200, 0):min(i+200, len(want))])
			m.Signal(syscall.SIGABRT) // what is it doing?
			m.WantEnd(2)
		}
	}()
	child.Await(t, "the mount to show the directory at rest", func() bool {
		got, err = os.ReadFile(m.Path("status.json"))
		return err == nil && fixture.WithoutDiskBytes(string(got)) == fixture.WithoutDiskBytes(string(want))
	})
	if bytes.Contains(want, []byte(`"kind"`)) && !bytes.Contains(want, []byte(`"key_erased"`)) {
		t.Errorf("problems at rest: %s", want)
	}
	for _, folder := range []string{"entries", "terms", "types/normal", "files", "decoded", "native", "snapshots"} {
		want, err := exec.Command(child.Walfs(t), append([]string{"ls", dir, folder}, keyArgs...)...).Output()
		if err != nil {
			t.Fatal(err)
		}
		got, err := exec.Command("ls", m.Path(folder)).Output()
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %d names listed, want %d (%v)", folder, bytes.Count(got, []byte{'\n'}), bytes.Count(want, []byte{'\n'}), err)
		}
	}
}

func commonPrefix(a, b []byte) []byte {
	i := 0
	for i < min(len(a), len(b)) && a[i] == b[i] {
		i++
	}
	return a[:i]
}
