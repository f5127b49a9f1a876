package main

import (
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
)

// withoutData leaves out what entries have; a regular expression takes a minute for a gigabyte.
func withoutData(lines string) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(lines, `,"data":"`)
		b.WriteString(before)
		if !found {
			return b.String()
		}
		_, lines, _ = strings.Cut(after, `"`)
	}
}

// TestJSONLIsWhatDumpPrints: a file in jsonl/ has the lines that dump prints of the entries of
// its log file, without data.
func TestJSONLIsWhatDumpPrints(t *testing.T) {
	for _, name := range fixture.All() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, key := fixture.Dir(t, name), keyFile(t, name)
			printed := func(command string, args ...string) string {
				r := walfs(t, append([]string{command, "--key-file", key, dir}, args...)...)
				if r.code != 0 {
					t.Fatalf("walfs %s %v: exit code %d\n%s", command, args, r.code, r.stderr)
				}
				return r.stdout
			}
			want := withoutData(printed("dump", "--format", "json", "--decode"))
			left := len(want)
			for _, file := range strings.Fields(printed("ls", "jsonl")) {
				got := printed("cat", "jsonl/"+file)
				left -= len(got)
				for line := range strings.Lines(got) {
					if !strings.Contains(line, `"file":"`+strings.TrimSuffix(file, ".jsonl")+`"`) {
						t.Fatalf("%s has %s", file, line)
					}
				}
				if !strings.Contains(want, got) {
					t.Errorf("%s is not among what dump prints", file)
				}
			}
			if left != 0 {
				t.Errorf("dump prints %d bytes more", left)
			}
		})
	}
}
