package platform

import "io/fs"

// TypeName names the type of a file that is not a regular file.
func TypeName(t fs.FileMode) string {
	switch {
	case t.IsDir():
		return "folder"
	case t&fs.ModeSymlink != 0:
		return "symbolic link"
	}
	return "device or pipe"
}
