package main

import (
	"github.com/spf13/cobra"
)

type mountOptions struct {
	tree       treeFlags
	frozen     bool
	xattrs     bool
	allowOther bool
}

func newMountCommand() *cobra.Command {
	var opts mountOptions
	cmd := &cobra.Command{
		Use:   "mount DIR MOUNTPOINT",
		Short: "Serve the tree until Ctrl-C or umount",
		Long: `Mount shows the Raft directory DIR on the empty folder MOUNTPOINT, read-only,
and stays in the foreground. Ctrl-C, SIGTERM, umount and fusermount3 -u end it.
It follows the directory: what a running node writes appears at once. --frozen
shows it as it is when the command starts, and native/ as walfs copy would write
it then, for backups. It runs with niceness 5: where
processors are short, the node has more of them. It needs Linux.

With --xattrs an entry's file has the extended attributes user.raft.term, .index,
.type, .file and .offset (of its payload in the log file): getfattr -d shows them.

Exit codes: 0 unmounted, 1 failed, 2 wrong usage, 4 wrong key.`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runMount(cmd.Context(), opts, args)
		},
	}
	opts.tree.add(cmd.Flags())
	cmd.Flags().BoolVar(&opts.frozen, "frozen", false, "show the log as it is now, whatever is written later; what is destroyed gives errors")
	cmd.Flags().BoolVar(&opts.xattrs, "xattrs", false, "give entries extended attributes; ls -l asks for them, two requests a file")
	cmd.Flags().BoolVar(&opts.allowOther, "allow-other", false, "let other users in, as far as the files' permissions allow")
	return cmd
}
