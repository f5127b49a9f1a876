package platform

import "io/fs"

// TypeName says what a file is that is not a regular one.
func TypeName(t fs.FileMode) string {
	switch {
	case t.IsDir():
		return "folder"
	case t&fs.ModeSymlink != 0:
		return "symbolic link"
	}
	return "device or pipe"
}
