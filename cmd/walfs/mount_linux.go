package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/walfs/walfs/fsview"
	"github.com/walfs/walfs/fsview/fusefs"
	"github.com/walfs/walfs/walcore"
)

func newMount() *cobra.Command {
	var read readFlags
	var decode decodeFlags
	var allowOther, frozen, xattrs bool
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
			if err := decode.check(); err != nil {
				return err
			}
			giveWay()
			r, err := read.open(args[0])
			if err != nil {
				return err
			}
			tree, done, err := decode.tree(r)
			if err != nil {
				r.Close()
				return err
			}
			defer done()
			live := fsview.NewLive(tree)
			defer live.Close()
			var view fsview.View = live
			if frozen {
				view = tree
				r.Problems() // reads what would be read later: payload lengths
			}
			m, err := fusefs.Mount(view, args[1], fusefs.Options{Dir: args[0], AllowOther: allowOther, XAttrs: xattrs})
			if err != nil {
				return err
			}
			fmt.Fprintf(os.Stderr, "walfs: serving %s at %s; Ctrl-C or umount ends it\n", args[0], m.At)
			// After that line: counting looks at the whole log.
			go announceProblems(r, m.At)
			select {
			case <-m.Done():
				return nil
			case <-cmd.Context().Done():
			}
			return unmount(m)
		},
	}
	read.add(cmd.Flags())
	decode.add(cmd.Flags())
	cmd.Flags().BoolVar(&frozen, "frozen", false, "show the log as it is now, whatever is written later; what is destroyed gives errors")
	cmd.Flags().BoolVar(&xattrs, "xattrs", false, "give entries extended attributes; ls -l asks for them, two requests a file")
	cmd.Flags().BoolVar(&allowOther, "allow-other", false, "let other users in, as far as the files' permissions allow")
	return cmd
}

func announceProblems(r walcore.Log, at string) {
	problems := r.Problems()
	if len(problems) == 0 {
		return
	}
	fmt.Fprintf(os.Stderr, "walfs: %s; %s/status.json lists all\n", countProblems(problems), at)
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
		fmt.Fprintf(os.Stderr, "walfs: %s was in use: detached; programs that still have it open get errors\n", m.At)
	}
	return nil
}
