// Package platform is what walfs asks of the operating system beyond package
// os: opening a file without a trace, telling files apart, the state of a file
// system, and what a writer needs. It works on paths and open files, and knows
// nothing of logs.
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
// A file's owner and root may open it on Linux so that reading leaves its access
// time alone; for others the kernel goes by the mount's options, as it does on
// macOS and FreeBSD for all. Windows keeps access times only where it was told to.
//
// Writing is refused outside Linux, because only there a program can learn that
// nobody else has a file open (see OpenElsewhere).
package platform
