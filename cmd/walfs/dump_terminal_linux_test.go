package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/creack/pty"
	"github.com/walfs/walfs/cmd/walfs/terminal"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/memlog"
	"github.com/walfs/walfs/walcore/payload"
)

// TestDumpFitsTheTerminal: a row takes one line, and what is cut can be seen with --wide
// or behind a pipe.
func TestDumpFitsTheTerminal(t *testing.T) {
	for _, name := range append(fixture.WithDecoded(), "rewritten") {
		dir := fixture.Dir(t, name)
		all := ok(t, "dump", dir)
		if got := onTerminal(t, "", 80, nil, "dump", "--wide", dir); got != all {
			t.Errorf("%s: --wide on a terminal is not what a pipe gets", name)
		}
		cut := 0
		got := lines(onTerminal(t, "", 80, nil, "dump", dir))
		for i, line := range lines(all) {
			if terminal.Width(line) <= 80 {
				if got[i] != line {
					t.Fatalf("%s: %q, want %q", name, got[i], line)
				}
				continue
			}
			cut++
			// What comes last in a line, pending transactions, stays.
			before, after, found := strings.Cut(got[i], "…")
			if !found || terminal.Width(got[i]) > 80 || !strings.HasPrefix(line, before) || !strings.HasSuffix(line, after) {
				t.Fatalf("%s: %q, of %q", name, got[i], line)
			}
			if strings.HasSuffix(line, " pending") && !strings.HasSuffix(got[i], " pending") {
				t.Fatalf("%s: %q lacks what is pending", name, got[i])
			}
		}
		if len(got) != len(lines(all)) || cut == 0 && name != "zero" {
			t.Errorf("%s: %d lines of which %d are cut, want %d", name, len(got), cut, len(lines(all)))
		}
	}
}

// TestDumpProgress: it is for those who cannot see the entries: on a terminal, where they
// go elsewhere.
func TestDumpProgress(t *testing.T) {
	primary, tty, err := pty.Open()
	fixture.Must(t, err)
	defer primary.Close()
	defer tty.Close()
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	fixture.Must(t, err)
	defer file.Close()
	before := os.Stderr
	defer func() { os.Stderr = before }()
	for _, test := range []struct {
		name           string
		stdout, stderr *os.File
		follow, want   bool
	}{
		{"file", file, tty, false, true},
		{"terminal", tty, tty, false, false},
		{"following", file, tty, true, false},
		{"nobody", file, file, false, false},
	} {
		os.Stderr = test.stderr
		o := dumpOptions{format: "table", follow: test.follow, filter: filterOf(t, "--to 9")}
		d := newDumper(&o, memlog.Sample("w"), payload.NewDgraph(payload.Alpha, payload.Options{}), test.stdout)
		if got := d.progress.tell != nil; got != test.want {
			t.Errorf("%s: it shows progress: %t", test.name, got)
		}
		if test.want && d.progress.total != 17 { // entries 7 to 9
			t.Errorf("%s: of %d bytes", test.name, d.progress.total)
		}
	}
}
