package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/walfs/walfs/walcore/wording"
)

// flagError is what is said of a flag that cannot be taken. Each function knows one kind
// of error, and leaves others as they are.
func flagError(cmd *cobra.Command, err error) error {
	return invalidValue(unknownFlag(cmd, err))
}

// unknownFlag names the flag that was meant: --fromat, or -json with one dash.
func unknownFlag(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return err
	}
	typed := unknown.GetSpecifiedName()
	if letters := unknown.GetSpecifiedShortnames(); letters != "" {
		typed = letters
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	})
	if near := wording.Nearest(typed, names); near != "" {
		return fmt.Errorf("%w; did you mean --%s?", err, near)
	}
	return err
}
