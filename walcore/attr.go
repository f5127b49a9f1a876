package walcore

import (
	"io/fs"
	"time"
)

// Attr is what the operating system says of a file: Size and Blocks (of 512
// bytes) as they are on disk, Born the creation time, or the modification time
// where the file system keeps none. Ctime is when anything about the file last
// changed.
type Attr struct {
	Size               int64
	Blocks             int64
	Mode               fs.FileMode // permission bits only
	Regular            bool        // no folder, link, device or pipe
	UID, GID           uint32
	Mtime, Ctime, Born time.Time

	Dev   uint64 // which file system
	Inode uint64 // which file of it
}

// Made is when the file was created. Of a copy, which was created after it was last
// written, it is when that was: copying keeps the time of it.
func (a Attr) Made() time.Time {
	if a.Born.After(a.Mtime) {
		return a.Mtime
	}
	return a.Born
}

// DiskBytes is how many bytes of the disk the file takes.
func (a Attr) DiskBytes() int64 { return a.Blocks * 512 }

// FileID tells files of one file system apart.
func (a Attr) FileID() uint64 { return a.Inode }

// Same reports whether b is of the same file as a.
func (a Attr) Same(b Attr) bool { return a.Dev == b.Dev && a.Inode == b.Inode }
