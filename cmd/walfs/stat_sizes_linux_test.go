package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/walfs/walfs/cmd/walfs/terminal"
	"github.com/walfs/walfs/test/fixture"
)

// TestStatSizes: stat says what the file system says of the log's files: rounded on a
// terminal, to the byte behind a pipe and with --wide.
func TestStatSizes(t *testing.T) {
	const name = "bigsnap"
	dir := fixture.Dir(t, name)
	fixture.WriteFile(t, filepath.Join(dir, "not of the log"), []byte("text"))
	var total uint64
	for _, file := range []string{"00001.wal", "wal.meta"} {
		total += diskBytes(t, filepath.Join(dir, file))
	}
	onDisk := diskBytes(t, filepath.Join(dir, "00001.wal"))
	rows := func(size func(uint64) string) []string {
		return []string{
			fmt.Sprintf("on disk %s, 2 files", size(total)),
			fmt.Sprintf("00001.wal %s, %s on disk, 1 to 50, 50 entries", size(256<<20), size(onDisk)),
			fmt.Sprintf("snapshot index 20, term 2, %s, voters", size(3<<20)),
		}
	}
	for _, c := range []struct {
		how, text string
		size      func(uint64) string
	}{
		{"behind a pipe", ok(t, "stat", dir), terminal.Exactly},
		{"with --wide", onTerminal(t, "", 100, nil, "stat", "--wide", dir), terminal.Exactly},
		{"on a terminal", onTerminal(t, "", 100, nil, "stat", dir), terminal.Rounded},
	} {
		text := regexp.MustCompile(`(?m) +`).ReplaceAllString(c.text, " ")
		for _, want := range rows(c.size) {
			if !strings.Contains("\n"+text, "\n"+want) {
				t.Errorf("%s: no row %q in\n%s", c.how, want, text)
			}
		}
	}
}

// diskBytes is what a file's blocks take.
func diskBytes(t *testing.T, path string) uint64 {
	t.Helper()
	st, err := os.Stat(path)
	fixture.Must(t, err)
	return uint64(st.Sys().(*syscall.Stat_t).Blocks) * 512
}
