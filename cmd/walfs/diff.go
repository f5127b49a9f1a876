package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/diff"
	"github.com/walfs/walfs/walcore/payload"
)

type diffOptions struct {
	keyFiles []string
	plain    bool
	decode   decodeFlags
	json     bool
}

func newDiffCommand() *cobra.Command {
	var opts diffOptions
	cmd := &cobra.Command{
		Use:   "diff DIR DIR...",
		Short: "Say where replicas' logs part",
		Long: `Diff compares the logs of one Raft group's nodes side by side: the range they have
in common, the first index where term, type or payload differs, who is ahead, and what
Raft promises never happens: committed entries that differ, or one term with two
entries at an index. Snapshots at the same index are compared, too. A replica that only
lags is no difference; one whose entries were emptied, as truncate does, is one, but
breaks no promise.

--key-file, given once, is for every DIR; given as often as DIR, each is for one ("" for none).

Exit codes: 0 alike, 1 failed, 2 wrong usage, 3 they part, or an entry is damaged,
4 key missing or wrong.`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			defer endWith(cmd.Context())()
			return runDiff(cmd.Context(), opts, args, cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringArrayVar(&opts.keyFiles, "key-file", nil, "encryption key `FILE` of all DIRs, or of each in turn; - for stdin")
	cmd.Flags().BoolVar(&opts.plain, "plain", false, "compare payloads as they are where a log file may have lost its key id")
	cmd.Flags().BoolVar(&opts.json, "json", false, "print JSON")
	opts.decode.add(cmd.Flags())
	return cmd
}

func runDiff(_ context.Context, opts diffOptions, args []string, stdout io.Writer) error {
	if n := len(opts.keyFiles); n > 1 && n != len(args) {
		return usageError(fmt.Sprintf("%d key files for %d directories: give one, or one each", n, len(args)))
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
	rep := diff.Compare(logs)
	if opts.json {
		err = printJSON(stdout, rep)
	} else {
		err = printReport(stdout, rep, &reportingDecoder{Decoder: decoder})
	}
	if err != nil {
		return err
	}
	return reportError(rep, logs)
}

// open opens the logs of dirs. If one fails, it gives those before it.
func (o *diffOptions) open(dirs []string) (logs []walcore.Log, err error) {
	for i, dir := range dirs {
		read := readFlags{plain: o.plain}
		if len(o.keyFiles) > 0 {
			read.keyFile = o.keyFiles[i%len(o.keyFiles)]
		}
		log, err := read.open(dir)
		if err != nil {
			return logs, fmt.Errorf("%s: %w", dir, err)
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
	err := exitError{exitDamage, fmt.Errorf("%d entries could not be read to be compared; walfs stat tells why", rep.Unreadable)}
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

func printJSON(out io.Writer, v any) error {
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

func printReport(out io.Writer, rep *diff.Report, d payload.Decoder) error {
	if err := printReplicas(out, rep.Replicas); err != nil {
		return err
	}
	fmt.Fprintln(out)
	if c := rep.Common; c != nil {
		fmt.Fprintf(out, "common range: %d to %d\n", c.First, c.Last)
	} else {
		fmt.Fprintln(out, "common range: none")
	}
	for _, a := range rep.Ahead {
		fmt.Fprintf(out, "ahead: %s has %d to %d (%d entries) that %s lacks\n", a.Dir, a.First, a.Last, a.Last-a.First+1, a.Behind)
	}
	for _, n := range rep.Notes {
		fmt.Fprintf(out, "NOT ALIKE: %s\n", n)
	}
	if rep.Broken != nil {
		printDifference(out, rep.Broken, d)
	}
	if rep.Parted != nil && rep.Parted != rep.Broken {
		printDifference(out, rep.Parted, d)
	}
	for _, e := range rep.Emptied {
		fmt.Fprintf(out, "emptied: %s lacks the data of %s from %d to %d, which another has\n",
			e.Dir, count(e.Entries, "entry", "entries"), e.First, e.Last)
	}
	_, err := fmt.Fprintln(out, conclusion(rep))
	return err
}

func printReplicas(out io.Writer, replicas []diff.Replica) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "DIR\tRAFT ID\tGROUP\tLOG\tTERM\tVOTE\tCOMMIT\tSNAPSHOT\tPROBLEMS")
	for _, r := range replicas {
		hard := "unknown\tunknown\tunknown"
		if h := r.HardState; h != nil {
			hard = fmt.Sprintf("%d\t%d\t%d", h.Term, h.Vote, h.Commit)
		}
		snap := "unknown"
		if r.Snapshot != nil {
			snap = fmt.Sprintf("%d (term %d)", r.Snapshot.Index, r.Snapshot.Term)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%d to %d\t%s\t%s\t%d\n", r.Dir, known(r.RaftID), known(r.GroupID),
			r.FirstIndex, r.LastIndex, hard, snap, r.Problems)
	}
	return w.Flush()
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

func printDifference(out io.Writer, at *diff.Difference, d payload.Decoder) {
	switch at.Promise {
	case diff.Committed:
		fmt.Fprintf(out, "RAFT'S PROMISE IS BROKEN: committed entries differ, first at index %d\n", at.Index)
	case diff.SameTerm:
		fmt.Fprintf(out, "RAFT'S PROMISE IS BROKEN: one term has two entries at an index, first at index %d\n", at.Index)
	}
	where := ""
	if at.Byte != nil {
		where = fmt.Sprintf(" from byte %d on", *at.Byte)
	}
	fmt.Fprintf(out, "parted at index %d, by %s%s:\n", at.Index, at.What, where)
	for i := range at.Entries {
		v := &at.Entries[i]
		state := "not known to be committed"
		if v.Committed != nil {
			state = map[bool]string{false: "not committed", true: "committed"}[*v.Committed]
		}
		var s payload.Summary
		line := "cannot be read"
		if v.SHA256 != nil {
			_ = d.Summarize(&s, payload.EntryOf(&v.Entry, v.Data)) // d reports what fails
			line = string(s.Line)
		}
		fmt.Fprintf(out, "  %s: term %d, %s, %d bytes, %s: %s\n", v.Dir, v.Term, v.Type, v.Size, state, line)
	}
}
