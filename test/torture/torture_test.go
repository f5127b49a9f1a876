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
	return fixture.Size(3*time.Second, 70*time.Second)
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
	small     bool // at the small size too
	race      bool // for the race detector, with which no other run takes place
	full      bool // until a log file has ended by size
}

// At full speed, many files, so that entries live for a while; at a rate, small
// ones, so that they fill and go as often.
var runs = []run{
	{name: "plain-full-speed", program: "writer", args: []string{"-files", "5"}, small: true},
	{name: "plain-rate", program: "writer", args: []string{"-rate", "4000", "-slots", "2000"}},
	{name: "encrypted-full-speed", encrypted: true, program: "writer", args: []string{"-files", "5"}},
	{name: "encrypted-rate", encrypted: true, program: "writer", args: []string{"-rate", "4000", "-slots", "2000"}, small: true},
	{name: "large", program: "writer", args: []string{"-large", "-files", "2"}, full: true},
	{name: "storage", encrypted: true, program: "storage", args: []string{"-checksums"}, small: true},
	{name: "storage-large", program: "storage", args: []string{"-large", "-files", "2"}, full: true},
	// A mount with the race detector is ten times as slow: so is the writer.
	{name: "race", encrypted: true, program: "writer", args: []string{"-rate", "400", "-slots", "500"}, race: true},
}

func TestTorture(t *testing.T) {
	// Those that -run names share the time.
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

func torture(t *testing.T, r run, share time.Duration) {
	child.NeedFUSE(t)
	dir := filepath.Join(t.TempDir(), "w")
	var keyArgs []string
	args := append([]string{"-dir", dir}, r.args...)
	if r.encrypted {
		file := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(file, []byte("0123456789abcdef0123456789abcdef"), 0o600); err != nil {
			t.Fatal(err)
		}
		keyArgs = []string{"--key-file", file}
		args = append(args, "-key-file", file)
	}
	var wrote child.Output
	writer := child.Start(t, &wrote, child.Build(t, "test/torture/"+r.program), args...)
	child.Await(t, "the writer", func() bool { return strings.Contains(wrote.String(), "ready") })
	// A payload that does not decode may look as if it held a secret.
	m := child.Mount(t, dir, append([]string{"--show-secrets"}, keyArgs...)...)

	kinds := slices.Sorted(maps.Keys(readers))
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	os.Setenv(readerVariable, "set for each")
	defer os.Unsetenv(readerVariable)
	children := map[string]*child.Process{}
	tallies := map[string]*child.Output{}
	for _, kind := range kinds {
		os.Setenv(readerVariable, kind)
		tallies[kind] = &child.Output{}
		children[kind] = child.Start(t, tallies[kind], self, m.At)
	}

	end := time.Now().Add(share)
	full, rest := !r.full, rest{writer: writer}
	samples := watch(t, m.Process, dir, func() bool {
		lacking, done := 0, 0 // of the readers that have seen too little
		for kind, p := range children {
			if p.Ended() {
				t.Errorf("reader of %s: %s", kind, p.Said())
				return false
			}
			if n := tallyOf(t, tallies[kind]); n.missing(kind) != "" {
				lacking++
				done += n.Rounds + n.Right
			}
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
			rest.until(lacking, done)
		}
		return late < 0 || !full || lacking > 0
	})
	writer.Signal(syscall.SIGCONT)
	if t.Failed() {
		return
	}
	for _, p := range children {
		p.Signal(syscall.SIGTERM)
	}
	right := 0
	for _, kind := range kinds {
		children[kind].WantEnd(0)
		n := tallyOf(t, tallies[kind])
		t.Logf("%-8s %6d rounds, %8d files right (%d MB), %6d of them direct, %7d gone %v", kind, n.Rounds, n.Right, n.Bytes>>20, n.Direct, n.Gone, n.Uses)
		right += n.Right
	}
	writer.Stop()
	t.Logf("%d files right; the writer: %s", right, strings.TrimSpace(strings.TrimPrefix(wrote.String(), "ready\n")))
	atRest(t, m, dir, keyArgs)
	samples.check(t)
	if !t.Failed() {
		settled(t, m, dir, keyArgs)
	}
	m.Stop()
	if said := m.Said(); strings.Count(said, "\n") > 2 {
		t.Errorf("the mount said %q", said)
	}
}

// patience ends what hangs.
const patience = 5 * time.Minute

// rest lets readers see something of a log that is gone before anybody has read
// it: the writer stops until one of them has read or has done a round, goes on
// for a moment, and so forth.
type rest struct {
	writer        *child.Process
	resting       bool
	lacking, done int // when the writer stopped
}

func (r *rest) until(lacking, done int) {
	switch {
	case !r.resting:
		r.writer.Signal(syscall.SIGSTOP)
		r.lacking, r.done = lacking, done
	case lacking == r.lacking && done == r.done:
		return
	default:
		r.writer.Signal(syscall.SIGCONT)
	}
	r.resting = !r.resting
}

// fullBySize reports whether the first log file, of large entries, has grown
// beyond what it had when new, and another has come after it.
func fullBySize(dir string) bool {
	st, err := os.Stat(filepath.Join(dir, "00001.wal"))
	_, next := os.Stat(filepath.Join(dir, "00002.wal"))
	return err == nil && next == nil && st.Size() > 256<<20
}

// atLeast is how many files a reader must have seen: one that read nothing has
// shown nothing.
const atLeast = 20

// missing is what a reader of a kind must have seen and has not.
func (n tally) missing(kind string) string {
	if n.Right < atLeast {
		return fmt.Sprintf("%d files", n.Right)
	}
	// These have no entries to read, or leave that to others.
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

// tallyOf is the last that a reader has said.
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

// atRest waits until the mount shows what a fresh look at the directory does.
func atRest(t *testing.T, m *child.Mounted, dir string, keyArgs []string) {
	want, err := exec.Command(child.Walfs(t), append([]string{"stat", "--json", dir}, keyArgs...)...).Output()
	// Exit code 3 or 4 is for problems, which both must show.
	if len(want) == 0 {
		t.Fatalf("walfs stat: %v", err)
	}
	var got []byte
	defer func() {
		if t.Failed() {
			t.Logf("status.json and walfs stat: %s", difference(got, want))
			i := len(commonPrefix(got, want))
			t.Logf("…%s\nand\n…%s", got[max(i-200, 0):min(i+200, len(got))], want[max(i-200, 0):min(i+200, len(want))])
			m.Signal(syscall.SIGQUIT) // what is it doing?
			m.WantEnd(2)
		}
	}()
	child.Await(t, "the mount to show the directory at rest", func() bool {
		got, err = os.ReadFile(m.Path("status.json"))
		return err == nil && bytes.Equal(got, want)
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
