/*
Package fusefs serves an fsview.Tree through FUSE, on Linux.

	live := fsview.NewLive(fsview.New(r, nil))
	m, err := fusefs.Mount(live, "/mnt/log", fusefs.Options{Dir: dir})
	…
	<-m.Done() // somebody has unmounted it; m.Close does so too

A Live is followed: what is written to the directory is seen in the mount a moment
later. A Tree stays as it is.

# What makes it fast

A request to a FUSE server takes longer than most answers do. So all is done for the
kernel to answer programs by itself:

  - Node ids are the tree's own numbers. There is no table of inodes, nothing to forget,
    and memory does not grow with what the kernel has seen.
  - OPEN, FLUSH, ACCESS, LSEEK and STATX are answered with ENOSYS once a mount, and the
    kernel never asks again.
  - READDIRPLUS gives attributes with the names, so that find and ls -l send no LOOKUP
    and no GETATTR. In a large folder, ls -f is given names alone (see openFolders).
  - The kernel keeps the list of a folder, a list of names alone too. It is OPENDIR that
    tells who comes next: a program that may look at the names has the list anew.
  - The mount is read-only. On another, each read would change the access time, which
    the kernel would then ask for.
  - There are no extended attributes, unless [Options] asks for them.
  - Where entries are read one after the other, those that follow are put into the
    kernel's page cache, so that one READ in hundreds is left (see readAhead).

# What the kernel caches, and how it is invalidated

The kernel may cache what cannot change for as long as it likes: all of a Tree, and the
committed entries of a Live. The rest of a Live it may cache for a second. But it does not
take a second until a change is seen: after each change the kernel is notified of what it
may have cached and is no longer right. That is

  - a name that leads elsewhere or nowhere, or leads somewhere now and did not before,
  - the list of a folder that has other names now,
  - pages and attributes of a file that has other bytes under the same node.

A notification is a system call, and most of a log nobody looks at. So the server remembers
which entries' names it has given to the kernel, in bounded memory, and notifies it of
those (see cachedNames). An answer that was made from the old tree can reach the kernel
after the notification. So there is a second pass, at the next look at the directory, for
all that was given to the kernel in the meantime.

An open file keeps the node that it was opened with. If there is no such node any more,
READ is answered with ESTALE; if the bytes cannot be read, with EIO. A program gets the old
bytes or an error, and never a mixture.

# Why it cannot deadlock

A notification can wait in the kernel for a request of the same folder or file that is
being answered, and storing a page waits for the READ of that page. None of those may
wait for what waits for it:

  - No request waits for a notification. Those of changes come from one goroutine, which
    holds no lock meanwhile; that a list of names alone is to be dropped, from one of its own.
  - A READ may wait until the files that follow are stored, but not while its own file is
    being stored; and while it waits, its file is not stored (see readAhead).
  - The mountpoint does not overlap the directory that is shown, so that answering a
    request never needs another request. [Mount] sees to that.

Programs that use the mount must be other processes. One that looks at its own mount can
wait for itself.
*/
package fusefs
