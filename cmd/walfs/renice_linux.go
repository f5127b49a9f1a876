package main

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// giving is the niceness of a mount. Where processors are short, the node whose
// log it shows must have more of them, for it may be in trouble; the mount must
// still have some, to follow it.
const giving = 5

// giveWay makes the process nice, as far as it may. Linux keeps a niceness for
// each thread; new ones take that of the thread that starts them, so a second
// look finds those that were started during the first.
func giveWay() {
	for range 2 {
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return
		}
		for _, thread := range threads {
			if id, err := strconv.Atoi(thread.Name()); err == nil {
				// 20 less the niceness, as the system call has it.
				if now, err := unix.Getpriority(unix.PRIO_PROCESS, id); err == nil && 20-now < giving {
					unix.Setpriority(unix.PRIO_PROCESS, id, giving)
				}
			}
		}
	}
}
