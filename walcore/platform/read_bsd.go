//go:build darwin || freebsd

package platform

import (
	"io/fs"
	"os"
	"time"

	"github.com/walfs/walfs/walcore"
	"golang.org/x/sys/unix"
)

// noAccessTime: there is no such flag here.
const noAccessTime = 0

func statFile(fd int) (walcore.Attr, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return walcore.Attr{}, err
	}
	return attrOf(&st), nil
}

func statAt(dir int, name string, flags int) (walcore.Attr, error) {
	var st unix.Stat_t
	if err := unix.Fstatat(dir, name, &st, flags); err != nil {
		return walcore.Attr{}, err
	}
	return attrOf(&st), nil
}

func attrOf(st *unix.Stat_t) walcore.Attr {
	a := walcore.Attr{
		Size:    st.Size,
		Blocks:  st.Blocks,
		Mode:    fs.FileMode(st.Mode).Perm(),
		Regular: st.Mode&unix.S_IFMT == unix.S_IFREG,
		UID:     st.Uid,
		GID:     st.Gid,
		Mtime:   time.Unix(st.Mtim.Unix()),
		Ctime:   time.Unix(st.Ctim.Unix()),
		Dev:     uint64(st.Dev),
		Inode:   st.Ino,
	}
	a.Born = a.Mtime
	if sec, nsec := st.Btim.Unix(); sec > 0 {
		a.Born = time.Unix(sec, nsec)
	}
	return a
}

// FileSystemOf gives the state of the file system that an open file is on.
func FileSystemOf(f *os.File) (FileSystem, error) {
	var st unix.Statfs_t
	if err := onFile("statfs", f, func(fd int) error { return unix.Fstatfs(fd, &st) }); err != nil {
		return FileSystem{}, err
	}
	// FreeBSD gives a negative number once root uses the room reserved for root.
	readOnly := st.Flags&unix.MNT_RDONLY != 0
	return FileSystem{ReadOnly: readOnly, Full: !readOnly && st.Blocks > 0 && int64(st.Bavail) <= 0}, nil
}
