package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/walfs/walfs/walcore/check"
	"github.com/walfs/walfs/walcore/status"
)

type checkOptions struct {
	read readFlags
	json bool
}

func newCheckCommand() *cobra.Command {
	var opts checkOptions
	cmd := &cobra.Command{
		Use:   "check [--json] DIR",
		Short: "Read everything in a Raft directory, and say whether it is sound",
		Long: `Check reads all of DIR, payloads included. For each problem it says where it is, what it
means for a node that opens DIR, and what walfs repair would do. The last line is the
verdict, in one sentence.

DIR may be a running node's: what changes meanwhile is looked at again. Without the key of
an encrypted log all but the payloads is checked, and the verdict says so.

Exit codes: 0 sound, 1 failed, 2 wrong usage, 3 damage, 4 key wrong, or nothing is wrong
but that it is missing, 130 and 143 ended by SIGINT and SIGTERM.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runCheck(cmd.Context(), opts, args, cmd.OutOrStdout())
		},
	}
	opts.read.add(cmd.Flags())
	cmd.Flags().BoolVar(&opts.json, "json", false, "print JSON")
	return cmd
}

func runCheck(ctx context.Context, opts checkOptions, args []string, stdout io.Writer) error {
	log, err := opts.read.open(args[0])
	if err != nil {
		return err
	}
	p := newProgress("checking")
	report, err := check.Run(ctx, log, check.Options{Progress: p.report()})
	p.end()
	if err != nil {
		return unlessInterrupted(ctx, err, "not all was checked")
	}
	if opts.json {
		err = printReportJSON(stdout, report)
	} else {
		err = printCheck(stdout, report)
	}
	switch {
	case err != nil:
		return err
	case !report.Sound:
		return exitError{code: exitDamage}
	case report.KeyMissing():
		return exitError{code: exitKey}
	}
	return nil
}

func printReportJSON(out io.Writer, r *check.Report) error {
	b, err := status.Indented(r)
	if err != nil {
		return err
	}
	_, err = out.Write(b)
	return err
}

// printCheck prints problems, notes, and at last the verdict.
func printCheck(stdout io.Writer, r *check.Report) error {
	out := bufio.NewWriter(stdout)
	printFindings(out, r.Problems)
	printNotes(out, r.Notes)
	fmt.Fprintln(out, r.Verdict)
	return out.Flush()
}

// mostNames is how many names a note lists.
const mostNames = 10

// printNotes prints a line for each kind of note.
func printNotes(out io.Writer, notes []check.Finding) {
	for len(notes) > 0 {
		first := notes[0]
		var names []string
		notes = slices.DeleteFunc(slices.Clone(notes), func(n check.Finding) bool {
			if n.Kind == first.Kind {
				names = append(names, n.File)
			}
			return n.Kind == first.Kind
		})
		if n := len(names) - mostNames; n > 0 {
			names = append(names[:mostNames], fmt.Sprintf("and %d more", n))
		}
		fmt.Fprintf(out, "note: %s: %s: %s\n", strings.Join(names, ", "), first.Kind, first.Message)
		printMeaning(out, "node", first.Node)
		fmt.Fprintln(out)
	}
}

// printMeaning prints a text below its problem, in lines of at most 96 characters.
func printMeaning(out io.Writer, name, text string) {
	line := fmt.Sprintf("  %-7s", name)
	for word := range strings.FieldsSeq(text) {
		if len(line)+1+len(word) > 96 {
			fmt.Fprintln(out, line)
			line = strings.Repeat(" ", 9)
		}
		line += " " + word
	}
	fmt.Fprintln(out, line)
}

// mostAlike is how many problems of a file that mean the same are printed one by one.
const mostAlike = 3

func printFindings(out io.Writer, findings []check.Finding) {
	for _, g := range group(findings) {
		for _, f := range g[:min(len(g), mostAlike)] {
			fmt.Fprintf(out, "%v\n", f.Problem)
		}
		if n := len(g) - mostAlike; n > 0 {
			fmt.Fprintf(out, "  and %d more like it in %s", n, g[0].File)
			if last := g[len(g)-1]; last.Slot >= 0 {
				fmt.Fprintf(out, ", up to slot %d", last.Slot)
			}
			fmt.Fprintln(out)
		}
		printMeaning(out, "node", g[0].Node)
		printMeaning(out, "repair", g[0].Repair)
		fmt.Fprintln(out)
	}
}

// alike are findings of one file and kind that mean the same.
type alike []check.Finding

// group puts together findings that are alike, in the order of the first of each.
func group(findings []check.Finding) []alike {
	type key struct{ file, kind, node string }
	var groups []alike
	at := map[key]int{}
	for _, f := range findings {
		k := key{f.File, string(f.Kind), f.Node}
		if i, ok := at[k]; ok {
			groups[i] = append(groups[i], f)
			continue
		}
		at[k] = len(groups)
		groups = append(groups, alike{f})
	}
	return groups
}
