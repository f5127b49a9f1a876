// Package platform has what walfs needs from the operating system and package os does
// not have: opening a file without changing its access time, a file's identity, the
// state of a file system, and what a writer needs.
//
//	dir, err := platform.OpenDir(path)
//	…
//	f, err := platform.OpenIn(dir, "00001.wal")
//
// It works on paths and open files, and knows nothing of logs.
//
// Linux has all of it. Elsewhere there is what reading takes:
//
//	                          Linux        macOS, FreeBSD   Windows
//	reading leaves no atime   O_NOATIME    as mounted       as NTFS is set up
//	a file's identity         dev, inode   dev, inode       volume, file index
//	a file's ctime            yes          yes              its mtime
//	owner and group           yes          yes              0
//	writing                   yes          ErrUnsupported   ErrUnsupported
//	commands by /bin/sh       yes          yes              ErrUnsupported
//
// On Linux, a file's owner and root can open it so that reading does not change its
// access time. For other users the mount's options decide, and on macOS and FreeBSD
// they decide for all. Windows has access times only where that was switched on.
//
// Writing works only on Linux, because only there can a program find out whether
// another one writes to a file (see HasWriter).
package platform
