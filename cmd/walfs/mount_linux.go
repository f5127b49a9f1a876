package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/walfs/walfs/fsview"
	"github.com/walfs/walfs/fsview/fusefs"
	"github.com/walfs/walfs/walcore"
)

type mountOptions struct {
	tree       treeFlags
	frozen     bool
	xattrs     bool
	allowOther bool
}

func newMountCommand() *cobra.Command {
	var opts mountOptions
	cmd := &cobra.Command{
		Use:   "mount DIR MOUNTPOINT",
		Short: "Serve the tree until Ctrl-C or umount",
		Long: `Mount shows the Raft directory DIR on the empty folder MOUNTPOINT, read-only,
and stays in the foreground. Ctrl-C, SIGTERM, umount and fusermount3 -u end it.
It follows the directory: what a running node writes appears at once. --frozen
shows it as it is when the command starts. It runs with niceness 5: where
processors are short, the node has more of them.

With --xattrs an entry's file has the extended attributes user.raft.term, .index,
.type, .file and .offset (of its payload in the log file): getfattr -d shows them.

Exit codes: 0 unmounted, 1 failed, 2 wrong usage, 4 wrong key.`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runMount(cmd.Context(), opts, args)
		},
	}
	opts.tree.add(cmd.Flags())
	cmd.Flags().BoolVar(&opts.frozen, "frozen", false, "show the log as it is now, whatever is written later; what is destroyed gives errors")
	cmd.Flags().BoolVar(&opts.xattrs, "xattrs", false, "give entries extended attributes; ls -l asks for them, two requests a file")
	cmd.Flags().BoolVar(&opts.allowOther, "allow-other", false, "let other users in, as far as the files' permissions allow")
	return cmd
}

func runMount(ctx context.Context, opts mountOptions, args []string) error {
	dir, at := args[0], args[1]
	renice()
	tree, err := opts.tree.open(dir)
	if err != nil {
		return err
	}
	defer tree.endDecoder()
	live := fsview.NewLive(tree.Tree)
	defer live.Close() // and the newest log with it: tree.log is one that came before
	var view fsview.View = live
	if opts.frozen {
		view = tree.Tree
		tree.log.Problems() // reads what would be read later: payload lengths
	}
	m, err := fusefs.Mount(view, at, fusefs.Options{Dir: dir, AllowOther: opts.allowOther, XAttrs: opts.xattrs})
	if err != nil {
		return err
	}
	notef("serving %s at %s; Ctrl-C or umount ends it", dir, m.At)
	// After that line: counting looks at the whole log.
	go announceProblems(tree.log, m.At)
	select {
	case <-m.Done():
		return nil
	case <-ctx.Done():
	}
	return unmount(m)
}

func announceProblems(log walcore.Log, at string) {
	problems := log.Problems()
	if len(problems) == 0 {
		return
	}
	notef("%s; %s/status.json lists all", countProblems(problems), at)
}

// countProblems says how many there are, and the first.
func countProblems(problems []walcore.Problem) string {
	if len(problems) == 1 {
		return fmt.Sprintf("a problem: %v", problems[0])
	}
	return fmt.Sprintf("%d problems, the first: %v", len(problems), problems[0])
}

func unmount(m *fusefs.Mounted) error {
	detached, err := m.Close()
	if err != nil {
		return fmt.Errorf("unmount %s: %w; end it with umount -l %s", m.At, err, m.At)
	}
	if detached {
		notef("%s was in use: detached; programs that still have it open get errors", m.At)
	}
	return nil
}
