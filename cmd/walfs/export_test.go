package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
)

// TestExportNames: a folder's name does not reach a terminal as it is.
func TestExportNames(t *testing.T) {
	fixture.NotForRace(t)
	t.Parallel()
	out := filepath.Join(t.TempDir(), "a\x1bb")
	said := ok(t, "export", fixture.Dir(t, "empty"), "--out", out)
	if !strings.Contains(said, `a\x1bb": 0 log files written`) {
		t.Errorf("%q", said)
	}
}
