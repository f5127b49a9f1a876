package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/export"
	"github.com/walfs/walfs/walcore/platform"
)

// checkPlaces finds directories that would be exported to the same files, and those
// that the tables would lie in.
func (o *exportOptions) checkPlaces(ctx context.Context, dirs []string) error {
	taken := map[string]string{}
	for i, dir := range dirs {
		for i, folder := range append([]string{o.out}, export.Folders(o.out)...) {
			if in, err := platform.LiesIn(folder, dir); err == nil && in {
				what := "--out " + quoted(o.out)
				if i > 0 {
					what = quoted(folder) + ", a folder of --out,"
				}
				return usageError(fmt.Sprintf("%s lies in %s, which is not to be changed: give a folder outside of it", what, quoted(dir)))
			}
		}
		if len(dirs) == 1 {
			return nil
		}
		log, err := o.open(ctx, dir, i)
		if err != nil {
			return err
		}
		m := log.Meta()
		place := export.Place(m)
		if err := log.Close(); err != nil {
			return err
		}
		if other, ok := taken[place]; ok {
			if m.System.Name == walcore.HashiCorp {
				return usageError(fmt.Sprintf("%s and %s do not tell which node they are of: give each a folder of its own", quoted(other), quoted(dir)))
			}
			return usageError(fmt.Sprintf("%s and %s are of the same node of the same group, and would both be exported as %s: give one of them, or each a folder of its own",
				quoted(other), quoted(dir), filepath.ToSlash(place)))
		}
		taken[place] = dir
	}
	return nil
}

func (o *exportOptions) open(ctx context.Context, dir string, i int) (walcore.Log, error) {
	defer endSaying(ctx, ": "+exportedSoFar)()
	return o.read.open(dir, i)
}
