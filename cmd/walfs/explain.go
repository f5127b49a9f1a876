package main

import (
	"context"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/walfs/walfs/cmd/walfs/terminal"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/explain"
	"github.com/walfs/walfs/walcore/payload"
)

type explainOptions struct {
	read readFlags
	json bool
	wide bool
}

func newExplainCommand() *cobra.Command {
	var opts explainOptions
	cmd := &cobra.Command{
		Use:   "explain [--json] DIR",
		Short: "Say how a node stands: pending, replayed, held back, odd",
		Long: `Explain is for the night: a page on the node whose directory is DIR, with the
figures and the entries behind each sentence. It says

- who the node is, and who was in its group
- what is committed, applied, and in the snapshot
- what a restart replays, with restores, drops and schema changes by name
- what holds the log back from being compacted, and since which entry
- which transactions are pending; --json has all of them
- which elections there were, and whether terms followed quickly
- whether the node is behind its group, or parted from it
- what is odd

It says "not known" where the directory does not tell, and why. It reads the
payloads behind the snapshot, and takes what Dgraph does if it is not told
otherwise for the node's settings.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 the directory is damaged, 4 key
missing or wrong, 130 and 143 ended by SIGINT and SIGTERM.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runExplain(cmd.Context(), opts, args, cmd.OutOrStdout())
		},
	}
	opts.read.add(cmd.Flags())
	cmd.Flags().BoolVar(&opts.json, "json", false, "print JSON, with all pending transactions")
	terminal.AddWide(cmd.Flags(), &opts.wide)
	return cmd
}

func runExplain(ctx context.Context, opts explainOptions, args []string, stdout io.Writer) error {
	stop := endSaying(ctx, ": nothing was explained")
	log, err := opts.read.open(args[0])
	stop()
	if err != nil {
		return err
	}
	report, err := explained(ctx, log)
	if err != nil {
		return unlessInterrupted(ctx, err, "nothing was explained")
	}
	if opts.json {
		err = printJSON(stdout, report)
	} else {
		err = printExplain(terminal.To(stdout, opts.wide), report)
	}
	if err != nil {
		return err
	}
	return explainEnd(report)
}

// settleFor is how long a directory must stay the same, damage and all, to be one that
// nobody writes to: a writer can be stopped between two stores.
const settleFor = 150 * time.Millisecond

// explained makes the report of a log, and closes it. What looks like damage, in a directory
// that has changed a moment later, is looked at again.
func explained(ctx context.Context, log walcore.Log) (report *explain.Report, err error) {
	p := newProgress("reading")
	defer func() {
		p.end()
		log.Close() // it was only read
	}()
	for range maxMoments {
		log, err = atOneMoment(ctx, log, func(log walcore.Log) (err error) {
			report, err = explain.New(ctx, log, payload.Of(log, payload.Options{}), explain.Options{Progress: p.report()})
			return err
		})
		now, ok := log.(walcore.Follower)
		if err != nil || !ok || !looksDamaged(report) {
			return report, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(settleFor):
		}
		next, err := now.Refresh()
		if err != nil || next == now { // nobody writes to it
			return report, err
		}
		log = next
	}
	return report, nil
}

func looksDamaged(r *explain.Report) bool {
	return r.Missing || slices.Contains(r.Odd, explain.OddProblems) || slices.Contains(r.Odd, explain.OddUnreadable)
}

// explainEnd is what explain ends with once it has printed a report.
func explainEnd(r *explain.Report) error {
	keys := slices.ContainsFunc(r.Problems, walcore.Problem.AboutKey) || r.Unreadable.NoKey+r.Unreadable.NoDataKey > 0
	switch {
	case looksDamaged(r):
		return exitError{code: exitDamage}
	case keys:
		return exitError{code: exitKey}
	}
	return nil
}
