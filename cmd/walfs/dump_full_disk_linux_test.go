package main

import (
	"os"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
)

// TestDumpToAFullDisk: that nothing more can be written is said, once.
func TestDumpToAFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	fixture.Must(t, err)
	defer full.Close()
	for _, args := range [][]string{{"dump"}, {"dump", "--follow"}, {"dump", "--format", "json"}} {
		cmd := command(t, t.Context(), append(args, fixture.Dir(t, "alpha"))...)
		var errs strings.Builder
		cmd.Stdout, cmd.Stderr = full, &errs
		cmd.Run()
		if code := cmd.ProcessState.ExitCode(); code != 1 || errs.String() != "walfs: write /dev/full: no space left on device\n" &&
			errs.String() != "walfs: write /dev/stdout: no space left on device\n" {
			t.Errorf("%v: exit code %d, %q", args, code, errs.String())
		}
	}
}
