package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/walfs/walfs/walcore"
)

type rewindOptions struct {
	write writeFlags
	to    uint64
}

func newRewindCommand() *cobra.Command {
	var opts rewindOptions
	cmd := &cobra.Command{
		Use:   "rewind DIR --to N",
		Short: "Drop the entries after an index",
		Long: `Rewind drops the entries after N from the log. It refuses to drop what is
committed or applied, for Raft has promised to keep that; set the commit index
and the checkpoint first if you know better:

    walfs set DIR hard_state.commit=N checkpoint_index=N

It never goes below the snapshot, nor below the first entry of a log that
begins behind 1 without one.
` + writeExits,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			defer opts.write.endWith(cmd.Context(), args[0])()
			return runRewind(cmd.Context(), opts, args, cmd.OutOrStdout())
		},
	}
	opts.write.add(cmd.Flags())
	cmd.Flags().Uint64Var(&opts.to, "to", 0, "the last index `N` that stays")
	cmd.MarkFlagRequired("to")
	return cmd
}

func runRewind(_ context.Context, opts rewindOptions, args []string, stdout io.Writer) error {
	s, err := opts.write.open(args[0], stdout)
	if err != nil {
		return err
	}
	err = rewind(s, opts.to)
	if errors.Is(err, walcore.ErrRefused) {
		err = fmt.Errorf("%w%s", err, whatToSet(s, args[0], opts.to))
	}
	return s.end(err)
}

func rewind(s *writer, to uint64) error {
	last, _, err := s.last()
	if err != nil {
		return err
	}
	files := s.Files()
	progress := newProgress("dropping entries")
	err = s.Rewind(to)
	progress.end()
	if err != nil {
		return err
	}
	now, term, err := s.last()
	if err != nil {
		return err
	}
	if now == last {
		s.say("drop", "dropped", "nothing; %s", lastIndexText(last))
		return nil
	}
	s.say("drop", "dropped", "%s, %d to %d", count(last-now, "entry", "entries"), now+1, last)
	s.sayRemoved(files)
	if now == 0 {
		s.say("leave", "left", "the log empty")
		return nil
	}
	s.say("leave", "left", "the log with the last index %d, of term %d", now, term)
	return nil
}

// whatToSet says which numbers to set before a rewind that was refused, or what to
// do where that would not help.
func whatToSet(s *writer, dir string, to uint64) string {
	if _, err := s.Term(to); err != nil {
		return "; take a copy of another replica instead"
	}
	st := s.State()
	var names []string
	if st.Commit > to {
		names = append(names, fmt.Sprintf("hard_state.commit=%d", to))
	}
	if st.Checkpoint > to {
		names = append(names, fmt.Sprintf("checkpoint_index=%d", to))
	}
	return fmt.Sprintf("; if this node may forget them: walfs set %s %s", dir, strings.Join(names, " "))
}
