package walcore

import "testing"

// openReader reads a directory until the test ends.
func openReader(t testing.TB, dir string, key []byte) *Reader {
	t.Helper()
	r, err := OpenReader(dir, ReaderOptions{Key: key})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}
