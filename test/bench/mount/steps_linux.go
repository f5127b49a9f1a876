package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// step is a command that is timed, in the folder of the entries.
type step struct {
	name string
	line string // for sh; $1 is the list of the entries that cat reads
}

// No entry has the text that grep looks for, so it reads every byte. GNU tar does not read
// files if it writes to /dev/null.
const (
	ls   = "ls -f >/dev/null"
	find = "find . -type f -size +0 >/dev/null"
	long = "ls -l >/dev/null"
	grep = "grep -r 'no entry holds this text' . >/dev/null || [ $? = 1 ]"
	tar  = "tar -cf - . | cat >/dev/null"
	cat  = `xargs cat <"$1" >/dev/null`
)

// session are steps that follow each other on one new mount. The kernel has cached nothing
// of a new mount. What the server reads, a log or an archive, is in the page cache, or on
// the disk only.
type session struct {
	disk  bool
	steps []step
}

var sessions = []session{
	{steps: []step{{"ls -f", ls}}},
	{steps: []step{{"find, first", find}, {"find, again", find}, {"ls -l", long}}},
	{steps: []step{{"grep -r, first", grep}, {"grep -r, again", grep}, {"tar", tar}}},
	{steps: []step{{"cat of 1,000", cat}}},
	{disk: true, steps: []step{{"find, from disk", find}}},
	{disk: true, steps: []step{{"grep -r, from disk", grep}}},
}

// limit is how long a step may take. A system that takes longer is not measured further.
const limit = 10 * time.Minute

// prepareCaches leaves what the system reads in the page cache, or nothing in any cache.
func (s *system) prepareCaches(ctx context.Context, in *inputs, disk bool) error {
	if disk {
		if err := command(ctx, "/", "sync"); err != nil {
			return err
		}
		return os.WriteFile("/proc/sys/vm/drop_caches", []byte("3"), 0)
	}
	return command(ctx, "/", "sh", "-c", `grep -r 'no entry holds this text' "$1" >/dev/null || [ $? = 1 ]`, "sh", s.source(in))
}

// run runs a step's command, behind the words of another command.
func (st step) run(ctx context.Context, m *mounted, in *inputs, before ...string) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	line := append(before, "sh", "-c", st.line, "sh", in.names)
	return command(ctx, m.folder, line[0], line[1:]...)
}

// opcodes are those of requests that programs cause, in the kernel's numbers.
var opcodes = []struct {
	name   string
	number int
}{
	{"LOOKUP", 1}, {"GETATTR", 3}, {"OPEN", 14}, {"READ", 15}, {"RELEASE", 18}, {"GETXATTR", 22}, {"LISTXATTR", 23},
	{"FLUSH", 25}, {"OPENDIR", 27}, {"READDIR", 28}, {"RELEASEDIR", 29}, {"READDIRPLUS", 44}, {"LSEEK", 46},
}

const tracepoint = "fuse:fuse_request_send"

// countable reports whether this kernel counts requests (Linux 6.8 and later, with tracefs).
func countable() bool {
	return exec.Command("perf", "stat", "-a", "-e", tracepoint, "true").Run() == nil
}

// requests runs a step and counts the requests that the kernel sends to the server.
func (st step) requests(ctx context.Context, temp string, m *mounted, in *inputs) (string, error) {
	file := filepath.Join(temp, "requests")
	perf := []string{"perf", "stat", "-a", "-x,", "-o", file}
	for _, op := range opcodes {
		perf = append(perf, "-e", tracepoint, "--filter", fmt.Sprintf("connection == %d && opcode == %d", m.device, op.number))
	}
	perf = append(perf, "-e", tracepoint, "--filter", fmt.Sprintf("connection == %d", m.device))
	if err := st.run(ctx, m, in, perf...); err != nil {
		return "", err
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	var counts []int
	for line := range strings.Lines(string(b)) {
		if strings.Contains(line, tracepoint) {
			var n int
			if _, err := fmt.Sscanf(line, "%d,", &n); err != nil {
				return "", fmt.Errorf("perf stat: %q: %w", line, err)
			}
			counts = append(counts, n)
		}
	}
	if len(counts) != len(opcodes)+1 {
		return "", fmt.Errorf("perf stat: %d counts, want %d: %s", len(counts), len(opcodes)+1, b)
	}
	return sayRequests(counts), nil
}

// sayRequests lists the requests of each kind; the last count is of all. Kinds that are less
// than one in a hundred are "others".
func sayRequests(counts []int) string {
	all := counts[len(opcodes)]
	if all == 0 {
		return "none"
	}
	var said []string
	others := all
	for i, op := range opcodes {
		if counts[i] > all/100 {
			said = append(said, fmt.Sprintf("%s %d", op.name, counts[i]))
			others -= counts[i]
		}
	}
	if others > 0 {
		said = append(said, fmt.Sprintf("others %d", others))
	}
	return strings.Join(said, ", ")
}
