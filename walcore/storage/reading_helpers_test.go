package storage

import (
	"errors"
	"io/fs"
	"strconv"

	"github.com/walfs/walfs/fsview"
	"github.com/walfs/walfs/walcore/dgraph"
)

// viewEntries reads all of entries/ through the mount's tree, until fn says
// what is wrong.
func viewEntries(r *dgraph.Reader, fn func(index uint64, data []byte, err error) string) error {
	tree := fsview.New(r, nil)
	list, err := fs.ReadDir(tree, "entries")
	if err != nil {
		return err
	}
	for _, e := range list {
		index, err := strconv.ParseUint(e.Name(), 10, 64)
		if err != nil {
			return err
		}
		data, err := fs.ReadFile(tree, "entries/"+e.Name())
		if p := fn(index, data, err); p != "" {
			return errors.New(p)
		}
	}
	return nil
}
