package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/walfs/walfs/cmd/walfs/terminal"
	"github.com/walfs/walfs/walcore/check"
)

type checkOptions struct {
	read readFlags
	json bool
	wide bool
}

func newCheckCommand() *cobra.Command {
	var opts checkOptions
	cmd := &cobra.Command{
		Use:   "check [--json] DIR",
		Short: "Read everything in a Raft directory, and say whether it is sound",
		Long: `Check reads all of DIR, payloads included. For each problem it says where it
is, what it means for a node that opens DIR, and what walfs repair would do.
The last line is the verdict, in one sentence.

DIR may be a running node's: what changes meanwhile is looked at again. Without
the key of an encrypted log all but the payloads is checked, and the verdict
says so.

Exit codes: 0 sound, 1 failed, 2 wrong usage, 3 damage, 4 key wrong, or nothing
is wrong but that it is missing, 130 and 143 ended by SIGINT and SIGTERM.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runCheck(cmd.Context(), opts, args, cmd.OutOrStdout())
		},
	}
	opts.read.add(cmd.Flags())
	cmd.Flags().BoolVar(&opts.json, "json", false, "print JSON")
	terminal.AddWide(cmd.Flags(), &opts.wide)
	return cmd
}

func runCheck(ctx context.Context, opts checkOptions, args []string, stdout io.Writer) error {
	stop := endSaying(ctx, ": not all was checked")
	log, err := opts.read.open(args[0])
	stop()
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
		err = printJSON(stdout, report)
	} else {
		err = printCheck(terminal.To(stdout, opts.wide), report)
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

// findings prints what check has found.
type findings struct {
	*bufio.Writer
	terminal *terminal.Out
}

// printCheck prints problems, notes, and at last the verdict.
func printCheck(stdout *terminal.Out, r *check.Report) error {
	out := findings{bufio.NewWriter(stdout), stdout}
	out.problems(r.Problems)
	out.notes(r.Notes)
	out.verdict(r)
	return out.Flush()
}

// verdict prints the verdict. What comes last in it is what to do.
func (out *findings) verdict(r *check.Report) {
	colour := plain
	switch {
	case !r.Sound:
		colour = out.terminal.Problem
	case r.KeyMissing():
		colour = out.terminal.Warning
	}
	out.whole(colour, r.Verdict)
}

// whole prints all of a text, on a terminal in lines as wide as it is.
func (out *findings) whole(colour func(string) string, text string) {
	for _, line := range out.terminal.Lines(0, text) {
		fmt.Fprintln(out, colour(line))
	}
}

// mostNames is how many names a note lists.
const mostNames = 10

// notes prints a line for each kind of note.
func (out *findings) notes(notes []check.Finding) {
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
		note := fmt.Sprintf("note: %s: %s: %s", strings.Join(allQuoted(names), ", "), first.Kind, first.Message)
		out.whole(out.terminal.Warning, note)
		out.meaning("node", first.Node)
		fmt.Fprintln(out)
	}
}

// meaningColumns is how long the lines of a meaning are where the terminal is no
// narrower.
const meaningColumns = 96

// meaning prints a text below its problem.
func (out *findings) meaning(name, text string) {
	columns := meaningColumns
	if c := out.terminal.Columns; c > 0 {
		columns = min(c, columns)
	}
	for _, line := range terminal.Wrap(fmt.Sprintf("  %-7s", name), text, columns) {
		fmt.Fprintln(out, line)
	}
}

// mostAlike is how many problems of a file that mean the same are printed one by one.
const mostAlike = 3

func (out *findings) problems(list []check.Finding) {
	for _, g := range group(list) {
		for _, f := range g[:min(len(g), mostAlike)] {
			out.whole(out.terminal.Problem, f.Problem.String())
		}
		if n := len(g) - mostAlike; n > 0 {
			more := fmt.Sprintf("  and %d more like it in %s", n, g[0].File)
			if last := g[len(g)-1]; last.Slot >= 0 {
				more += fmt.Sprintf(", up to slot %d", last.Slot)
			}
			fmt.Fprintln(out, out.terminal.Cut(more))
		}
		out.meaning("node", g[0].Node)
		out.meaning("repair", g[0].Repair)
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
