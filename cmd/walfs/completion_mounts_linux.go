package main

import (
	"strings"

	"github.com/moby/sys/mountinfo"
	"github.com/spf13/cobra"
)

// mountpoints are walfs's mounts for umount, and folders for the others.
func mountpoints(cmd *cobra.Command, args []string, toComplete string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if cmd.Name() != "umount" {
		return folders(cmd, args, toComplete)
	}
	mounts, err := mountinfo.GetMounts(mountinfo.FSTypeFilter("fuse.walfs"))
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var choices []cobra.Completion
	for _, m := range mounts {
		if strings.HasPrefix(m.Mountpoint, toComplete) {
			choices = append(choices, cobra.CompletionWithDesc(m.Mountpoint, m.Source))
		}
	}
	return choices, cobra.ShellCompDirectiveNoFileComp
}
