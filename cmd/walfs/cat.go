package main

import (
	"context"
	"errors"
	"io"

	"github.com/spf13/cobra"
	"github.com/walfs/walfs/fsview"
)

type catOptions struct{ tree treeFlags }

func newCatCommand() *cobra.Command {
	var opts catOptions
	cmd := &cobra.Command{
		Use:   "cat DIR PATH...",
		Short: "Print files of the tree without a mount",
		Long: `Cat prints files of the tree that walfs mount DIR would show, one after the
other: walfs cat w entries/42 meta/last_index. What cannot be read is said on
stderr, and the rest is printed.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 a file is damaged, 4 key missing
or wrong, 130 and 143 ended by SIGINT and SIGTERM.`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			defer endWith(cmd.Context())()
			return runCat(cmd.Context(), opts, args, cmd.OutOrStdout())
		},
	}
	opts.tree.add(cmd.Flags())
	return cmd
}

func runCat(_ context.Context, opts catOptions, args []string, stdout io.Writer) error {
	tree, err := opts.tree.openFor(args[0], args[1:])
	if err != nil {
		return err
	}
	defer tree.Close()
	code := 0
	for _, name := range args[1:] {
		if err := printFile(stdout, tree.Tree, name); err != nil {
			printError(pathError(tree.Tree, name, err))
			code = max(code, exitCode(err, true))
		}
	}
	if code != 0 {
		return exitError{code: code}
	}
	return nil
}

func printFile(out io.Writer, tree *fsview.Tree, name string) error {
	f, err := tree.Open(treePath(name))
	if err != nil {
		return err
	}
	st, err := f.Stat()
	if err != nil {
		return err
	}
	if st.IsDir() {
		return errors.New("is a folder; walfs ls lists it")
	}
	_, err = io.Copy(out, f)
	return err
}
