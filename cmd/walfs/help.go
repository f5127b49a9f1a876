package main

import (
	"github.com/spf13/cobra"
)

// refuseUnknownTopics has walfs help nosuch fail as walfs nosuch does. Cobra's own help
// prints its answer and succeeds.
func refuseUnknownTopics(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	help, _, err := root.Find([]string{"help"})
	if err != nil {
		panic(err) // it was just added
	}
	help.Args = func(_ *cobra.Command, args []string) error {
		_, _, err := root.Find(args)
		return err
	}
}

// helpFor is the command whose help says how cmd is used.
func helpFor(cmd *cobra.Command) string {
	if cmd.Name() == "help" {
		cmd = cmd.Root()
	}
	return cmd.CommandPath()
}
