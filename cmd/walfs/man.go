package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/walfs/walfs/walcore/wording"
)

// manPages are the pages that packages install, too. TestManPages makes those of section 1.
//
//go:embed man/*.1 man/*.5
var manPages embed.FS

// formatsPage is the page that is no command's.
const formatsPage = "walfs.5"

func newManCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "man [COMMAND]",
		Short: "Show the manual page of a command, or of the tree and formats",
		Long: `Man shows a page of the manual, which is in the program: walfs man, walfs man
stat. walfs man 5 is the page on the tree, its files and formats. The program
man shows it, on a terminal page by page; where there is none, the command's
help is printed.

Exit codes: 0 done, 1 failed, 2 wrong usage.`,
		Example: `  walfs man dump
  walfs man 5 | grep -A 3 checkpoint`,
		RunE: func(cmd *cobra.Command, args []string) error {
			topic, page, err := findPage(cmd.Root(), args)
			if err != nil {
				return err
			}
			return runMan(cmd.Context(), topic, page, cmd.OutOrStdout())
		},
	}
}

// findPage gives the command that args name and its page. topic is nil for the page that
// is no command's.
func findPage(root *cobra.Command, args []string) (topic *cobra.Command, page string, err error) {
	if len(args) == 1 && args[0] == "5" {
		return nil, formatsPage, nil
	}
	if len(args) > 0 && args[0] == root.Name() {
		args = args[1:]
	}
	topic, rest, err := root.Find(args)
	if err != nil || len(rest) > 0 {
		var names []string
		for _, c := range root.Commands() {
			names = append(names, c.Name())
		}
		return nil, "", usageError(fmt.Sprintf("there is no page %s%s; walfs --help lists the commands, and 5 is the page on the tree",
			quoted(strings.Join(args, " ")), wording.DidYouMean(strings.Join(args, " "), names)))
	}
	return topic, strings.ReplaceAll(topic.CommandPath(), " ", "-") + ".1", nil
}

func runMan(ctx context.Context, topic *cobra.Command, page string, stdout io.Writer) error {
	text, err := manPages.ReadFile("man/" + page)
	if err == nil {
		err = showPage(ctx, page, text, stdout)
	}
	switch {
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
	default:
		return err
	}
	if topic == nil {
		return errors.New("walfs(5) needs the program man, which is not there: install it " +
			"(Debian: apt-get install man-db), or look at README in the tree: walfs cat DIR README")
	}
	topic.SetOut(stdout)
	return topic.Help()
}

// showPage has man show a page. Each man takes the name of a file, and few read stdin.
func showPage(ctx context.Context, page string, text []byte, stdout io.Writer) error {
	man, err := exec.LookPath("man")
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "walfs-man-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, page)
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return err
	}
	cmd := exec.Command(man, file)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	// In a pager, Ctrl-C stops a search, and nothing ends. Other signals are man's, too.
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, endings()...)
	go func() {
		for s := range signals {
			if s != os.Interrupt {
				cmd.Process.Signal(s)
			}
		}
	}()
	err = cmd.Wait()
	signal.Stop(signals)
	close(signals)
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("man could not show %s: %w; walfs help shows less, without man", page, err)
	}
	return nil
}
