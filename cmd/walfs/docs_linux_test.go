package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/walfs/walfs/cmd/walfs/docs/examples"
	"github.com/walfs/walfs/test/child"
	"github.com/walfs/walfs/test/fixture"
)

// TestDocs: what README.md and the pages in docs show of commands is what those print, word
// for word. With -rewrite it is written there.
func TestDocs(t *testing.T) {
	fixture.OneSize(t)
	fixture.NotForRace(t)
	for _, file := range pages(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			page := examples.Parse(string(fixture.ReadFile(t, file)))
			if len(page.Examples) == 0 {
				return
			}
			needed(t, page)
			s := session(t)
			for i, e := range page.Examples {
				if ofCluster.MatchString(e.Command) && !fixture.Has("cluster-node0") {
					continue
				}
				got, code, err := s.Run(e.Command)
				fixture.Must(t, err)
				got = strings.TrimRight(got, "\n")
				if got != "" {
					got += "\n"
				}
				switch {
				case code != 0 && got == "":
					t.Errorf("%s:%d: $ %s\nfails with exit code %d, and says nothing", file, e.Line, e.Command, code)
				case got != e.Output && *rewrite:
					page.Replace(i, got)
				case got != e.Output:
					t.Errorf("%s:%d: $ %s\n%s\nthe page has\n%s\n(with -rewrite it gets what is right)", file, e.Line, e.Command, got, e.Output)
				}
			}
			if *rewrite {
				fixture.WriteFile(t, file, []byte(page.String()))
			}
		})
	}
}

// ofCluster finds commands that need the replicas of a cluster.
var ofCluster = regexp.MustCompile(`\b(node[0-2]|parted|lake)\b`)

// needed skips the test of a page whose programs are not here.
func needed(t *testing.T, page *examples.Page) {
	t.Helper()
	for _, e := range page.Examples {
		if strings.HasPrefix(e.Command, "walfs mount ") {
			child.NeedFUSE(t)
		}
		for _, tool := range []string{"jq", "restic", "rsync"} {
			if strings.Contains(e.Command, tool) {
				needTool(t, tool)
			}
		}
	}
}

func needTool(t *testing.T, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err == nil {
		return
	}
	skip(t, name+" is not installed")
}

// session begins one that has the replicas of a cluster too, where they are.
func session(t *testing.T) *examples.Session {
	t.Helper()
	walfs, err := exec.LookPath("walfs")
	fixture.Must(t, err)
	s, err := examples.Start(repository, filepath.Dir(walfs))
	fixture.Must(t, err)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, n := range []string{"0", "1", "2"} {
		if fixture.Has("cluster-node" + n) {
			fixture.Must(t, os.Mkdir(filepath.Join(s.Home(), "node"+n), 0o700))
			fixture.Must(t, os.Symlink(fixture.Dir(t, "cluster-node"+n), filepath.Join(s.Home(), "node"+n, "w")))
		}
	}
	return s
}

// programs are packages that a piece of code in a page can use.
var programs = map[string]string{"context": "context", "detect": "github.com/walfs/walfs/walcore/detect", "fmt": "fmt",
	"raft": "go.etcd.io/raft/v3", "storage": "github.com/walfs/walfs/walcore/storage", "time": "time"}

// TestDocsPrograms: the pieces of Go in the pages compile.
func TestDocsPrograms(t *testing.T) {
	fixture.OneSize(t)
	found := 0
	for _, file := range pages(t) {
		for _, block := range examples.Blocks(string(fixture.ReadFile(t, file))) {
			if strings.Contains(block, " := ") {
				found++
				compiles(t, block)
			}
		}
	}
	if found < 2 {
		t.Errorf("the pages have %d pieces of Go", found)
	}
}

func compiles(t *testing.T, block string) {
	t.Helper()
	code := "package program\n\nimport \"go.etcd.io/raft/v3/raftpb\"\n"
	for name, path := range programs {
		if strings.Contains(block, name+".") {
			code += "import \"" + path + "\"\n"
		}
	}
	code += "func Run(dir string, send func([]*raftpb.Message), apply func(*raftpb.Snapshot, []*raftpb.Entry)) error {\n" + block + "return nil\n}\n"
	dir := t.TempDir()
	file := filepath.Join(dir, "program.go")
	fixture.WriteFile(t, file, []byte(code))
	root, err := filepath.Abs(repository)
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
