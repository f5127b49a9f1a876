package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

type truncateOptions struct {
	write writeFlags
	until uint64
}

func newTruncateCommand() *cobra.Command {
	var opts truncateOptions
	cmd := &cobra.Command{
		Use:   "truncate DIR --until N",
		Short: "Empty normal payloads below an index",
		Long: `Truncate takes the data of the normal entries below N away, as dgraph debug
--truncate does: the entries stay, and do nothing when they are applied. Conf
changes keep their data. An entry that is not applied yet is lost to this node:
do the same on each replica. The bytes stay in the file, where no reader finds
them.
` + writeExits,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			defer opts.write.endWith(cmd.Context(), args[0])()
			return runTruncate(cmd.Context(), opts, args, cmd.OutOrStdout())
		},
	}
	opts.write.add(cmd.Flags())
	cmd.Flags().Uint64Var(&opts.until, "until", 0, "the first index `N` that keeps its data")
	cmd.MarkFlagRequired("until")
	return cmd
}

func runTruncate(_ context.Context, opts truncateOptions, args []string, stdout io.Writer) error {
	s, err := opts.write.open(args[0], stdout)
	if err != nil {
		return err
	}
	progress := newProgress("emptying entries")
	defer progress.end()
	return s.end(truncate(s, opts.until, progress))
}

func truncate(s *writer, until uint64, progress *progress) error {
	entries, size, err := s.PayloadsBelow(0, until)
	if err != nil {
		return err
	}
	unapplied, _, err := s.PayloadsBelow(s.Checkpoint()+1, until)
	if err != nil {
		return err
	}
	if !s.dry {
		if err := s.TruncateEntriesUntil(until); err != nil {
			return err
		}
	}
	progress.end()
	s.say("empty", "emptied", "%s below %d: %d bytes", count(entries, "entry", "entries"), until, size)
	if unapplied > 0 {
		fmt.Fprintf(s.out, "of these, %d behind the checkpoint, %d: not known to be applied\n", unapplied, s.Checkpoint())
	}
	return nil
}
