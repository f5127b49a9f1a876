package torture

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/walfs/walfs/test/child"
)

var duration = flag.Duration("for", 10*time.Second, "how long to torture, in all")

// readerVariable makes this test binary a reader of the kind that it names.
const readerVariable = "WALFS_TORTURE_READER"

func TestMain(m *testing.M) {
	if kind := os.Getenv(readerVariable); kind != "" {
		os.Exit(readerMain(kind, os.Args[1]))
	}
	os.Exit(child.Main(m))
}

func TestTorture(t *testing.T) {
	const key = "0123456789abcdef0123456789abcdef"
	// At full speed, many files, so that entries live for a while; at a rate,
	// small ones, so that they fill and go as often.
	full, rate := []string{"-files", "5"}, []string{"-rate", "4000", "-slots", "2000"}
	for _, run := range []struct {
		name, key string
		writer    []string
	}{
		{"plain at full speed", "", full},
		{"plain at a rate", "", rate},
		{"sealed at full speed", key, full},
		{"sealed at a rate", key, rate},
	} {
		t.Run(run.name, func(t *testing.T) { torture(t, run.key, run.writer) })
	}
}

func torture(t *testing.T, key string, writerArgs []string) {
	child.NeedFUSE(t)
	dir := filepath.Join(t.TempDir(), "w")
	var keyArgs []string
	if key != "" {
		file := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(file, []byte(key), 0o600); err != nil {
			t.Fatal(err)
		}
		keyArgs = []string{"--key-file", file}
		writerArgs = append(writerArgs, "-key-file", file)
	}
	var wrote child.Output
	writer := child.Start(t, &wrote, child.Build(t, "test/torture/writer"), append(writerArgs, "-dir", dir)...)
	child.Await(t, "the writer", func() bool { return strings.Contains(wrote.String(), "ready") })
	m := child.Mount(t, dir, keyArgs...)

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

	end := time.Now().Add(*duration / 4)
	samples := watch(t, m.Process, func() bool {
		enough := true
		for kind, p := range children {
			if p.Ended() {
				t.Errorf("reader of %s: %s", kind, p.Said())
				return false
			}
			enough = enough && tallyOf(t, tallies[kind]).Right >= atLeast
		}
		if writer.Ended() || m.Ended() {
			t.Errorf("the writer said %q, the mount %q", writer.Said(), m.Said())
			return false
		}
		// On a busy machine it takes its time until all have read something.
		return time.Now().Before(end) || !enough && time.Now().Before(end.Add(time.Minute))
	})
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
		t.Logf("%-8s %6d rounds, %8d files right (%d MB), %7d gone", kind, n.Rounds, n.Right, n.Bytes>>20, n.Gone)
		right += n.Right
		if n.Right < atLeast {
			t.Errorf("the reader of %s has seen %d files only", kind, n.Right)
		}
	}
	writer.Stop()
	t.Logf("%d files right; the writer: %s", right, strings.TrimSpace(strings.TrimPrefix(wrote.String(), "ready\n")))
	samples.check(t)
	atRest(t, m, dir, keyArgs)
	m.Stop()
	if said := m.Said(); strings.Count(said, "\n") > 2 {
		t.Errorf("the mount said %q", said)
	}
}

// atLeast is how many files a reader must have seen: one that read nothing has
// shown nothing.
const atLeast = 20

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
