//go:build linux

package atwork

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/walfs/walfs/test/child"
	"github.com/walfs/walfs/test/fixture"
)

// Walfs runs a command that must succeed, and gives what it has printed.
func Walfs(t *testing.T, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(child.Walfs(t), args...)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	// A node that gets a snapshot has an empty log for a moment. Dump says so.
	empty := len(out) == 0 && strings.Contains(said.String(), "the log has no entries")
	if err != nil || said.Len() > 0 && !empty {
		t.Fatalf("walfs %s: %v; it said %s…%s", strings.Join(args, " "), err, &said, out[max(0, len(out)-1000):])
	}
	return out
}

// Dump gives the entries of walfs dump, in its order.
func Dump(t *testing.T, dir string, args ...string) []Entry {
	t.Helper()
	return parseDump(t, Walfs(t, append([]string{"dump", "--format", "json", dir}, args...)...))
}

func parseDump(t *testing.T, lines []byte) (entries []Entry) {
	t.Helper()
	scanner := bufio.NewScanner(bytes.NewReader(lines))
	scanner.Buffer(nil, len(lines)+1)
	for scanner.Scan() {
		var line struct {
			Index, Term uint64
			Type        string
			Data        []byte
		}
		fixture.Must(t, json.Unmarshal(scanner.Bytes(), &line))
		entries = append(entries, Entry{line.Index, line.Term, line.Type, sha256.Sum256(line.Data)})
	}
	return entries
}

// Follow is a walfs dump --follow that goes on.
type Follow struct {
	*child.Process
	lines child.Output
}

// StartFollow starts one.
func StartFollow(t *testing.T, dir string) *Follow {
	t.Helper()
	f := &Follow{}
	f.Process = child.Start(t, &f.lines, child.Walfs(t), "dump", "--follow", "--format", "json", dir)
	return f
}

// End ends it once it has printed the last entry, and gives all that it has printed.
func (f *Follow) End(t *testing.T, s Seen, last Entry) []Entry {
	t.Helper()
	line := fmt.Sprintf(`{"index":%d,"term":%d,`, last.Index, last.Term)
	child.Await(t, "dump --follow to print the last entry", func() bool { return strings.Contains(f.lines.String(), line) })
	f.Signal(syscall.SIGINT)
	f.WantEnd(0)
	printed := parseDump(t, []byte(f.lines.String()))
	for _, e := range printed {
		s.Add(t, "dump --follow", e)
	}
	return printed
}

// Grep searches in a mount, as people do, and gives how many entries it has found. Those that it
// has listed may be gone when it opens them.
func Grep(t *testing.T, at, pattern string) (found int) {
	t.Helper()
	out, err := exec.Command("grep", "-rlE", pattern, at+"/decoded").CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, at) {
			found++
			continue
		}
		line = strings.TrimSpace(line)
		if why := line[strings.LastIndex(line, ": ")+1:]; !gone(strings.ToLower(strings.TrimSpace(why))) {
			t.Fatalf("grep: %v: %s", err, line)
		}
	}
	return found
}
