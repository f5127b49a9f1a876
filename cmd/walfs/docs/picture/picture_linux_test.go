package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/child"
	"github.com/walfs/walfs/test/fixture"
)

func TestMain(m *testing.M) { os.Exit(child.Main(m)) }

// TestPicture: the picture shows what the commands in it print now.
func TestPicture(t *testing.T) {
	child.NeedFUSE(t)
	svg, err := draw("../../../..", filepath.Dir(child.Walfs(t)))
	fixture.Must(t, err)
	if svg != string(fixture.ReadFile(t, filepath.Join("../../../..", picture))) {
		t.Errorf("%s is out of date: go run ./cmd/walfs/docs/picture", picture)
	}
}
