//go:build linux

package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/walfs/walfs/test/child"
	"github.com/walfs/walfs/test/fixture"
)

func TestMain(m *testing.M) {
	// A program with the race detector sleeps for a second before it ends.
	os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	testscript.Main(eightAtOnce{m}, map[string]func(){"walfs": main})
}

// eightAtOnce runs that many parallel tests: they wait for the disk, for a node, for a
// decoder that hangs.
type eightAtOnce struct{ *testing.M }

func (m eightAtOnce) Run() int {
	flag.Parse()
	flag.Set("test.parallel", "8") // the flag is there
	return m.M.Run()
}

// TestScripts runs commands as a user types them. Beside testscript's own
// commands a script has:
//
//	fixture NAME            copies a fixture to the folder NAME
//	exits CODE PROGRAM...   runs a program and wants this exit code
//	poke FILE OFFSET HEX    writes bytes
//	json FIELD VALUE        wants this in the JSON that stdout is, and no more
//	lines DIR FILE          writes the entries as dump --format json prints them
//	snapshotpb FILE INDEX TERM VOTERS [LEARNERS]   writes a raftpb.Snapshot
//	samelog FILE FILE       wants two log files the same up to the last payload
//	hold FILE               has another process keep the file open for writing
//	look FILE               has another process keep the file open for reading
//	remember DIR            notes all about a directory
//	unchanged DIR           wants it to be as it was noted
//	unwritten DIR           wants that, access times apart
//
// and the condition [shell:NAME]: the shell is installed, or must be.
func TestScripts(t *testing.T) {
	fixture.OneSize(t)
	t.Parallel()
	dirs := map[string]string{}
	for _, name := range []string{"alpha", "bigsnap", "empty", "highstart", "sealed128", "snaponly",
		"etcd-small", "hashicorp-bolt-n2", "hashicorp-wal-n2"} {
		dirs[name] = fixture.Dir(t, name)
	}
	dir, files := "testdata/script", []string(nil)
	if child.Race {
		// Other commands have one goroutine, and programs start slowly with the race detector.
		dir = ""
		for _, name := range []string{"append", "check", "copy", "export"} {
			files = append(files, "testdata/script/"+name+".txtar")
		}
	}
	testscript.Run(t, testscript.Params{
		Dir:                 dir,
		Files:               files,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Condition:           hasShell,
		Setup: func(env *testscript.Env) error {
			env.Setenv("GORACE", os.Getenv("GORACE"))
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"fixture": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(exec.Command("cp", "-a", "--sparse=always", dirs[args[0]], ts.MkAbs(args[0])).Run())
			},
			"exits": exits,
			"poke":  poke,
			"json":  jsonField,

			"lines":      writeLines,
			"samelog":    samelog,
			"snapshotpb": snapshotpb,
			"hold":       hold(os.O_RDWR),
			"look":       hold(os.O_RDONLY),
			"remember":   remember,
			"unchanged":  unchanged,
			"unwritten":  unwritten,
		},
	})
}

func exits(ts *testscript.TestScript, _ bool, args []string) {
	code := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v: %v", args[1:], err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("%v: exit code %d, want %s\n%s", args[1:], code, args[0], ts.ReadFile("stderr"))
	}
}

// hasShell is for scripts that are skipped where a shell is not installed. In CI they
// are not skipped, and fail.
func hasShell(condition string) (bool, error) {
	shell, ok := strings.CutPrefix(condition, "shell:")
	if !ok {
		return false, fmt.Errorf("unknown condition %q", condition)
	}
	_, err := exec.LookPath(shell)
	if shell == "bash" && err == nil {
		_, err = os.Stat("/usr/share/bash-completion/bash_completion")
	}
	return err == nil || os.Getenv("CI") != "", nil
}

func poke(ts *testscript.TestScript, _ bool, args []string) {
	off, err := strconv.ParseInt(args[1], 0, 64)
	ts.Check(err)
	b, err := hex.DecodeString(args[2])
	ts.Check(err)
	f, err := os.OpenFile(ts.MkAbs(args[0]), os.O_WRONLY, 0)
	ts.Check(err)
	defer f.Close()
	_, err = f.WriteAt(b, off)
	ts.Check(err)
}

func jsonField(ts *testscript.TestScript, _ bool, args []string) {
	var all map[string]any
	d := json.NewDecoder(bytes.NewReader([]byte(ts.ReadFile("stdout"))))
	d.UseNumber()
	ts.Check(d.Decode(&all))
	if d.More() {
		ts.Fatalf("stdout has more than one JSON value")
	}
	got, err := json.Marshal(all[args[0]])
	ts.Check(err)
	if _, ok := all[args[0]]; !ok || string(got) != args[1] {
		ts.Fatalf("%s: got %s, want %s", args[0], got, args[1])
	}
}

// TestReadingLeavesNoTrace: not even on a key file that lies in the directory. That
// the directory itself keeps its access time is tested in walcore/dgraph: here the
// shell that lists it sets one.
func TestReadingLeavesNoTrace(t *testing.T) {
	dir := fixture.Dir(t, "sealed128")
	key := filepath.Join(dir, "key")
	if err := os.WriteFile(key, fixture.Key("sealed128"), 0o600); err != nil {
		t.Fatal(err)
	}
	stat := func() string {
		out, err := exec.Command("sh", "-c", `stat -c '%n %s %i %a %u %g %x %y %z' "$0" "$0"/*`, dir).CombinedOutput()
		if err != nil {
			t.Fatal(err, string(out))
		}
		return string(out)
	}
	// An access time as old as this would be set anew by any read.
	if out, err := exec.Command("sh", "-c", `touch -d 2020-01-01 "$0"/* && touch -d 2020-01-01 "$0"`, dir).CombinedOutput(); err != nil {
		t.Fatal(err, string(out))
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	before := stat()
	for _, args := range [][]string{{"stat", dir}, {"stat", "--json", dir}, {"ls", "-l", dir, "entries"}, {"ls", dir, "native"},
		{"cat", dir, "entries/1", "status.json", "native/wal.meta", "native/KEYREGISTRY"}, {"cat", dir, "none"}} {
		cmd := exec.Command("walfs", append(args, "--key-file", key)...)
		if out, err := cmd.Output(); err != nil && args[len(args)-1] != "none" {
			t.Fatal(args, err, string(out))
		}
	}
	if after := stat(); after != before {
		t.Errorf("before\n%s\nafter\n%s", before, after)
	}
	if now, err := os.ReadDir(dir); err != nil || len(now) != len(files) {
		t.Errorf("%v, %v; before %v", now, err, files)
	}
}
