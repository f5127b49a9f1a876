package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/repair"
)

type repairOptions struct {
	read      readFlags
	raftID    uint64
	hasRaftID bool
	keepGoing bool
	dryRun    bool
}

func newRepairCommand() *cobra.Command {
	var opts repairOptions
	cmd := &cobra.Command{
		Use:   "repair DIR OUT",
		Short: "Make a directory that starts out of a damaged one",
		Long: `Repair reads DIR, which it never changes, and writes to OUT what can be
trusted: the snapshot, and the entries behind it up to the first one that is
missing or damaged, with a hard state that fits. OUT must not exist, or be
empty. It is encrypted with the same key as DIR, and has checksums if DIR has
some. It is written under another name beside OUT, read again, compared with
DIR, and renamed: what interrupts that leaves nothing at OUT.

It prints what is kept, what is left out, and what that means. Where entries
are left out that were committed, or may have been, this node has forgotten
what it has promised to keep: a copy of another replica, or a new node in its
place, is better. What is refused is a log that has lost its beginning and has
no whole snapshot: Raft cannot start on it.

A log file of which Dgraph has erased the key id and the base IV gets them
back, where what is known of its payloads is enough to find them.

If nothing is wrong, repair says so and writes nothing: walfs copy makes
copies.

Holes below the snapshot do not matter, and are passed. A hole behind it ends
the log, and --keep-going is refused then, always: Raft takes no log with a
hole, and no entry can be put in the place of another.

With --dry-run it prints the same and writes nothing. Writing needs Linux.

Exit codes: 0 nothing that was committed is lost, 1 failed, 2 wrong usage, 3
something is left out that was committed or may have been, or nothing could be
kept (then there is no OUT), 4 key missing or wrong, 5 another walfs is writing
to OUT, 130 and 143 ended by SIGINT and SIGTERM.`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.hasRaftID = cmd.Flags().Changed("raft-id")
			return runRepair(cmd.Context(), opts, args, cmd.OutOrStdout())
		},
	}
	opts.read.addKeys(cmd.Flags())
	cmd.Flags().Uint64Var(&opts.raftID, "raft-id", 0, "the node's `ID` in its Raft group, where DIR no longer tells it")
	cmd.Flags().BoolVar(&opts.keepGoing, "keep-going", false, "go past holes where Raft could take the result")
	cmd.Flags().BoolVar(&opts.dryRun, "dry-run", false, "write nothing, say what would be written")
	return cmd
}

func runRepair(ctx context.Context, opts repairOptions, args []string, stdout io.Writer) error {
	dir, out := args[0], args[1]
	stop := endSaying(ctx, ": "+nothingWritten)
	key, err := readKey(opts.read.keyFile)
	if err == nil {
		err = notDgraphs(dir)
	}
	if err != nil {
		return err
	}
	r, err := dgraph.OpenReader(dir, dgraph.ReaderOptions{Key: key, Plain: opts.read.plain})
	stop()
	if err != nil {
		return openError(dir, err)
	}
	defer r.Close()
	progress := newProgress("repairing")
	defer progress.end()
	o := repair.Options{Key: key, KeepGoing: opts.keepGoing, Progress: progress.at}
	if opts.hasRaftID {
		o.RaftID = &opts.raftID
	}
	plan, err := repair.New(ctx, r, o)
	progress.end()
	if err != nil {
		return unlessInterrupted(ctx, err, nothingWritten)
	}
	defer plan.Close() // it was only read
	if plan.Sound {
		_, err := fmt.Fprintf(stdout, "%s is sound: there is nothing to repair, and nothing was written; walfs copy makes a copy\n", dir)
		return err
	}
	if err := printPlan(stdout, plan); err != nil {
		return err
	}
	if opts.dryRun {
		notef("dry run: %s was not written", out)
	} else if err := writePlan(ctx, plan, out, progress); err != nil {
		return unlessInterrupted(ctx, err, nothingWritten)
	} else if _, err := fmt.Fprintf(stdout, "wrote %s\n", out); err != nil {
		return err
	}
	if plan.Lost {
		return exitError{exitDamage, errors.New("something is left out that was committed or may have been: see what that means above")}
	}
	return nil
}

const nothingWritten = "nothing was written"

func writePlan(ctx context.Context, plan *repair.Plan, out string, progress *progress) error {
	defer progress.end()
	return plan.Write(ctx, out)
}

// printedProblems bounds how many problems are printed.
const printedProblems = 20

func printPlan(out io.Writer, p *repair.Plan) error {
	var err error
	line := func(what, format string, args ...any) {
		if err == nil {
			_, err = fmt.Fprintf(out, "%-10s%s\n", what, fmt.Sprintf(format, args...))
		}
	}
	for i, problem := range p.Problems {
		if i == printedProblems {
			line("problem", "and %d more: walfs check lists them", len(p.Problems)-i)
			break
		}
		line("problem", "%v", problem)
	}
	if md := p.Snapshot.GetMetadata(); p.Snapshot != nil {
		line("keep", "the snapshot at index %d, term %d, %d bytes, voters %v", md.GetIndex(), md.GetTerm(), len(p.Snapshot.GetData()),
			md.GetConfState().GetVoters())
	}
	if p.Last >= p.First {
		line("keep", "entries %d to %d", p.First, p.Last)
	} else {
		line("keep", "no entries")
	}
	st := p.State
	line("keep", "raft id %d, group id %d, checkpoint %d, term %d, vote %d, commit %d", st.RaftID, st.GroupID, st.Checkpoint, st.Term, st.Vote, st.Commit)
	for _, l := range p.LeftOut {
		line("leave out", "%v", l)
	}
	for _, r := range p.Remarks {
		line("note", "%s", r)
	}
	return err
}
