package platform

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestPlace: until a copy is finished, nothing has its name; then it is all there is.
func TestPlace(t *testing.T) {
	for _, isFolder := range []bool{true, false} {
		temp, source := t.TempDir(), t.TempDir()
		out := filepath.Join(temp, "out")
		fill := func() *Place {
			t.Helper()
			p, err := NewPlace(out, source, isFolder)
			must(t, err)
			must(t, os.Mkdir(p.Parts, 0o700))
			name := p.Unfinished
			if isFolder {
				must(t, os.Mkdir(name, 0o700))
				name = filepath.Join(name, "a")
			}
			must(t, os.WriteFile(name, []byte("all"), 0o600))
			wantNames(t, temp, ".out.walfs-unfinished")
			return p
		}
		must(t, fill().Close()) // it was interrupted
		wantNames(t, temp)
		killed := fill()
		if killed.lock != nil {
			must(t, killed.lock.Close()) // as the end of a process does it
		}
		p := fill()
		if isFolder {
			must(t, os.Mkdir(out, 0o700)) // an empty one does no harm
		}
		must(t, p.Finish())
		must(t, p.Close())
		wantNames(t, temp, "out")
		_, err := NewPlace(out, source, isFolder)
		wantError(t, err, map[bool]string{true: "is not empty, it holds a", false: "exists already"}[isFolder])
		wantNames(t, temp, "out")
	}
}

// TestPlaceTaken: what is made while the copy is written is not overwritten.
func TestPlaceTaken(t *testing.T) {
	for _, isFolder := range []bool{true, false} {
		temp := t.TempDir()
		out := filepath.Join(temp, "out")
		p, err := NewPlace(out, t.TempDir(), isFolder)
		must(t, err)
		must(t, os.WriteFile(p.Unfinished, nil, 0o600))
		must(t, os.WriteFile(out, []byte("mine"), 0o600))
		wantError(t, p.Finish(), "exists already")
		must(t, p.Close())
		if b, err := os.ReadFile(out); string(b) != "mine" {
			t.Errorf("%q, %v", b, err)
		}
		wantNames(t, temp, "out")
	}
	folder := t.TempDir()
	_, err := NewPlace(folder, t.TempDir(), false) // an archive does not replace a folder
	wantError(t, err, "exists already")
}

// TestPlaceInTheWay: nothing is removed that a Place has not made.
func TestPlaceInTheWay(t *testing.T) {
	temp := t.TempDir()
	hidden := filepath.Join(temp, ".out.walfs-unfinished")
	must(t, os.Mkdir(hidden, 0o700))
	must(t, os.WriteFile(filepath.Join(hidden, "notes"), nil, 0o600))
	_, err := NewPlace(filepath.Join(temp, "out"), t.TempDir(), true)
	wantError(t, err, "it holds notes, which walfs has not written; move it away")
	wantNames(t, hidden, "notes")
}

func wantError(t *testing.T, err error, text string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), text) {
		t.Errorf("%v, want %q", err, text)
	}
}

func wantNames(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s has %q, want %q", dir, got, want)
	}
}

func TestInside(t *testing.T) {
	tmp := t.TempDir()
	dir := filepath.Join(tmp, "w")
	must(t, os.MkdirAll(filepath.Join(dir, "sub"), 0o700))
	paths := map[string]bool{"w/copy": true, "w/sub/copy": true, "w": false, "w2": false, "w/../copy": false}
	if os.Symlink(filepath.Join(dir, "sub"), filepath.Join(tmp, "link")) == nil { // Windows may refuse
		paths["link/copy"] = true
	}
	for path, want := range paths {
		if got, err := inside(filepath.Join(tmp, path), dir); got != want || err != nil {
			t.Errorf("%s: %v, %v; want %v", path, got, err, want)
		}
	}
	if got, err := inside("copy", dir); got || err != nil { // in the working directory
		t.Errorf("%v, %v", got, err)
	}
	for path, in := range map[string]string{"missing/copy": "w", "w/copy": "gone"} {
		if _, err := inside(filepath.Join(tmp, path), filepath.Join(tmp, in)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s in %s: %v", path, in, err)
		}
	}
}
