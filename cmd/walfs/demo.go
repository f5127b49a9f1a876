package main

import (
	"github.com/spf13/cobra"
	"github.com/walfs/walfs/walcore/detect"
	"github.com/walfs/walfs/walcore/wording"
)

type demoOptions struct {
	once   bool
	system string
}

func newDemoCommand() *cobra.Command {
	var opts demoOptions
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "A small Raft cluster, its log mounted, with a tour of it",
		Long: `Demo runs a key-value store on three Raft nodes in this process, each with its
log in a temporary folder. Values are written, the leader is stopped and
another one elected, and snapshots are taken. Then node 1's log is mounted
while writing goes on, and a tour looks around in it with ls, cat and grep,
printing each command. It stays until Ctrl-C so that you can look further, and
then leaves nothing behind. It needs Linux.

With --system etcd or hashicorp the same tour goes through a small log of a
real etcd, or of nodes like a Consul's, that the program carries.

Exit codes: 0 done, 1 failed, 2 wrong usage.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runDemo(cmd.Context(), opts, cmd.OutOrStdout())
		},
	}
	cmd.Flags().BoolVar(&opts.once, "once", false, "end after the tour")
	addSystem(cmd.Flags(), &opts.system)
	cmd.Flag("system").Usage = "the `SYSTEM` whose log is shown: " + wording.OneOf(detect.Systems)
	return cmd
}
