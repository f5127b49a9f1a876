package platform

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestInside(t *testing.T) {
	tmp := t.TempDir()
	dir := filepath.Join(tmp, "w")
	must(t, os.MkdirAll(filepath.Join(dir, "sub"), 0o700))
	paths := map[string]bool{"w/copy": true, "w/sub/copy": true, "w": false, "w2": false, "w/../copy": false}
	if os.Symlink(filepath.Join(dir, "sub"), filepath.Join(tmp, "link")) == nil { // Windows may refuse
		paths["link/copy"] = true
	}
	for path, want := range paths {
		if got, err := Inside(filepath.Join(tmp, path), dir); got != want || err != nil {
			t.Errorf("%s: %v, %v; want %v", path, got, err, want)
		}
	}
	if got, err := Inside("copy", dir); got || err != nil { // in the working directory
		t.Errorf("%v, %v", got, err)
	}
	for path, in := range map[string]string{"missing/copy": "w", "w/copy": "gone"} {
		if _, err := Inside(filepath.Join(tmp, path), filepath.Join(tmp, in)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s in %s: %v", path, in, err)
		}
	}
}
