package httpfs

import (
	"io/fs"

	"github.com/walfs/walfs/fsview"
)

// Folders is what New and NewDAV serve as the folder above trees: it lists the names under
// which other handlers serve those, and has nothing else.
func Folders(names []string) fsview.View { return folders{names: names} }

type folders struct {
	fsview.View // nil: no file of it is ever asked for, as it has none
	names       []string
}

func (f folders) Attr(n fsview.Node) (fsview.Attr, error) {
	if n != fsview.Root {
		return fsview.Attr{}, fs.ErrNotExist
	}
	return fsview.Attr{Mode: fs.ModeDir | 0o555}, nil
}

func (f folders) Lookup(fsview.Node, string) (fsview.Node, error) { return 0, fs.ErrNotExist }

func (f folders) List(_ fsview.Node, after uint64, fn func(fsview.Dirent) bool) error {
	for i := int(after); i < len(f.names); i++ {
		if !fn(fsview.Dirent{Name: f.names[i], Type: fs.ModeDir, Cookie: uint64(i) + 1}) {
			break
		}
	}
	return nil
}
