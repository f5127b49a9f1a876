package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestTwoWriters: while one command writes, another is refused.
func TestTwoWriters(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "w")
	if out, err := exec.Command("walfs", "create", dir).CombinedOutput(); err != nil {
		t.Fatal(err, string(out))
	}
	first := exec.Command("walfs", "append", dir)
	in, err := first.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	first.Stdout, first.Stderr = &said, &said
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	defer first.Process.Kill()
	// More than a pipe holds: once it is written, the command reads, and has
	// the directory.
	data := base64.StdEncoding.EncodeToString(make([]byte, 1<<20))
	fmt.Fprintf(in, `{"index":1,"term":1,"type":"normal","data":"%s"}`, data)
	who := fmt.Sprintf("another storage has it open: walfs (pid %d): in use", first.Process.Pid)
	for _, args := range [][]string{
		{"append", dir}, {"append", "--dry-run", dir}, {"set", dir, "raft_id=1"}, {"rewind", dir, "--to", "0"},
		{"truncate", dir, "--until", "1"}, {"snapshot", dir, "--index", "1", "--data", "/dev/null", "--voters", "1"},
	} {
		second := exec.Command("walfs", args...)
		out, _ := second.CombinedOutput()
		if code := second.ProcessState.ExitCode(); code != exitInUse || !strings.Contains(string(out), who) {
			t.Errorf("%v: exit code %d\n%s", args, code, out)
		}
	}
	in.Close()
	if err := first.Wait(); err != nil || !strings.Contains(said.String(), "appended 1 entry, 1 to 1; the last index is 1") {
		t.Errorf("the first: %v\n%s", err, said.String())
	}
}
