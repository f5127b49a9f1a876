package main

import (
	"slices"

	"github.com/walfs/walfs/walcore"

	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/walfs/walfs/walcore/diff"
	"github.com/walfs/walfs/walcore/payload"
)

func newDiff() *cobra.Command {
	var keyFiles []string
	var plain, asJSON bool
	var decode decodeFlags
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
			if n := len(keyFiles); n > 1 && n != len(args) {
				return usage(fmt.Sprintf("%d key files for %d directories: give one, or one each", n, len(args)))
			}
			if err := decode.check(); err != nil {
				return err
			}
			var logs []walcore.Log
			for i, dir := range args {
				read := readFlags{plain: plain}
				if len(keyFiles) > 0 {
					read.keyFile = keyFiles[i%len(keyFiles)]
				}
				r, err := read.open(dir)
				if err != nil {
					return fmt.Errorf("%s: %w", dir, err)
				}
				defer r.Close()
				logs = append(logs, r)
			}
			decoder, done, err := decode.decoder(logs[0])
			if err != nil {
				return err
			}
			defer done()
			rep := diff.Compare(logs)
			if asJSON {
				err = printJSON(cmd.OutOrStdout(), rep)
			} else {
				err = printReport(cmd.OutOrStdout(), rep, &outspoken{Decoder: decoder})
			}
			if err != nil {
				return err
			}
			return diffVerdict(rep, logs)
		},
	}
	cmd.Flags().StringArrayVar(&keyFiles, "key-file", nil, "encryption key `FILE` of all DIRs, or of each in turn")
	cmd.Flags().BoolVar(&plain, "plain", false, "compare payloads as they are where a log file may have lost its key id")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	decode.add(cmd.Flags())
	return cmd
}

func diffVerdict(rep *diff.Report, logs []walcore.Log) error {
	switch {
	case !rep.Alike():
		return exitError{code: exitDamage}
	case rep.Unreadable > 0:
		err := fmt.Errorf("%d entries could not be read to be compared; walfs stat tells why", rep.Unreadable)
		for _, l := range logs {
			if slices.ContainsFunc(l.Problems(), isKeyProblem) {
				return exitError{code: exitKey, err: err}
			}
		}
		return exitError{code: exitDamage, err: err}
	}
	return nil
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
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "DIR\tRAFT ID\tGROUP\tLOG\tTERM\tVOTE\tCOMMIT\tSNAPSHOT\tPROBLEMS")
	for _, r := range rep.Replicas {
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
	if err := w.Flush(); err != nil {
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
			_ = d.Summarize(&s, payload.EntryOf(&v.Entry, v.Data)) // outspoken says what fails
			line = string(s.Line)
		}
		fmt.Fprintf(out, "  %s: term %d, %s, %d bytes, %s: %s\n", v.Dir, v.Term, v.Type, v.Size, state, line)
	}
}
