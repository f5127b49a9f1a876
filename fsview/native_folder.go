package fsview

import (
	"path"
	"strings"

	"github.com/walfs/walfs/walcore"
)

func (t *Tree) nativeFolder(log walcore.Filer) *fixedFolder {
	files := make([]*walcore.NativeFile, len(t.native))
	for i := range t.native {
		files[i] = &t.native[i]
	}
	return t.nativeFolderAt("", files, log.Unreadable())
}

// nativeFolderAt makes native/, or a folder in it: of files whose names, which are paths,
// begin with dir. That is empty or ends with a slash.
func (t *Tree) nativeFolderAt(dir string, files []*walcore.NativeFile, unreadable []string) *fixedFolder {
	var items []item
	below := map[string][]*walcore.NativeFile{}
	for _, f := range files {
		name, _, deeper := strings.Cut(f.Name[len(dir):], "/")
		if deeper {
			below[name] = append(below[name], f)
			continue
		}
		items = append(items, t.add(name, nodeOfParts(kindNative, 0, hash([]byte(f.Name))), newNativeFile(f)))
	}
	for name, files := range below {
		sub := dir + name + "/"
		items = append(items, t.add(name, nodeOfParts(kindNativeFolder, 0, hash([]byte(sub))), t.nativeFolderAt(sub, files, unreadable)))
	}
	var here []string
	for _, name := range unreadable {
		if in, base := path.Split(name); in == dir {
			here = append(here, base)
		}
	}
	f := newFixedFolder(items...)
	f.unreadable = cannotBeRead(here)
	return f
}
