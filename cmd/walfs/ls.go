package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/walfs/walfs/fsview"
)

type lsOptions struct {
	tree treeFlags
	long bool
}

func newLsCommand() *cobra.Command {
	var opts lsOptions
	cmd := &cobra.Command{
		Use:   "ls DIR [PATH]",
		Short: "List a folder of the tree without a mount",
		Long: `Ls lists PATH (by default the top) of the tree that walfs mount DIR would show.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 PATH is damaged, 4 wrong key,
130 and 143 ended by SIGINT and SIGTERM.`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			defer endWith(cmd.Context())()
			return runLs(cmd.Context(), opts, args, cmd.OutOrStdout())
		},
	}
	opts.tree.add(cmd.Flags())
	cmd.Flags().BoolVarP(&opts.long, "long", "l", false, "mode, links, size and time too")
	return cmd
}

func runLs(_ context.Context, opts lsOptions, args []string, stdout io.Writer) error {
	tree, err := opts.tree.openFor(args[0], args[1:])
	if err != nil {
		return err
	}
	defer tree.Close()
	name := "."
	if len(args) == 2 {
		name = treePath(args[1])
	}
	l := &lister{out: bufio.NewWriter(stdout), tree: tree.Tree, long: opts.long}
	if err := l.list(name); err != nil {
		return errors.Join(pathError(tree.Tree, name, err), l.out.Flush())
	}
	return l.out.Flush()
}

// lister prints names of a tree, a line each.
type lister struct {
	out  *bufio.Writer
	tree *fsview.Tree
	long bool

	incomplete int   // lines that lack what Stat could not tell
	firstErr   error // why the first of them does
}

// list prints a file, or the names in a folder.
func (l *lister) list(name string) error {
	st, err := l.tree.Stat(name)
	if err != nil {
		return err
	}
	if !st.IsDir() {
		return l.line(path.Dir(name), fs.FileInfoToDirEntry(st))
	}
	entries, err := l.tree.ReadDir(name)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := l.line(name, e); err != nil {
			return err
		}
	}
	if l.incomplete > 1 {
		return fmt.Errorf("%d names cannot be shown in full, the first: %w", l.incomplete, l.firstErr)
	}
	return l.firstErr
}

func (l *lister) line(folder string, e fs.DirEntry) error {
	if !l.long {
		_, err := fmt.Fprintln(l.out, e.Name())
		return err
	}
	info, err := e.Info()
	if err != nil {
		if l.incomplete++; l.firstErr == nil {
			l.firstErr = fmt.Errorf("%s: %w", e.Name(), err)
		}
		_, err = fmt.Fprintf(l.out, "?????????? ? %9s %25s %s\n", "?", "?", e.Name())
		return err
	}
	target := ""
	if info.Mode()&fs.ModeSymlink != 0 {
		if to, err := l.tree.ReadLink(path.Join(folder, e.Name())); err == nil {
			target = " -> " + to
		}
	}
	_, err = fmt.Fprintf(l.out, "%s %d %9d %s %s%s\n", modeText(info.Mode()), info.Sys().(*fsview.Attr).Links, info.Size(),
		timeText(info.ModTime()), info.Name(), target)
	return err
}

// timeText is a time as the user's clock shows it, with its distance from UTC.
func timeText(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05 -0700") }

// modeText is what ls -l shows; Go writes a link's L large.
func modeText(m fs.FileMode) string { return strings.Replace(m.String(), "L", "l", 1) }
