package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/spf13/cobra"
	"github.com/walfs/walfs/fsview"
)

func newLs() *cobra.Command {
	var read readFlags
	var decode decodeFlags
	var long bool
	cmd := &cobra.Command{
		Use:   "ls DIR [PATH]",
		Short: "List a folder of the tree without a mount",
		Long: `Ls lists PATH (by default the top) of the tree that walfs mount DIR would show.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 PATH is damaged, 4 wrong key.`,
		Args: cobra.RangeArgs(1, 2),
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
			name := "."
			if len(args) == 2 {
				name = treePath(args[1])
			}
			out := bufio.NewWriter(cmd.OutOrStdout())
			if err := list(out, tree, name, long); err != nil {
				return errors.Join(pathError(name, err), out.Flush())
			}
			return out.Flush()
		},
	}
	read.add(cmd.Flags())
	decode.add(cmd.Flags())
	cmd.Flags().BoolVarP(&long, "long", "l", false, "mode, links, size and time too")
	return cmd
}

// treePath turns what a user types into a path of io/fs.
func treePath(name string) string {
	if p := path.Clean("/" + name); p != "/" {
		return p[1:]
	}
	return "."
}

// modeText is what ls -l shows; Go writes a link's L large.
func modeText(m fs.FileMode) string { return strings.Replace(m.String(), "L", "l", 1) }

func list(out io.Writer, tree *fsview.Tree, name string, long bool) error {
	st, err := tree.Stat(name)
	if err != nil {
		return err
	}
	failed, first := 0, error(nil)
	line := func(dir string, e fs.DirEntry) error {
		if !long {
			_, err := fmt.Fprintln(out, e.Name())
			return err
		}
		info, err := e.Info()
		if err != nil {
			if failed++; first == nil {
				first = fmt.Errorf("%s: %w", e.Name(), err)
			}
			_, err = fmt.Fprintf(out, "?????????? ? %9s %19s %s\n", "?", "?", e.Name())
			return err
		}
		target := ""
		if info.Mode()&fs.ModeSymlink != 0 {
			if to, err := tree.ReadLink(path.Join(dir, e.Name())); err == nil {
				target = " -> " + to
			}
		}
		_, err = fmt.Fprintf(out, "%s %d %9d %s %s%s\n", modeText(info.Mode()), info.Sys().(*fsview.Attr).Links, info.Size(),
			info.ModTime().UTC().Format("2006-01-02 15:04:05"), info.Name(), target)
		return err
	}
	if !st.IsDir() {
		return line(path.Dir(name), fs.FileInfoToDirEntry(st))
	}
	entries, err := tree.ReadDir(name)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := line(name, e); err != nil {
			return err
		}
	}
	if failed > 1 {
		return fmt.Errorf("%d names cannot be shown in full, the first: %w", failed, first)
	}
	return first
}
