package storage

import (
	"testing"

	"github.com/walfs/walfs/walcore/dgraph"
)

// openReader reads a directory until the test ends.
func openReader(t testing.TB, dir string, key []byte) *dgraph.Reader {
	t.Helper()
	r, err := dgraph.OpenReader(dir, dgraph.ReaderOptions{Key: key})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}
