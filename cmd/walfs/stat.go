package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/membership"
	"github.com/walfs/walfs/walcore/status"
)

type statOptions struct {
	read readFlags
	json bool
}

func newStatCommand() *cobra.Command {
	var opts statOptions
	cmd := &cobra.Command{
		Use:   "stat [--json] DIR",
		Short: "Say what a Raft directory holds, and what is wrong with it",
		Long: `Stat prints the metadata, terms, files and problems of DIR, as text or as the
JSON that status.json of a mount holds. It reads no payloads: walfs check does. As text
it also says if the log names no voters as of its commit index, as one that was put
together by hand may: a node on it elects nobody.

Exit codes: 0 sound, 1 failed, 2 wrong usage, 3 problems are listed, 4 key wrong, or
nothing is wrong but that it is missing.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			defer endWith(cmd.Context())()
			return runStat(cmd.Context(), opts, args, cmd.OutOrStdout())
		},
	}
	opts.read.add(cmd.Flags())
	cmd.Flags().BoolVar(&opts.json, "json", false, "print JSON")
	return cmd
}

func runStat(_ context.Context, opts statOptions, args []string, stdout io.Writer) error {
	log, err := opts.read.open(args[0])
	if err != nil {
		return err
	}
	defer log.Close()
	s := status.New(log)
	if opts.json {
		err = printStatusJSON(stdout, s)
	} else {
		err = printStatus(stdout, s, log)
	}
	if err != nil {
		return err
	}
	return problemsError(s.Problems)
}

// problemsError is what stat of a directory with these problems ends with.
func problemsError(problems []walcore.Problem) error {
	if len(problems) == 0 {
		return nil
	}
	code := exitKey
	for _, p := range problems {
		if !p.AboutKey() {
			code = exitDamage
		}
	}
	return exitError{code, errors.New(countProblems(problems))}
}

func printStatusJSON(out io.Writer, s *status.Status) error {
	b, err := s.JSON()
	if err != nil {
		return err
	}
	_, err = out.Write(b)
	return err
}

func printStatus(out io.Writer, s *status.Status, log walcore.Log) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(w, "%s\t%s\n", name, fmt.Sprintf(format, args...)) }
	row("raft id", "%s", known(s.RaftID))
	row("group id", "%s", known(s.GroupID))
	row("checkpoint", "%s", known(s.CheckpointIndex))
	if h := s.HardState; h != nil {
		row("hard state", "term %d, vote %d, commit %d", h.Term, h.Vote, h.Commit)
	} else {
		row("hard state", "unknown")
	}
	row("snapshot", "%s", snapshotText(s.Snapshot))
	if commit, ok := withoutVoters(log); ok {
		row("voters", "%s", noVoters(commit))
	}
	row("raft log", "%s to %s", known(s.FirstIndex), known(s.LastIndex))
	var types []string
	for _, t := range s.Types {
		types = append(types, fmt.Sprintf("%d %s", t.Entries, strings.ReplaceAll(t.Name, "_", " ")))
	}
	row("entries", "%d, %d bytes: %s", s.Entries, s.Bytes, strings.Join(types, ", "))
	for _, t := range s.Terms {
		row(fmt.Sprintf("term %d", t.Term), "%d to %d, %d entries", t.FirstIndex, t.LastIndex, t.Entries)
	}
	for _, f := range s.Files {
		row(f.Name, "%s", fileText(f))
	}
	if len(s.Ignored) > 0 {
		row("ignored", "%s", strings.Join(s.Ignored, ", "))
	}
	for _, p := range s.Problems {
		row("problem", "%v", p)
	}
	if len(s.Problems) > 0 {
		row("checked", "slots, lengths and metadata; walfs check DIR reads payloads, too, and says what problems mean")
	}
	return w.Flush()
}

// withoutVoters reports whether it is certain that a log names no voters as of its
// commit index. A new one need not: who starts a node on it says who they are.
func withoutVoters(log walcore.Log) (commit uint64, ok bool) {
	voters, err := membership.HasVoters(log)
	if voters || err != nil {
		return 0, false
	}
	m := log.Meta()
	isNew := *m.HardState == walcore.HardState{} && (m.Snapshot == nil || m.Snapshot.Index == 0) && walcore.Count(log) == 0
	return m.HardState.Commit, !isNew
}

func known(n *uint64) string {
	if n == nil {
		return "unknown"
	}
	return fmt.Sprint(*n)
}

func snapshotText(s *status.Snapshot) string {
	switch {
	case s == nil:
		return "unknown"
	case s.Index == 0:
		return "none"
	}
	return fmt.Sprintf("index %d, term %d, %d bytes, %s", s.Index, s.Term, s.Size, membersText(&s.ConfState))
}

// membersText is a conf state in words.
func membersText(c *walcore.ConfState) string {
	text := fmt.Sprintf("voters %v", c.Voters)
	for _, more := range []struct {
		name string
		ids  []uint64
	}{{"learners", c.Learners}, {"outgoing", c.VotersOutgoing}, {"learners next", c.LearnersNext}} {
		if len(more.ids) > 0 {
			text += fmt.Sprintf(", %s %v", more.name, more.ids)
		}
	}
	return text
}

func fileText(f status.File) string {
	text := fmt.Sprintf("%d bytes, empty", f.Size)
	if f.Entries > 0 {
		text = fmt.Sprintf("%d bytes, %d to %d, %d entries", f.Size, f.FirstIndex, f.LastIndex, f.Entries)
	}
	if f.Encrypted {
		text += fmt.Sprintf(", encrypted with data key %d", f.KeyID)
	}
	return text
}

// countProblems says how many there are, and the first.
func countProblems(problems []walcore.Problem) string {
	if len(problems) == 1 {
		return fmt.Sprintf("a problem: %v", problems[0])
	}
	return fmt.Sprintf("%d problems, the first: %v", len(problems), problems[0])
}
