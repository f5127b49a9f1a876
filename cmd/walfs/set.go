package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/walfs/walfs/walcore/storage"
	"github.com/walfs/walfs/walcore/wording"
)

type setOptions struct{ write writeFlags }

// settings are the names that set takes.
var settings = []struct {
	name  string
	field func(*storage.State) *uint64
}{
	{"raft_id", func(st *storage.State) *uint64 { return &st.RaftID }},
	{"group_id", func(st *storage.State) *uint64 { return &st.GroupID }},
	{"checkpoint_index", func(st *storage.State) *uint64 { return &st.Checkpoint }},
	{"hard_state.term", func(st *storage.State) *uint64 { return &st.Term }},
	{"hard_state.vote", func(st *storage.State) *uint64 { return &st.Vote }},
	{"hard_state.commit", func(st *storage.State) *uint64 { return &st.Commit }},
}

func newSetCommand() *cobra.Command {
	var opts setOptions
	cmd := &cobra.Command{
		Use:   "set DIR NAME=VALUE...",
		Short: "Set numbers of wal.meta",
		Long: `Set changes numbers of wal.meta, all of them or, if one is refused, none. Names:

    ` + strings.Join(settingNames(), "\n    ") + `

Refused are numbers that Raft cannot start with: a commit index that is not in
the log, a checkpoint beyond it, a term below the last entry's. A term or
commit index that goes down, or another vote in the same term, breaks what the
node has promised to others.
` + writeExits,
		Args: func(cmd *cobra.Command, args []string) error {
			if err := cobra.MinimumNArgs(2)(cmd, args); err != nil {
				return err
			}
			_, err := parseSettings(args[1:])
			return err
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			defer opts.write.endWith(cmd.Context(), args[0])()
			return runSet(cmd.Context(), opts, args, cmd.OutOrStdout())
		},
	}
	opts.write.add(cmd.Flags())
	return cmd
}

func settingNames() []string {
	var names []string
	for _, s := range settings {
		names = append(names, s.name)
	}
	return names
}

// parseSettings gives a value for each of settings; nil: it stays as it is.
func parseSettings(args []string) ([]*uint64, error) {
	values := make([]*uint64, len(settings))
	for _, arg := range args {
		name, text, ok := strings.Cut(arg, "=")
		if !ok {
			return nil, fmt.Errorf("%s: want NAME=VALUE", arg)
		}
		known := false
		for i, s := range settings {
			if s.name != name {
				continue
			}
			n, err := strconv.ParseUint(text, 10, 64)
			if err != nil {
				return nil, fmt.Errorf("%s: %q is no number from 0 up", name, text)
			}
			if values[i] != nil {
				return nil, fmt.Errorf("%s is given twice", name)
			}
			values[i], known = &n, true
		}
		if !known {
			names := settingNames()
			return nil, fmt.Errorf("unknown name %s; the names are %s%s", name, strings.Join(names, ", "), wording.DidYouMean(name, names))
		}
	}
	return values, nil
}

func runSet(_ context.Context, opts setOptions, args []string, stdout io.Writer) error {
	values, err := parseSettings(args[1:])
	if err != nil {
		return err
	}
	s, err := opts.write.open(args[0], stdout)
	if err != nil {
		return err
	}
	before := s.State()
	after := before
	for i, v := range values {
		if v != nil {
			*settings[i].field(&after) = *v
		}
	}
	if err := s.SetState(after); err != nil {
		return s.end(err)
	}
	for i, v := range values {
		if v != nil {
			s.say("set", "set", "%s: %d -> %d", settings[i].name, *settings[i].field(&before), *v)
		}
	}
	return s.end(nil)
}
