package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/walfs/walfs/cmd/walfs/terminal"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/diff"
	"github.com/walfs/walfs/walcore/payload"
	"github.com/walfs/walfs/walcore/status"
)

type diffOptions struct {
	read   readManyFlags
	decode decodeFlags
	json   bool
	wide   bool
}

func newDiffCommand() *cobra.Command {
	var opts diffOptions
	cmd := &cobra.Command{
		Use:   "diff DIR DIR...",
		Short: "Say where replicas' logs part",
		Long: `Diff compares the logs of one Raft group's nodes side by side: the range they
have in common, the first index where term, type or payload differs, who is
ahead, and what Raft promises never happens: committed entries that differ, or
one term with two entries at an index. Snapshots at the same index are
compared, too. A replica that only lags is no difference; one whose entries
were emptied, as truncate does, is one, but breaks no promise.

--key-file, given once, is for every DIR; given as often as DIR, each is for
one ("" for none).

Exit codes: 0 alike, 1 failed, 2 wrong usage, 3 they part, or an entry is
damaged, 4 key missing or wrong, 130 and 143 ended by SIGINT and SIGTERM.`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			defer endWith(cmd.Context())()
			return runDiff(cmd.Context(), opts, args, cmd.OutOrStdout())
		},
	}
	opts.read.add(cmd.Flags(), "compare payloads as they are where a log file may have lost its key id")
	cmd.Flags().BoolVar(&opts.json, "json", false, "print JSON")
	terminal.AddWide(cmd.Flags(), &opts.wide)
	opts.decode.add(cmd.Flags())
	return cmd
}

func runDiff(ctx context.Context, opts diffOptions, args []string, stdout io.Writer) error {
	if err := opts.read.check(len(args)); err != nil {
		return err
	}
	if err := opts.decode.check(); err != nil {
		return err
	}
	logs, err := opts.open(args)
	defer closeLogs(logs)
	if err != nil {
		return err
	}
	decoder, end, err := opts.decode.decoder(logs[0])
	if err != nil {
		return err
	}
	defer end()
	progress := newProgress("comparing")
	rep, err := diff.Compare(ctx, logs, progress.report())
	progress.end()
	if err != nil {
		return err
	}
	if opts.json {
		err = printJSON(stdout, rep)
	} else {
		err = printReport(terminal.To(stdout, opts.wide), rep, &payload.Reporting{Decoder: decoder, Failed: printError})
	}
	if err != nil {
		return err
	}
	return reportError(rep, logs)
}

// open opens the logs of dirs. If one fails, it gives those before it.
func (o *diffOptions) open(dirs []string) (logs []walcore.Log, err error) {
	for i, dir := range dirs {
		log, err := o.read.open(dir, i)
		if err != nil {
			return logs, err
		}
		logs = append(logs, log)
	}
	return logs, nil
}

func closeLogs(logs []walcore.Log) {
	for _, log := range logs {
		log.Close()
	}
}

// reportError is what diff ends with: that the logs are not alike, or that not all
// of them could be compared.
func reportError(rep *diff.Report, logs []walcore.Log) error {
	if !rep.Alike() {
		return exitError{code: exitDamage}
	}
	if rep.Unreadable == 0 {
		return nil
	}
	err := exitError{exitDamage, errors.New("not all could be compared; walfs stat tells why")}
	for _, log := range logs {
		if slices.ContainsFunc(log.Problems(), isKeyProblem) {
			err.code = exitKey
		}
	}
	return err
}

// isKeyProblem reports whether a problem is that payloads cannot be decrypted.
func isKeyProblem(p walcore.Problem) bool {
	return p.Kind == walcore.KindNoKey || p.Kind == walcore.KindDataKey || p.Kind == walcore.KindKeyErased
}

// printJSON prints a report as every --json does.
func printJSON(out io.Writer, report any) error {
	b, err := status.Indented(report)
	if err != nil {
		return fmt.Errorf("the report as JSON: %w", err)
	}
	_, err = out.Write(b)
	return err
}

func printReport(out *terminal.Out, rep *diff.Report, d payload.Decoder) error {
	if err := printReplicas(out, rep.Replicas); err != nil {
		return err
	}
	line := func(colour func(string) string, format string, args ...any) {
		fmt.Fprintln(out, colour(out.Cut(fmt.Sprintf(format, args...))))
	}
	whole := func(colour func(string) string, format string, args ...any) {
		for _, l := range out.Lines(0, fmt.Sprintf(format, args...)) {
			fmt.Fprintln(out, colour(l))
		}
	}
	fmt.Fprintln(out)
	if c := rep.Common; c != nil {
		line(plain, "common range: %d to %d", c.First, c.Last)
	} else {
		line(plain, "common range: none")
	}
	for _, a := range rep.Ahead {
		whole(plain, "ahead: %s has %d to %d (%s) that %s lacks", a.Dir, a.First, a.Last, count(a.Last-a.First+1, "entry", "entries"), a.Behind)
	}
	for _, n := range rep.Notes {
		whole(out.Warning, "NOT ALIKE: %s", n)
	}
	if rep.Broken != nil {
		printDifference(out, line, rep.Broken, d)
	}
	if rep.Parted != nil && rep.Parted != rep.Broken {
		printDifference(out, line, rep.Parted, d)
	}
	for _, e := range rep.Emptied {
		whole(out.Warning, "emptied: %s lacks the data of %s from %d to %d, which another has",
			e.Dir, count(e.Entries, "entry", "entries"), e.First, e.Last)
	}
	colour := plain
	if !rep.Alike() {
		colour = out.Warning
	}
	_, err := fmt.Fprintln(out, colour(out.Cut(conclusion(rep))))
	return err
}

