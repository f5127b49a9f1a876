package walcore_test

import (
	"errors"
	"io/fs"
	"strconv"

	"github.com/walfs/walfs/fsview"
	"github.com/walfs/walfs/walcore"
)

// What the mount shows. Package fsview imports walcore, so that the tests
// inside walcore cannot.
func init() {
	walcore.ViewEntries = func(r *walcore.Reader, fn func(index uint64, data []byte, err error) string) error {
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
}
