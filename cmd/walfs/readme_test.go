package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
)

// readme gives README.md in two parts: what it says of writing by hand, where one
// command goes on with what the last one made, and all else.
func readme(t *testing.T) (byHand, others string) {
	t.Helper()
	before, rest, found := strings.Cut(string(fixture.ReadFile(t, "../../README.md")), "\n### By hand\n")
	byHand, after, ended := strings.Cut(rest, "\n### ")
	if !found || !ended {
		t.Fatal("README.md says nothing of writing by hand")
	}
	return byHand, before + after
}

// TestReadme: what README.md shows of stat, check, dump and diff is what they print, word
// for word. Its directories are fixtures: an Alpha's at /var/lib/dgraph/w, and the
// replicas of a cluster.
func TestReadme(t *testing.T) {
	_, text := readme(t)
	dir := t.TempDir()
	place := func(name, at string) {
		t.Helper()
		at = filepath.Join(dir, at)
		if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(fixture.Dir(t, name), at); err != nil {
			t.Fatal(err)
		}
	}
	place("alpha", "alpha")
	place("alpha", "copy")
	f := fixture.Edit(t, filepath.Join(dir, "copy", "00001.wal"))
	f.Write(int64(f.Get(41, fixture.Offset))+4+10, []byte{0x0b})
	cluster := fixture.Has("cluster-node0")
	for _, n := range []string{"0", "1", "2"} {
		if cluster {
			place("cluster-node"+n, "node"+n+"/w")
		}
	}
	ran := map[string]int{}
	for _, example := range strings.Split(text, "\n    $ ")[1:] {
		line, rest, _ := strings.Cut(example, "\n")
		word := strings.Fields(line)
		if len(word) < 2 || word[0] != "walfs" || !strings.Contains("stat check dump diff", word[1]) || !cluster && strings.Contains(line, "node0") {
			continue
		}
		cmd := exec.CommandContext(t.Context(), "sh", "-c", strings.ReplaceAll(line, "/var/lib/dgraph/w", "alpha"))
		cmd.Dir = dir
		out, _ := cmd.Output() // a diff that finds something fails
		if got, want := string(out), indented(rest+"\n"); got != want {
			t.Errorf("$ %s\n%s\nREADME.md has\n%s", line, got, want)
		}
		ran[word[1]]++
	}
	if ran["stat"] == 0 || ran["check"] < 2 || ran["dump"] < 2 || ran["diff"] == 0 {
		t.Errorf("README.md shows %v", ran)
	}
}

// TestReadmeProgram: what README.md shows of a program compiles.
func TestReadmeProgram(t *testing.T) {
	text := string(fixture.ReadFile(t, "../../README.md"))
	at := strings.Index(text, "    s, err := storage.Open(")
	if at < 0 {
		t.Fatal("README.md shows no program")
	}
	code := `package program
import (
	"time"

	"github.com/walfs/walfs/walcore/storage"
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
)

func Run(dir string, send func([]*raftpb.Message), apply func(*raftpb.Snapshot, []*raftpb.Entry)) error {
` + indented(text[at:]) + "}\n"
	dir := t.TempDir()
	file := filepath.Join(dir, "program.go")
	fixture.WriteFile(t, file, []byte(code))
	root, err := filepath.Abs("../..")
	fixture.Must(t, err)
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(root, "program", "program.go"): file}})
	fixture.Must(t, err)
	fixture.WriteFile(t, filepath.Join(dir, "overlay"), overlay)
	cmd := exec.CommandContext(t.Context(), "go", "build", "-overlay", filepath.Join(dir, "overlay"), "./program")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s\n%s", err, out, code)
	}
}

// indented is the beginning of text that is indented, by four spaces, without them.
func indented(text string) string {
	var got, blank strings.Builder
	for line := range strings.Lines(text) {
		body, code := strings.CutPrefix(line, "    ")
		switch {
		case code:
			got.WriteString(blank.String() + body)
			blank.Reset()
		case line == "\n":
			blank.WriteString(line)
		default:
			return got.String()
		}
	}
	return got.String()
}
