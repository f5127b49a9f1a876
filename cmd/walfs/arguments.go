package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// explainArguments has the commands below root say which argument is missing, or is one too
// many, by its word in their Use line. Cobra only counts them.
func explainArguments(root *cobra.Command) {
	for _, cmd := range root.Commands() {
		check := cmd.Args
		if check == nil || cmd.Hidden || cmd.ValidArgs != nil { // an error there lists these
			continue
		}
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			err := check(cmd, args)
			if err == nil {
				return nil
			}
			if wrong := wrongArgument(cmd, args); wrong != "" {
				line, _, _ := strings.Cut(cmd.Use, "\n")
				return fmt.Errorf("%s: walfs %s", wrong, line)
			}
			return err
		}
	}
}

// wrongArgument says what is wrong with the number of arguments, "" if nothing is.
func wrongArgument(cmd *cobra.Command, args []string) string {
	words := argumentWords(cmd)
	for i, word := range words {
		if i >= len(args) && !strings.HasPrefix(word, "[") {
			return argumentWord(word) + " is missing"
		}
	}
	if n := len(words); len(args) > n && (n == 0 || !strings.HasSuffix(words[n-1], "...")) {
		return quoted(args[n]) + " is one argument too many"
	}
	return ""
}
