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
	"github.com/spf13/pflag"
	"go.etcd.io/raft/v3/raftpb"
)

type snapshotOptions struct {
	write            writeFlags
	index            uint64
	data             string
	readTs           uint64
	voters, learners idList
	install          string
}

func newSnapshotCommand() *cobra.Command {
	var opts snapshotOptions
	cmd := &cobra.Command{
		Use: `snapshot DIR --index N --data FILE --voters 1,2,3
  walfs snapshot DIR --index N --alpha-snapshot READ_TS --voters 1,2,3
  walfs snapshot DIR --install FILE.pb`,
		Short: "Store a snapshot in the place of the entries that it stands for",
		Long: `Snapshot stores FILE, the application's state once entry N is applied, as the
snapshot at N, with the voters (and learners) of the group at that point. Its
term is the entry's. The log then begins behind N, and log files that lie
wholly below N are removed. N must be in the log and committed: walfs set DIR
hard_state.commit=N comes first where a log was put together by hand.

What a Dgraph Alpha's snapshot holds is no state, but who made it and up to
which timestamp that one's state goes. --alpha-snapshot READ_TS makes it, with
the raft id and group id of DIR, and the node's address where the log has it.
The state itself, in p/, must be as of READ_TS.

With --install it stores a whole raftpb.Snapshot, as a follower gets one from
its leader, in a log that is empty or older. Every snapshot in a mount has one
in the file snapshot.pb:

    walfs cat OTHER snapshots/latest/snapshot.pb > FILE.pb

The snapshot replaces the whole log. The hard state's term becomes the
snapshot's, if it is lower, with no vote in it, and the commit index the
snapshot's index. Refused is, as Raft does, a snapshot that is not ahead of the
commit index, or whose last entry the log has.
` + writeExits,
		Args: func(cmd *cobra.Command, args []string) error {
			if err := cobra.ExactArgs(1)(cmd, args); err != nil {
				return err
			}
			return opts.check(cmd.Flags())
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			defer opts.write.endWith(cmd.Context(), args[0])()
			return runSnapshot(cmd.Context(), opts, args, cmd.OutOrStdout())
		},
	}
	opts.write.add(cmd.Flags())
	flags := cmd.Flags()
	flags.Uint64Var(&opts.index, "index", 0, "the last index `N` that the snapshot stands for")
	flags.StringVar(&opts.data, "data", "", "the application's `FILE`")
	flags.Uint64Var(&opts.readTs, "alpha-snapshot", 0, "make the data of a Dgraph Alpha's snapshot, as of `READ_TS`")
	flags.Var(&opts.voters, "voters", "raft `IDS` of the voters, with commas between")
	flags.Var(&opts.learners, "learners", "raft `IDS` of the learners")
	flags.StringVar(&opts.install, "install", "", "store the raftpb.Snapshot in `FILE`, in the place of the whole log")
	return cmd
}

// check says which flags are missing, or do not go together.
func (o *snapshotOptions) check(flags *pflag.FlagSet) error {
	given := func(name string) bool { return flags.Changed(name) }
	if given("install") {
		if o.install == "" {
			return errors.New("--install: want a FILE")
		}
		for _, name := range []string{"index", "data", "alpha-snapshot", "voters", "learners"} {
			if given(name) {
				return fmt.Errorf("--install has all of a snapshot: leave --%s out", name)
			}
		}
		return nil
	}
	for _, name := range []string{"index", "voters"} {
		if !given(name) {
			return fmt.Errorf("--%s is missing; or --install FILE.pb, which has all of a snapshot", name)
		}
	}
	switch {
	case given("data") && given("alpha-snapshot"):
		return errors.New("--data and --alpha-snapshot: a snapshot has one or the other")
	case !given("data") && !given("alpha-snapshot"):
		return errors.New("--data FILE is missing; for a Dgraph Alpha's snapshot, --alpha-snapshot READ_TS")
	case given("alpha-snapshot") && o.readTs == 0:
		return errors.New("--alpha-snapshot 0: no transaction has timestamp 0")
	}
	for _, id := range o.learners {
		if slices.Contains(o.voters, id) {
			return fmt.Errorf("%d is among the voters and the learners", id)
		}
	}
	return nil
}

func runSnapshot(_ context.Context, opts snapshotOptions, args []string, stdout io.Writer) error {
	dir := args[0]
	if opts.install != "" {
		return runInstall(opts, dir, stdout)
	}
	var data []byte
	if opts.readTs == 0 {
		var err error
		if data, err = os.ReadFile(opts.data); err != nil {
			return err
		}
	}
	s, err := opts.write.open(dir, stdout)
	if err != nil {
		return err
	}
	cs := &raftpb.ConfState{Voters: opts.voters, Learners: opts.learners}
	if opts.readTs == 0 {
		return s.end(snapshot(s, dir, opts.index, cs, data))
	}
	made, err := newAlphaSnapshot(s, &opts, dir)
	if err == nil {
		err = snapshot(s, dir, opts.index, cs, made.Encode())
	}
	if err == nil {
		s.say("make", "made", "its data: %s", alphaSnapshotText(made))
	}
	return s.end(err)
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
		return notForward(index, at)
	}
	term, err := s.Term(index)
	if err != nil {
		return err
	}
	files := s.Files()
	if err := s.CreateSnapshot(index, cs, data); err != nil {
		return err
	}
	s.say("store", "stored", "a snapshot at index %d, term %d: %d bytes, %s", index, term, len(data), confStateText(cs))
	if old := old.GetMetadata().GetIndex(); old > 0 {
		s.say("replace", "replaced", "the one at index %d", old)
	}
	s.sayRemoved(files)
	last, err := s.LastIndex()
	if err != nil {
		return err
	}
	s.say("leave", "left", "%s behind it in the log", count(last-index, "entry", "entries"))
	s.noteNoMember(cs)
	return nil
}

func notForward(index, at uint64) error {
	return fmt.Errorf("snapshot at index %d: there is one at %d, and snapshots only go forward", index, at)
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
