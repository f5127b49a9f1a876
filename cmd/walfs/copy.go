package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/backup"
)

type copyOptions struct {
	compact bool
	system  string
}

func newCopyCommand() *cobra.Command {
	var opts copyOptions
	cmd := &cobra.Command{
		Use:   "copy DIR OUT",
		Short: "Copy the log, of a running node too: a copy that a node starts on",
		Long: `Copy makes a copy of DIR as it is at one moment, while a node writes to it too.
A node starts on the copy, at the commit index of that moment. It takes no
lock, never waits for the node, and changes nothing in DIR. It runs with
niceness 5: where processors are short, the node has more of them. It needs no
key: what is encrypted stays so.

OUT is a folder, which does not exist or is empty; or NAME.tar, which does not
exist; or - for a tar archive on stdout. Log files end where the log ended, so
that the copy takes no more room than its entries. A new leader's entries
replace others, and a snapshot removes log files: what is destroyed before it
was copied is looked for again. Only an archive on stdout cannot be taken back:
copy fails then, and the archive has no end.

A copy is made in a hidden folder beside OUT, read back and checked, and gets
its name at the end. What a copy that was killed has left there is removed by
the next one to OUT.

Of Dgraph's log files, those that end before the snapshot are left out. With
--compact, the one that ends with it is, too.

Of etcd's directory the copy has the segments, the snapshots and the database,
as of one of its transactions: etcd starts on it. Of a directory of HashiCorp's
library it has the log and the snapshots; raft.db is built anew, with the same
entries. An archive of these is made in a folder first: beside OUT, or for
stdout in $TMPDIR.

Damage: what a node would not start on, or would lose entries with, is not
copied. walfs repair makes a directory of Dgraph's that starts; cp -a
--sparse=always keeps the damage.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 DIR is damaged, 5 another walfs
is writing to OUT, 130 and 143 ended by SIGINT and SIGTERM.`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			renice()
			return runCopy(cmd.Context(), opts, args, cmd.OutOrStdout())
		},
	}
	addSystem(cmd.Flags(), &opts.system)
	cmd.Flags().BoolVar(&opts.compact, "compact", false, "leave out each log file of which the snapshot stands for all entries (Dgraph's)")
	return cmd
}

func runCopy(ctx context.Context, opts copyOptions, args []string, stdout io.Writer) error {
	dir, out := args[0], args[1]
	if out == "" {
		return usageError(`OUT "": want a folder, NAME.tar, or -`)
	}
	read := readFlags{system: opts.system}
	log, err := read.open(dir)
	if err != nil {
		return err
	}
	p := newProgress("copying")
	o := backup.Options{Compact: opts.compact, Progress: p.at}
	var c *backup.Copy
	switch {
	case out == "-":
		c, err = backup.ToStream(ctx, log, stdout, o)
	case strings.HasSuffix(out, ".tar"):
		c, err = backup.ToTar(ctx, log, out, o)
	default:
		c, err = backup.ToFolder(ctx, log, out, o)
	}
	p.end()
	if err != nil {
		return copyError(ctx, err)
	}
	defer c.Log.Close()
	for _, p := range c.Problems {
		notef("the copy has it too: %v", p)
	}
	if out == "-" {
		stdout, out = os.Stderr, "stdout"
	}
	commit := "commit index not known"
	if c.Commit != nil {
		commit = fmt.Sprintf("commit index %d", *c.Commit)
	}
	_, err = fmt.Fprintf(stdout, "copied %s to %s: %s, %s, %s, %d bytes\n", dir, out,
		indexRange(c.First, c.Last), commit, count(len(c.Files), "file", "files"), c.Bytes)
	return err
}

// indexRange says which entries a raft.Storage would serve.
func indexRange(first, last uint64) string {
	if first > last {
		return logRange(&first, &last)
	}
	return fmt.Sprintf("entries %d to %d", first, last)
}

func copyError(ctx context.Context, err error) error {
	if errors.Is(err, walcore.ErrChanged) {
		return exitError{exitFailed, fmt.Errorf("%w; the node changes its log faster than it can be copied: try again", err)}
	}
	return unlessInterrupted(ctx, err, "nothing was copied")
}
