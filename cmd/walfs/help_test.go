package main

import (
	"strings"
	"testing"

	"github.com/walfs/walfs/cmd/walfs/terminal"
	"github.com/walfs/walfs/test/fixture"
)

// TestHelpFits: the help of every command fits a terminal of 80 columns.
func TestHelpFits(t *testing.T) {
	fixture.NotForRace(t)
	commands := [][]string{nil}
	for _, c := range newRoot(new(bool)).Commands() {
		commands = append(commands, []string{c.Name()})
	}
	if len(commands) < 20 {
		t.Fatalf("only %v", commands)
	}
	for _, c := range commands {
		for line := range strings.Lines(ok(t, append(c, "--help")...)) {
			line = strings.TrimSuffix(line, "\n")
			if got := terminal.Width(line); got > 80 {
				t.Errorf("walfs %s --help: a line of %d columns: %s", strings.Join(c, " "), got, line)
			}
		}
	}
}
