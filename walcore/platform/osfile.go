package platform

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Attr is what the operating system says of a file: size and Blocks (of 512
// bytes) as they are on disk, Born the creation time, or the modification
// time where the file system keeps none.
type Attr struct {
	Size        int64
	Blocks      int64
	Mode        fs.FileMode // permission bits only
	UID, GID    uint32
	Mtime, Born time.Time

	Regular    bool
	dev, inode uint64
	Ctime      time.Time
}

// FileID tells files of one file system apart.
func (a Attr) FileID() uint64 { return a.inode }

// same reports whether b is of the same file as a.
func (a Attr) Same(b Attr) bool { return a.dev == b.dev && a.inode == b.inode }

// openReadOnly opens name below the directory dirfd in a way that leaves no
// trace: no write access, no atime where the kernel lets us, no symbolic link
// followed, and no waiting at a FIFO.
func OpenReadOnly(dirfd int, name string, flags int) (*os.File, error) {
	flags |= unix.O_RDONLY | unix.O_CLOEXEC | unix.O_NONBLOCK
	fd, err := openRetry(dirfd, name, flags|unix.O_NOATIME)
	if errors.Is(err, unix.EPERM) {
		// O_NOATIME is for the file's owner; others leave the atime to
		// the mount's relatime rule.
		fd, err = openRetry(dirfd, name, flags)
	}
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return os.NewFile(uintptr(fd), name), nil
}

func openRetry(dirfd int, name string, flags int) (int, error) {
	for {
		fd, err := unix.Openat(dirfd, name, flags, 0)
		if err != unix.EINTR {
			return fd, err
		}
	}
}

func StatFile(f *os.File) (Attr, error) {
	a, err := StatAt(int(f.Fd()), "", unix.AT_EMPTY_PATH)
	if err != nil {
		return Attr{}, fmt.Errorf("stat %s: %w", f.Name(), err)
	}
	return a, nil
}

func StatAt(dirfd int, name string, flags int) (Attr, error) {
	var st unix.Statx_t
	err := unix.Statx(dirfd, name, flags|unix.AT_STATX_SYNC_AS_STAT, unix.STATX_BASIC_STATS|unix.STATX_BTIME, &st)
	if err != nil {
		return Attr{}, err
	}
	a := Attr{
		Size:   int64(st.Size),
		Blocks: int64(st.Blocks),
		Mode:   fs.FileMode(st.Mode).Perm(),
		UID:    st.Uid,
		GID:    st.Gid,

		Regular: st.Mode&unix.S_IFMT == unix.S_IFREG,
		dev:     unix.Mkdev(st.Dev_major, st.Dev_minor),
		inode:   st.Ino,
		Ctime:   time.Unix(st.Ctime.Sec, int64(st.Ctime.Nsec)),
		Mtime:   time.Unix(st.Mtime.Sec, int64(st.Mtime.Nsec)),
	}
	a.Born = a.Mtime
	if st.Mask&unix.STATX_BTIME != 0 && st.Btime.Sec > 0 {
		a.Born = time.Unix(st.Btime.Sec, int64(st.Btime.Nsec))
	}
	return a, nil
}

// typeName says what a file is that is not a regular one.
func TypeName(t fs.FileMode) string {
	switch {
	case t.IsDir():
		return "folder"
	case t&fs.ModeSymlink != 0:
		return "symbolic link"
	}
	return "device or pipe"
}
