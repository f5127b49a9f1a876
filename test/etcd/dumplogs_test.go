//go:build linux

package etcd

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/walfs/walfs/test/atwork"
	"github.com/walfs/walfs/test/fixture"
)

// checkDumpLogs compares with what etcd-dump-logs prints. It takes a minute to build: at the
// small size, only what it calls is compared, see readTruth.
func checkDumpLogs(t *testing.T, home string, l truth) {
	t.Helper()
	if !fixture.Full() {
		return
	}
	program := filepath.Join(t.TempDir(), "etcd-dump-logs")
	if out, err := exec.Command("./dump-logs.sh", program).CombinedOutput(); err != nil {
		t.Fatalf("dump-logs.sh: %v: %s", err, out)
	}
	dir := t.TempDir() // it deletes files where it reads
	fixture.Must(t, os.CopyFS(dir, os.DirFS(dataOf(home))))
	first := firstOf(t, home)
	sameLines(t, dumpLogs(t, program, dir), l.restart)
	sameLines(t, dumpLogs(t, program, "-start-index", fmt.Sprint(first), dir), l.from(first+1))
	sameLines(t, dumpLogs(t, program, "-start-index", fmt.Sprint(first), dir), atwork.Dump(t, dataOf(home), "--from", fmt.Sprint(first+1)))
}

// dumpLogs gives what etcd-dump-logs prints of entries: no sum.
func dumpLogs(t *testing.T, program string, args ...string) (printed []atwork.Entry) {
	t.Helper()
	cmd := exec.Command(program, args...)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("etcd-dump-logs %v: %v: %s", args, err, &said)
	}
	for _, line := range regexp.MustCompile(`(?m)^ *(\d+)\t *(\d+)\t(norm|conf)\t`).FindAllStringSubmatch(string(out), -1) {
		term, _ := strconv.ParseUint(line[1], 10, 64)
		index, _ := strconv.ParseUint(line[2], 10, 64)
		typ := map[string]string{"norm": "EntryNormal", "conf": "EntryConfChange"}[line[3]]
		printed = append(printed, atwork.Entry{Index: index, Term: term, Type: typ})
	}
	return printed
}

func sameLines(t *testing.T, got, want []atwork.Entry) {
	t.Helper()
	bare := make([]atwork.Entry, len(want))
	for k, e := range want {
		bare[k] = atwork.Entry{Index: e.Index, Term: e.Term, Type: e.Type}
	}
	atwork.Same(t, "etcd-dump-logs", got, bare)
}
