package platform

import (
	"io/fs"
	"os"
	"time"

	"github.com/walfs/walfs/walcore"
	"golang.org/x/sys/unix"
)

// noAccessTime is a flag of open. The kernel refuses it to all but root and the
// file's owner.
const noAccessTime = unix.O_NOATIME

func statFile(fd int) (walcore.Attr, error) { return statAt(fd, "", unix.AT_EMPTY_PATH) }

func statAt(dir int, name string, flags int) (walcore.Attr, error) {
	var st unix.Statx_t
	err := unix.Statx(dir, name, flags|unix.AT_STATX_SYNC_AS_STAT, unix.STATX_BASIC_STATS|unix.STATX_BTIME, &st)
	if err != nil {
		return walcore.Attr{}, err
	}
	a := walcore.Attr{
		Size:    int64(st.Size),
		Blocks:  int64(st.Blocks),
		Mode:    fs.FileMode(st.Mode).Perm(),
		Regular: st.Mode&unix.S_IFMT == unix.S_IFREG,
		UID:     st.Uid,
		GID:     st.Gid,
		Mtime:   time.Unix(st.Mtime.Sec, int64(st.Mtime.Nsec)),
		Ctime:   time.Unix(st.Ctime.Sec, int64(st.Ctime.Nsec)),
		Dev:     unix.Mkdev(st.Dev_major, st.Dev_minor),
		Inode:   st.Ino,
	}
	a.Born = a.Mtime
	if st.Mask&unix.STATX_BTIME != 0 && st.Btime.Sec > 0 {
		a.Born = time.Unix(st.Btime.Sec, int64(st.Btime.Nsec))
	}
	return a, nil
}

// FileSystemOf gives the state of the file system that an open file is on.
func FileSystemOf(f *os.File) (FileSystem, error) {
	var st unix.Statfs_t
	if err := onFile("statfs", f, func(fd int) error { return unix.Fstatfs(fd, &st) }); err != nil {
		return FileSystem{}, err
	}
	readOnly := st.Flags&unix.ST_RDONLY != 0
	// Where nothing can be written, as on an image or a mount of walfs, nothing is free either.
	return FileSystem{ReadOnly: readOnly, Full: !readOnly && st.Blocks > 0 && st.Bavail == 0}, nil
}
