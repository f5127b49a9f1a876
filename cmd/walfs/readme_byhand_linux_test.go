package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
)

// TestReadmeByHand: the commands under "By hand" in README.md, one after the other,
// print what it shows, word for word. w is an Alpha's directory.
func TestReadmeByHand(t *testing.T) {
	section, _ := readme(t)
	dir := filepath.Dir(fixture.Dir(t, "alpha"))
	fixture.Must(t, exec.Command("mv", filepath.Join(dir, "alpha"), filepath.Join(dir, "w")).Run())
	ran := map[string]int{}
	for _, example := range strings.Split(section, "\n    $ ")[1:] {
		line, rest, _ := strings.Cut(example, "\n")
		cmd := exec.CommandContext(t.Context(), "sh", "-c", line)
		cmd.Dir = dir
		out, _ := cmd.CombinedOutput() // one is refused
		if got, want := string(out), indented(rest+"\n"); got != want {
			t.Errorf("$ %s\n%s\nREADME.md has\n%s", line, got, want)
		}
		for _, word := range []string{"create", "append", "--install", "--alpha-snapshot", "set", "rewind"} {
			if strings.Contains(line, " "+word+" ") {
				ran[word]++
			}
		}
	}
	if len(ran) < 6 {
		t.Errorf("README.md shows %v", ran)
	}
}
