package main

import "github.com/spf13/cobra"

func newUmountCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "umount MOUNTPOINT",
		Short: "End a mount; where it is in use, say by whom and detach it",
		Long: `Umount ends the mount on MOUNTPOINT, and waits until the process that has
served it has ended. (Before Linux 6.13 it cannot know that process.) Other
file systems' mounts it refuses.

Where the mount is in use, umount says by which processes, and detaches it: the
path is free at once, what is open can be read on, and the server ends with the
last user. A mount whose server was killed is taken away.

Root may end all mounts, other users those that they have made; it takes
fusermount3 then.

Exit codes: 0 unmounted or detached, 1 failed, 2 wrong usage, 130 and 143 ended
by SIGINT and SIGTERM.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runUmount(cmd.Context(), args[0])
		},
	}
}
