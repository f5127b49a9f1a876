package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/walfs/walfs/fsview/fusefs"
	"github.com/walfs/walfs/walcore/platform"
	"golang.org/x/sys/unix"
)

func runUmount(ctx context.Context, at string) error {
	mount, err := fusefs.Find(at)
	if err != nil {
		return err
	}
	// Opened before the mount goes: the number could be another process's afterwards.
	server := -1
	if mount.Server != 0 {
		if fd, err := unix.PidfdOpen(mount.Server, 0); err == nil {
			server = fd
			defer unix.Close(fd)
		}
	}
	err = fusefs.Unmount(mount.At)
	if errors.Is(err, fusefs.ErrBusy) {
		return detachBusy(mount)
	}
	if err != nil {
		return fmt.Errorf("unmount %s: %w", mount.At, err)
	}
	return awaitEnd(ctx, server, mount)
}

// detachBusy says who uses a mount, and frees its path.
func detachBusy(mount *fusefs.Found) error {
	users := platform.Users(mount.At)
	if err := fusefs.Detach(mount.At); err != nil {
		return fmt.Errorf("%s is in use, and detaching it failed: %w", mount.At, err)
	}
	for i, u := range users {
		if i == mostUsers {
			notef("and %s more", count(len(users)-i, "process", "processes"))
			break
		}
		notef("%s (pid %d) %s %s", u.Command, u.PID, u.How, u.Path)
	}
	by := "by processes that this user may not see, or by a mount below it"
	if len(users) > 0 {
		by = "by " + count(len(users), "process", "processes")
	}
	notef("%s was in use %s: detached; its server ends when they have let go of it", mount.At, by)
	return nil
}

// mostUsers is how many users of a mount are named.
const mostUsers = 20

// serverPatience is how long a server may take to end once nothing is mounted. It has
// nothing left to do but to close files.
const serverPatience = 30 * time.Second

// awaitEnd waits until the process of a descriptor has ended, if there is one.
func awaitEnd(ctx context.Context, server int, mount *fusefs.Found) error {
	if server < 0 {
		return nil
	}
	for end := time.Now().Add(serverPatience); time.Now().Before(end); {
		if ctx.Err() != nil {
			return fmt.Errorf("%w: %s is unmounted, its server (pid %d) has not ended yet", context.Cause(ctx), mount.At, mount.Server)
		}
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(server), Events: unix.POLLIN}}, 100)
		if n > 0 || err != nil && err != unix.EINTR {
			return nil
		}
	}
	return fmt.Errorf("%s is unmounted, but its server (pid %d) does not end; kill it", mount.At, mount.Server)
}
