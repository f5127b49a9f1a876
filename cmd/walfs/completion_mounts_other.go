//go:build !linux

package main

import "github.com/spf13/cobra"

// mountpoints are folders: there are no mounts here.
func mountpoints(cmd *cobra.Command, args []string, toComplete string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return folders(cmd, args, toComplete)
}
