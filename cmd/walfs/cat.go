package main

import (
	"errors"
	"io"

	"github.com/spf13/cobra"
	"github.com/walfs/walfs/fsview"
)

func newCat() *cobra.Command {
	var read readFlags
	var decode decodeFlags
	cmd := &cobra.Command{
		Use:   "cat DIR PATH...",
		Short: "Print files of the tree without a mount",
		Long: `Cat prints files of the tree that walfs mount DIR would show, one after the
other: walfs cat w entries/42 meta/last_index. What cannot be read is said on
stderr, and the rest is printed.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 a file is damaged, 4 key missing or wrong.`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := decode.check(); err != nil {
				return err
			}
			r, err := read.open(args[0])
			if err != nil {
				return err
			}
			defer r.Close()
			tree, done, err := decode.tree(r)
			if err != nil {
				return err
			}
			defer done()
			code := 0
			for _, name := range args[1:] {
				if err := printFile(cmd.OutOrStdout(), tree, name); err != nil {
					complain(pathError(name, err))
					code = max(code, exitCode(err, true))
				}
			}
			if code != 0 {
				return exitError{code: code}
			}
			return nil
		},
	}
	read.add(cmd.Flags())
	decode.add(cmd.Flags())
	return cmd
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
