package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/walfs/walfs/cmd/walfs/terminal"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/membership"
	"github.com/walfs/walfs/walcore/status"
)

type statOptions struct {
	read readFlags
	json bool
	wide bool
}

func newStatCommand() *cobra.Command {
	var opts statOptions
	cmd := &cobra.Command{
		Use:   "stat [--json] DIR",
		Short: "Say what a Raft directory holds, and what is wrong with it",
		Long: `Stat prints the metadata, members, terms, files and problems of DIR, as text or
as the JSON that status.json of a mount holds. Members are those as of the
commit index. It reads no payloads but those of configuration changes: walfs
check does. As text it also says if the log names no voters, as one that was
put together by hand may: a node on it elects nobody. On a terminal sizes are
rounded; with --wide, and in a pipe, they are exact. Log files are sparse: what
they take on disk is less than their size.

Exit codes: 0 sound, 1 failed, 2 wrong usage, 3 problems are listed, 4 key
wrong, or nothing is wrong but that it is missing, 130 and 143 ended by SIGINT
and SIGTERM.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			defer endWith(cmd.Context())()
			return runStat(cmd.Context(), opts, args, cmd.OutOrStdout())
		},
	}
	opts.read.add(cmd.Flags())
	cmd.Flags().BoolVar(&opts.json, "json", false, "print JSON")
	terminal.AddWide(cmd.Flags(), &opts.wide)
	return cmd
}

func runStat(_ context.Context, opts statOptions, args []string, stdout io.Writer) error {
	log, err := opts.read.open(args[0])
	if err != nil {
		return err
	}
	defer log.Close()
	progress := newProgress("reading " + args[0])
	s := status.New(log)
	progress.end()
	if opts.json {
		err = printStatusJSON(stdout, s)
	} else {
		err = printStatus(terminal.To(stdout, opts.wide), s, log)
	}
	if err != nil {
		return err
	}
	return problemsError(s.Problems)
}

// problemsError is what stat of a directory with these problems ends with. It has listed
// them.
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
	return exitError{code, errors.New(count(len(problems), "problem", "problems"))}
}

func printStatusJSON(out io.Writer, s *status.Status) error {
	b, err := s.JSON()
	if err != nil {
		return err
	}
	_, err = out.Write(b)
	return err
}

// mostTypes is how many types are all named, those without entries too.
const mostTypes = 4

func printStatus(out *terminal.Out, s *status.Status, log walcore.Log) error {
	var t terminal.Rows
	addNode(&t, s, log.Meta())
	t.Add("snapshot", "%s", snapshotText(out, s.Snapshot, log.Meta().System))
	if all := log.Meta().AllSnapshots(); len(all) > 1 {
		t.Add("snapshots", "%d, the oldest of index %d", len(all), all[0].Index)
	}
	addMembers(&t, out, log)
	t.Add("raft log", "%s", logRange(s.FirstIndex, s.LastIndex))
	var types []string
	for _, n := range s.Types {
		if n.Entries == 0 && len(s.Types) > mostTypes {
			continue
		}
		types = append(types, fmt.Sprintf("%d %s", n.Entries, strings.ReplaceAll(n.Name, "_", " ")))
	}
	t.Add("entries", "%d, %s: %s", s.Entries, out.Bytes(*s.Bytes), strings.Join(types, ", "))
	for _, n := range s.Terms {
		t.Add(fmt.Sprintf("term %d", n.Term), "%d to %d, %s", n.FirstIndex, n.LastIndex, count(n.Entries, "entry", "entries"))
	}
	addFiles(&t, out, s.Files, log)
	if len(s.Ignored) > 0 {
		t.Add("ignored", "%s", strings.Join(allQuoted(s.Ignored), ", "))
	}
	for _, p := range s.Problems {
		t.AddWhole(out.Problem, "problem", "%v", p)
	}
	if len(s.Problems) > 0 {
		t.AddWhole(nil, "checked", "slots, lengths and metadata; walfs check DIR reads payloads, too, and says what problems mean")
	}
	return t.Print(out)
}

// addNode adds who the node is, and what it must not forget, as its system keeps that.
func addNode(t *terminal.Rows, s *status.Status, m *walcore.Meta) {
	switch s.System {
	case walcore.Etcd:
		t.Add("system", "%s", s.System)
		t.Add("node id", "%s", cmp.Or(s.NodeID, "unknown"))
		t.Add("cluster id", "%s", cmp.Or(s.ClusterID, "unknown"))
	case walcore.HashiCorp:
		t.Add("system", "%s", s.System)
		t.Add("stable", "%s", stableText(s.Stable))
		t.Add("commit", "%s", commitNotKnown)
		return
	default:
		t.Add("raft id", "%s", known(s.RaftID))
		t.Add("group id", "%s", known(s.GroupID))
		t.Add("checkpoint", "%s", known(s.CheckpointIndex))
	}
	t.Add("hard state", "%s", hardStateText(s.HardState, m.System))
}

// commitNotKnown is why the commit index of one of HashiCorp's logs is not shown.
const commitNotKnown = "not known: HashiCorp's library keeps no commit index on disk"

func stableText(s *walcore.Stable) string {
	if s == nil {
		return "unknown"
	}
	text := fmt.Sprintf("current term %d", s.CurrentTerm)
	if s.LastVoteCandidate != "" {
		text += fmt.Sprintf(", last vote in term %d for %s", s.LastVoteTerm, candidateText(s))
	}
	return text
}

func candidateText(s *walcore.Stable) string {
	if s.LastVoteCandidate == "" {
		return "none"
	}
	return quoted(s.LastVoteCandidate)
}

// addMembers adds who is in the group as of the commit index, a row for each role.
func addMembers(t *terminal.Rows, out *terminal.Out, log walcore.Log) {
	if commit, ok := withoutVoters(log); ok {
		t.AddWhole(out.Warning, "voters", "%s", noVoters(commit))
	}
	members, err := membership.Replay(log)
	if err != nil && !errors.Is(err, membership.ErrNotKnown) {
		t.Add("voters", "unknown")
	}
	for _, role := range []struct {
		role membership.Role
		name string
	}{{membership.Voter, "voters"}, {membership.Outgoing, "outgoing"}, {membership.Learner, "learners"}, {membership.LearnerNext, "learners next"}} {
		var texts []string
		for _, m := range members {
			if m.Role == role.role {
				texts = append(texts, memberText(m))
			}
		}
		if len(texts) > 0 {
			t.Add(role.name, "%s", strings.Join(texts, ", "))
		}
	}
}

// memberText names a member: its id, and its address where the log has it.
func memberText(m membership.Member) string {
	var more []string
	for _, s := range []string{m.Name, m.Address} {
		if s != "" {
			more = append(more, s)
		}
	}
	if len(more) == 0 {
		return m.Text
	}
	return fmt.Sprintf("%s (%s)", m.Text, strings.Join(more, ", "))
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

// logRange says which indexes a log has.
func logRange(first, last *uint64) string {
	switch {
	case first == nil || last == nil || *first <= *last:
		return known(first) + " to " + known(last)
	case *last == 0:
		return "empty"
	}
	return fmt.Sprintf("empty behind %d", *last)
}

func known(n *uint64) string {
	if n == nil {
		return "unknown"
	}
	return fmt.Sprint(*n)
}

func hardStateText(h *walcore.HardState, s *walcore.System) string {
	if h == nil {
		return "unknown"
	}
	return fmt.Sprintf("term %d, vote %s, commit %d", h.Term, s.ID(h.Vote), h.Commit)
}

func snapshotText(out *terminal.Out, s *status.Snapshot, of *walcore.System) string {
	switch {
	case s == nil:
		return "unknown"
	case s.Index == 0:
		return "none"
	}
	return fmt.Sprintf("index %d, term %d, %s, %s", s.Index, s.Term, out.Bytes(uint64(s.Size)), membersText(&s.ConfState, of))
}

// membersText is a conf state in words.
func membersText(c *walcore.ConfState, s *walcore.System) string {
	voters, learners := idTexts(c.Voters, s), idTexts(c.Learners, s)
	for _, server := range c.Servers {
		if server.Voter {
			voters = append(voters, quoted(server.ID))
		} else {
			learners = append(learners, quoted(server.ID))
		}
	}
	text := fmt.Sprintf("voters %v", voters)
	for _, more := range []struct {
		name string
		ids  []string
	}{{"learners", learners}, {"outgoing", idTexts(c.VotersOutgoing, s)}, {"learners next", idTexts(c.LearnersNext, s)}} {
		if len(more.ids) > 0 {
			text += fmt.Sprintf(", %s %v", more.name, more.ids)
		}
	}
	return text
}

func idTexts(ids []uint64, s *walcore.System) []string {
	texts := []string{}
	for _, id := range ids {
		texts = append(texts, s.ID(id))
	}
	return texts
}

// addFiles adds what the log takes on disk, which is more than its log files do, and a row
// for each log file.
func addFiles(t *terminal.Rows, out *terminal.Out, files []status.File, log walcore.Log) {
	if f, ok := log.(walcore.Filer); ok {
		native, total := f.Native(), int64(0)
		for _, n := range native {
			total += n.Attr.DiskBytes()
		}
		t.Add("on disk", "%s, %s", out.Bytes(uint64(total)), count(len(native), "file", "files"))
	}
	for _, f := range files {
		t.Add(f.Name, "%s", fileText(out, f))
	}
}

func fileText(out *terminal.Out, f status.File) string {
	text := fmt.Sprintf("%s, %s on disk, ", out.Bytes(uint64(f.Size)), out.Bytes(uint64(f.DiskBytes)))
	if f.Entries == 0 {
		text += "empty"
	} else {
		text += fmt.Sprintf("%d to %d, %s", f.FirstIndex, f.LastIndex, count(f.Entries, "entry", "entries"))
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
