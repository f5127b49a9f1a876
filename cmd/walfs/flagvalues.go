package main

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/walfs/walfs/walcore/filter"
)

// invalidValue says what is wrong with a flag's value. What pflag says has the names of
// Go's functions in it.
func invalidValue(err error) error {
	var invalid *pflag.InvalidValueError
	if !errors.As(err, &invalid) {
		return err
	}
	if usage := filter.UsageError(""); errors.As(err, &usage) {
		return usage // it names its flag
	}
	flag := invalid.GetFlag()
	return fmt.Errorf("--%s %s: %s", flag.Name, quoted(invalid.GetValue()), wanted(flag.Value.Type(), invalid.Unwrap()))
}

// wanted is what a flag of a type takes, where cause has refused what was given.
func wanted(typ string, cause error) string {
	switch typ {
	case "uint64", "uint":
		return wantedNumber(cause, "want a number from 0 up")
	case "int64", "int":
		return wantedNumber(cause, "want a whole number")
	case "duration":
		return "want a time with its unit, as in 10s or 1m30s"
	case "bool":
		return "want true or false, or nothing behind the name"
	}
	return cause.Error() // of a type of our own
}

func wantedNumber(cause error, otherwise string) string {
	if errors.Is(cause, strconv.ErrRange) {
		return "the number is too large"
	}
	return otherwise
}

// missingFlag fails if a flag that a command cannot do without is not given.
func missingFlag(cmd *cobra.Command) (err error) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if _, required := f.Annotations[cobra.BashCompOneRequiredFlag]; required && !f.Changed && err == nil {
			name, _ := pflag.UnquoteUsage(f)
			err = fmt.Errorf("--%s %s is missing", f.Name, name)
		}
	})
	return err
}
