package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"go.etcd.io/raft/v3/raftpb"
)

type snapshotOptions struct {
	write            writeFlags
	index            uint64
	data             string
	voters, learners idList
}

func newSnapshotCommand() *cobra.Command {
	var opts snapshotOptions
	cmd := &cobra.Command{
		Use:   "snapshot DIR --index N --data FILE --voters 1,2,3",
		Short: "Store a snapshot and compact the log up to it",
		Long: `Snapshot stores FILE, the application's state once entry N is applied, as the snapshot
at N, with the voters (and learners) of the group at that point. Its term is the entry's.
The log then begins behind N, and log files that lie wholly below N are removed.

N must be in the log and committed: walfs set DIR hard_state.commit=N comes first where
a log was put together by hand.
` + writeExits,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runSnapshot(cmd.Context(), opts, args, cmd.OutOrStdout())
		},
	}
	opts.write.add(cmd.Flags())
	flags := cmd.Flags()
	flags.Uint64Var(&opts.index, "index", 0, "the last index `N` that the snapshot stands for")
	flags.StringVar(&opts.data, "data", "", "the application's `FILE`")
	flags.Var(&opts.voters, "voters", "raft `IDS` of the voters, with commas between")
	flags.Var(&opts.learners, "learners", "raft `IDS` of the learners")
	for _, name := range []string{"index", "data", "voters"} {
		cmd.MarkFlagRequired(name)
	}
	return cmd
}

func runSnapshot(_ context.Context, opts snapshotOptions, args []string, stdout io.Writer) error {
	for _, id := range opts.learners {
		if slices.Contains(opts.voters, id) {
			return usageError(fmt.Sprintf("%d is among the voters and the learners", id))
		}
	}
	dir := args[0]
	data, err := os.ReadFile(opts.data)
	if err != nil {
		return err
	}
	s, err := opts.write.open(dir, stdout)
	if err != nil {
		return err
	}
	cs := &raftpb.ConfState{Voters: opts.voters, Learners: opts.learners}
	return s.end(snapshot(s, dir, opts.index, cs, data))
}

func snapshot(s *writer, dir string, index uint64, cs *raftpb.ConfState, data []byte) error {
	if st := s.State(); index > st.Commit {
		return fmt.Errorf("snapshot at index %d: the commit index is %d, and only what is committed goes into a snapshot; "+
			"if entry %d is: walfs set %s hard_state.commit=%d", index, st.Commit, index, dir, index)
	}
	old, err := s.Snapshot()
	if err != nil {
		return err
	}
	if at := old.GetMetadata().GetIndex(); index <= at {
		return fmt.Errorf("snapshot at index %d: there is one at %d, and snapshots only go forward", index, at)
	}
	term, err := s.Term(index)
	if err != nil {
		return err
	}
	files := s.Files()
	if err := s.CreateSnapshot(index, cs, data); err != nil {
		return err
	}
	members := fmt.Sprintf("voters %v", cs.Voters)
	if len(cs.Learners) > 0 {
		members += fmt.Sprintf(", learners %v", cs.Learners)
	}
	s.say("store", "stored", "a snapshot at index %d, term %d: %d bytes, %s", index, term, len(data), members)
	if old := old.GetMetadata().GetIndex(); old > 0 {
		s.say("replace", "replaced", "the one at index %d", old)
	}
	s.sayRemoved(files)
	last, err := s.LastIndex()
	if err != nil {
		return err
	}
	s.say("leave", "left", "%s behind it in the log", count(last-index, "entry", "entries"))
	return nil
}

// idList is a flag: raft ids with commas between.
type idList []uint64

func (l *idList) Type() string { return "ids" }

func (l *idList) String() string {
	var texts []string
	for _, id := range *l {
		texts = append(texts, strconv.FormatUint(id, 10))
	}
	return strings.Join(texts, ",")
}

func (l *idList) Set(text string) error {
	*l = nil
	for _, t := range strings.Split(text, ",") {
		id, err := strconv.ParseUint(strings.TrimSpace(t), 10, 64)
		switch {
		case err != nil:
			return fmt.Errorf("%q is no raft id", t)
		case id == 0:
			return errors.New("0 is no raft id")
		case slices.Contains(*l, id):
			return fmt.Errorf("%d is there twice", id)
		}
		*l = append(*l, id)
	}
	return nil
}
