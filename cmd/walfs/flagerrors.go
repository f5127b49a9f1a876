package main

import "github.com/spf13/cobra"

// flagError is what is said of a flag that cannot be taken. Each function knows one kind
// of error, and leaves others as they are.
func flagError(_ *cobra.Command, err error) error {
	return invalidValue(err)
}
