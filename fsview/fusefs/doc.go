/*
Package fusefs serves an fsview.Tree through FUSE, on Linux.

	live := fsview.NewLive(fsview.New(r, nil))
	m, err := fusefs.Mount(live, "/mnt/log", fusefs.Options{Dir: dir})
	…
	<-m.Done() // somebody has unmounted it; m.Close does so too

A Live is followed: what is written to the directory is seen in the mount a moment
later. A Tree stays as it is.

# What makes it fast

A request to a FUSE server costs more than most answers. So the kernel is given what
lets it answer by itself, and is told early what it need not ask:

  - Node ids are the tree's own numbers. There is no table of inodes, nothing to forget,
    and memory does not grow with what the kernel has seen.
  - OPEN, OPENDIR, FLUSH, ACCESS, LSEEK and STATX are answered with ENOSYS once a mount,
    and the kernel never asks again.
  - READDIRPLUS gives attributes with the names, so that find and ls -l send no LOOKUP
    and no GETATTR.
  - The mount is read-only. On another, each read would change the access time, which
    the kernel would then ask for.
  - There are no extended attributes, unless [Options] asks for them.
  - READ of one entry puts the entries that follow it into the kernel's page cache (see
    readAhead).

# What the kernel caches, and how that is taken back

What cannot change, all of a Tree and the committed entries of a Live, the kernel may
cache for as long as it likes. The rest of a Live it may cache for a second. That bounds
how long a mistake can last; what keeps the mount right is that after each change the
kernel is notified of whatever it may have cached and that is no longer so:

  - names that lead elsewhere or nowhere, those of which it was told that there is no
    such file among them,
  - lists of folders that have other names now,
  - pages and attributes of files that have other bytes under the same node.

A notification is a system call, and nobody looks at most of a log. So it is remembered,
in bounded memory, of which entries the kernel was given names, and only those are
notified (see cachedNames). An answer made from the old tree can reach the kernel after
the notification. So all that was given since the change is notified a second time, at
the next look at the directory.

A file that is open has the node that it had when it was opened. What its node no longer
stands for is answered with ESTALE, and what cannot be read with EIO: programs get the old
bytes or an error.

# Why it cannot deadlock

A notification can wait in the kernel for a request of the same folder or file that is
being answered, and storing a page waits for the READ of that page. So no request may ever
wait for a notification or a store:

  - All notifications come from one goroutine, which holds no lock meanwhile.
  - All stores come from one other goroutine. Requests hand it work without waiting; if
    it is busy, the work is dropped.
  - The mountpoint does not overlap the directory that is shown, so that answering a
    request never needs another request. [Mount] sees to that.

Programs that use the mount must be other processes. One that looks at its own mount can
wait for itself.
*/
package fusefs
