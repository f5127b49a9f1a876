package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
)

var dataOfLine = regexp.MustCompile(`,"data":"[^"]*"`)

// TestJSONLIsWhatDumpPrints: a file in jsonl/ has the lines that dump prints of the entries of
// its log file, without data.
func TestJSONLIsWhatDumpPrints(t *testing.T) {
	for _, name := range fixture.All() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, key := fixture.Dir(t, name), keyFile(t, name)
			walfs := func(command string, args ...string) string {
				return ok(t, append([]string{command, "--key-file", key, dir}, args...)...)
			}
			want := dataOfLine.ReplaceAllString(walfs("dump", "--format", "json", "--decode"), "")
			left := len(want)
			for _, file := range strings.Fields(walfs("ls", "jsonl")) {
				got := walfs("cat", "jsonl/"+file)
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
