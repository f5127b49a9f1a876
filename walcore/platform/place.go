package platform

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
)

// Inside reports whether what is made at path, which need not be there yet, would lie in
// the folder dir or in a folder below it. It follows links.
func Inside(path, dir string) (bool, error) {
	outer, err := os.Stat(dir)
	if err != nil {
		return false, err
	}
	at, err := filepath.Abs(filepath.Dir(filepath.Clean(path)))
	if err == nil {
		at, err = filepath.EvalSymlinks(at)
	}
	if err != nil {
		return false, err
	}
	for {
		st, err := os.Stat(at)
		if err != nil || os.SameFile(st, outer) {
			return err == nil, err
		}
		parent := filepath.Dir(at)
		if parent == at {
			return false, nil
		}
		at = parent
	}
}

// SyncPath makes a file durable, or the names in a folder. Windows cannot do that with
// a folder, and does it by itself.
func SyncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	st, err := f.Stat()
	if err == nil && (runtime.GOOS != "windows" || !st.IsDir()) {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}