// plain is text without a colour.
func plain(text string) string { return text }

// printReplicas prints a table, or where that is wider than the terminal, some rows for
// each replica: cut to 80 columns, a table would hide its last columns.
func printReplicas(out *terminal.Out, replicas []diff.Replica) error {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "DIR\tRAFT ID\tGROUP\tLOG\tTERM\tVOTE\tCOMMIT\tSNAPSHOT\tPROBLEMS")
	for _, r := range replicas {
		hard := "unknown\tunknown\tunknown"
		if h := r.HardState; h != nil {
			vote, _ := r.Vote()
			hard = fmt.Sprintf("%d\t%s\t%d", h.Term, vote, h.Commit)
		} else if st := r.Stable; st != nil {
			hard = fmt.Sprintf("%d\t%s\tnot known", st.CurrentTerm, candidateText(st))
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%d\n", r.Dir, raftID(&r), groupID(&r),
			replicaIndexes(&r), hard, snapshotAt(&r), r.Problems)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if fits(out, b.String()) {
		_, err := out.Write(b.Bytes())
		return err
	}
	var rows terminal.Rows
	for _, r := range replicas {
		rows.Add("DIR", "%s", r.Dir)
		rows.Add("  raft id", "%s of group %s", raftID(&r), groupID(&r))
		rows.Add("  log", "%s", replicaIndexes(&r))
		rows.Add("  hard state", "%s", replicaState(&r))
		rows.Add("  snapshot", "%s", snapshotAt(&r))
		colour := plain
		if r.Problems > 0 {
			colour = out.Problem
		}
		rows.AddWhole(colour, "  problems", "%d", r.Problems)
	}
	return rows.Print(out)
}

// raftID and groupID are who a replica says it is: an etcd's node and cluster id.
func raftID(r *diff.Replica) string { return cmp.Or(r.NodeID, known(r.RaftID)) }

func groupID(r *diff.Replica) string { return cmp.Or(r.ClusterID, known(r.GroupID)) }

func replicaState(r *diff.Replica) string {
	vote, ok := r.Vote()
	switch {
	case ok:
		return fmt.Sprintf("term %d, vote %s, commit %d", r.HardState.Term, vote, r.HardState.Commit)
	case r.Stable != nil:
		return stableText(r.Stable) + "; commit not known"
	}
	return "unknown"
}

// fits reports whether no line of text is cut.
func fits(out *terminal.Out, text string) bool {
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if out.Cut(line) != line {
			return false
		}
	}
	return true
}

// replicaIndexes says which ones a replica has entries of.
func replicaIndexes(r *diff.Replica) string {
	if r.FirstIndex == 0 {
		return "empty"
	}
	return logRange(&r.FirstIndex, &r.LastIndex)
}

func snapshotAt(r *diff.Replica) string {
	switch s := r.Snapshot; {
	case s == nil:
		return "unknown"
	case s.Index == 0:
		return "none"
	default:
		return fmt.Sprintf("%d (term %d)", s.Index, s.Term)
	}
}

func conclusion(rep *diff.Report) string {
	switch {
	case rep.Differs == 1:
		return "1 index differs"
	case rep.Differs > 1:
		return fmt.Sprintf("%d indexes differ", rep.Differs)
	case rep.Unreadable > 0:
		return fmt.Sprintf("no entry that could be compared differs; %d could not be compared in full", rep.Unreadable)
	case len(rep.Emptied) > 0:
		return "no other entry differs"
	case !rep.Alike():
		return "no entry that two replicas have differs"
	}
	return "alike: no entry that two replicas have differs"
}

func printDifference(out *terminal.Out, line func(colour func(string) string, format string, args ...any), at *diff.Difference, d payload.Decoder) {
	switch at.Promise {
	case diff.Committed:
		line(out.Problem, "RAFT'S PROMISE IS BROKEN: committed entries differ, first at index %d", at.Index)
	case diff.SameTerm:
		line(out.Problem, "RAFT'S PROMISE IS BROKEN: one term has two entries at an index, first at index %d", at.Index)
	}
	where := ""
	if at.Byte != nil {
		where = fmt.Sprintf(" from byte %d on", *at.Byte)
	}
	line(out.Warning, "parted at index %d, by %s%s:", at.Index, at.What, where)
	for i := range at.Entries {
		v := &at.Entries[i]
		state := "not known to be committed"
		if v.Committed != nil {
			state = map[bool]string{false: "not committed", true: "committed"}[*v.Committed]
		}
		var s payload.Summary
		says := "cannot be read"
		if v.SHA256 != nil {
			_ = d.Summarize(&s, payload.EntryOf(&v.Entry, v.Data)) // d reports what fails
			says = string(s.Line)
		}
		line(plain, "  %s: term %d, %s, %d bytes, %s: %s", v.Dir, v.Term, v.Type, v.Size, state, says)
	}
}
