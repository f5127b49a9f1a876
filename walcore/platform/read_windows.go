package platform

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/walfs/walfs/walcore"
	"golang.org/x/sys/windows"
)

// Open opens a file for reading whose name a user gave.
func Open(name string) (*os.File, error) { return os.Open(name) }

// OpenDir opens a directory for reading. It fails with ENOTDIR where path is
// something else.
func OpenDir(path string) (*os.File, error) {
	f, err := openShared(path, path, 0)
	if err != nil {
		return nil, err
	}
	st, err := f.Stat()
	if err == nil && !st.IsDir() {
		err = &fs.PathError{Op: "open", Path: path, Err: syscall.ENOTDIR}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// List gives what is in an open directory now, in no order. It opens it
// again: an open directory need not list new files the second time.
func List(dir *os.File) ([]fs.DirEntry, error) {
	f, err := openShared(dir.Name(), dir.Name(), 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.ReadDir(-1)
}

// OpenIn opens a file of an open directory for reading. It follows no symbolic link.
// Unlike on other systems, it finds the directory by its path.
func OpenIn(dir *os.File, name string) (*os.File, error) {
	return openShared(filepath.Join(dir.Name(), name), name, windows.FILE_FLAG_OPEN_REPARSE_POINT)
}

// openShared opens so that others can still write to the file, rename and remove it;
// package os would not let them do the last two. Directories can be opened only with
// FILE_FLAG_BACKUP_SEMANTICS.
func openShared(path, name string, flags uint32) (*os.File, error) {
	p, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	h, err := windows.CreateFile(p, windows.GENERIC_READ,
		windows.FILE_SHARE_READ|windows.FILE_SHARE_WRITE|windows.FILE_SHARE_DELETE, nil,
		windows.OPEN_EXISTING, windows.FILE_FLAG_BACKUP_SEMANTICS|flags, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(h), name), nil
}

// Stat gives an open file's attributes.
func Stat(f *os.File) (walcore.Attr, error) {
	st, err := f.Stat()
	if err != nil {
		return walcore.Attr{}, err
	}
	var info windows.ByHandleFileInformation
	if err := windows.GetFileInformationByHandle(windows.Handle(f.Fd()), &info); err != nil {
		return walcore.Attr{}, &fs.PathError{Op: "stat", Path: f.Name(), Err: err}
	}
	a := walcore.Attr{
		Size:    st.Size(),
		Blocks:  (st.Size() + 511) / 512,
		Mode:    st.Mode().Perm(),
		Regular: st.Mode().IsRegular(),
		Mtime:   st.ModTime(),
		Ctime:   st.ModTime(),
		Born:    st.ModTime(),
		Dev:     uint64(info.VolumeSerialNumber),
		Inode:   uint64(info.FileIndexHigh)<<32 | uint64(info.FileIndexLow),
	}
	if born := time.Unix(0, info.CreationTime.Nanoseconds()); born.Unix() > 0 {
		a.Born = born
	}
	return a, nil
}

// StatPath gives the attributes of the file at a path. It follows symbolic links.
func StatPath(path string) (walcore.Attr, error) { return statShared(path, path, 0) }

// StatIn gives the attributes of a name in an open directory. It follows no symbolic
// link.
func StatIn(dir *os.File, name string) (walcore.Attr, error) {
	return statShared(filepath.Join(dir.Name(), name), name, windows.FILE_FLAG_OPEN_REPARSE_POINT)
}

func statShared(path, name string, flags uint32) (walcore.Attr, error) {
	f, err := openShared(path, name, flags)
	if err != nil {
		return walcore.Attr{}, err
	}
	defer f.Close()
	return Stat(f)
}

// FileSystemOf gives the state of the file system that an open directory is on.
// Some network shares do not say how much room they have: they count as not full.
func FileSystemOf(dir *os.File) (FileSystem, error) {
	var flags uint32
	err := windows.GetVolumeInformationByHandle(windows.Handle(dir.Fd()), nil, 0, nil, nil, &flags, nil, 0)
	if err != nil {
		return FileSystem{}, &fs.PathError{Op: "statfs", Path: dir.Name(), Err: err}
	}
	state := FileSystem{ReadOnly: flags&windows.FILE_READ_ONLY_VOLUME != 0}
	p, err := windows.UTF16PtrFromString(dir.Name())
	if err != nil {
		return FileSystem{}, &fs.PathError{Op: "statfs", Path: dir.Name(), Err: err}
	}
	var free, total uint64
	if windows.GetDiskFreeSpaceEx(p, &free, &total, nil) == nil {
		state.Full = total > 0 && free == 0
	}
	return state, nil
}
