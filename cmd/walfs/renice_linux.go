package main

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// mountNiceness is the niceness of a mount, and of a copy. Where processors are short, the node
// whose log it reads must have more of them than the mount, and the mount enough
// to follow the node.
const mountNiceness = 5

// renice gives the process the niceness of a mount, unless its own is higher.
// Linux keeps a niceness for each thread; a new thread has that of the one which
// started it, so that a second look finds those that were started during the first.
func renice() {
	for range 2 {
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return
		}
		for _, thread := range threads {
			if id, err := strconv.Atoi(thread.Name()); err == nil {
				// The system call gives 20 less the niceness.
				if now, err := unix.Getpriority(unix.PRIO_PROCESS, id); err == nil && 20-now < mountNiceness {
					unix.Setpriority(unix.PRIO_PROCESS, id, mountNiceness)
				}
			}
		}
	}
}
