package main

import (
	"context"
	"io"
	"slices"

	"github.com/spf13/cobra"
	"github.com/walfs/walfs/cmd/walfs/terminal"
	"github.com/walfs/walfs/walcore/stats"
	"github.com/walfs/walfs/walcore/wording"
)

type statsOptions struct {
	read   readFlags
	decode decodeFlags
	filter filterFlags
	what   string // --by
	top    int
	json   bool
	format string
	wide   bool
}

// statsFormats are the values of --format.
var statsFormats = []string{"text", "json", "csv"}

// shownRows is how many rows each table of the overview has, if --top does not say.
const shownRows = 10

func newStatsCommand() *cobra.Command {
	var opts statsOptions
	cmd := &cobra.Command{
		Use:   "stats DIR",
		Short: "Add up entries and bytes: what fills the log, what is dead",
		Long: `Stats counts DIR's entries, or those that the filters leave, and the bytes of
their payloads. Dead are those at or below the snapshot: the node does not read
them any more, and deletes a log file once all in it are dead.

Without --by it prints an overview, of at most 10 rows a table. With it, one
table, by one of these:

kind        what entries are: mutation, delta, schema, conf_change …
predicate   an entry counts for each predicate that its edges have, and bytes
            are those of the encoded edges
file        log files; on disk is what their blocks take
term
member      the raft id of the node that proposed the entry
namespace   an entry counts for each one that it is about, with all its bytes
size        of payloads, in powers of two
hour        UTC, of the entry where its system stores that; else of when its
            log file was created, or if that was copied since, last written

(none) is for entries that have no such thing, (unreadable) for those whose
payload cannot be read, and (more) for all beyond 10,000 values. By file, term,
size and hour no payload is read, unless a filter needs it.

JSON and CSV have all tables and all rows, unless --by and --top say which. CSV
has a line a row, and the same columns for all tables.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 an entry is damaged, 4 key
missing or wrong, 130 and 143 ended by SIGINT and SIGTERM.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch given := cmd.Flags().Changed; {
			case given("by") && opts.what == "": // as of a variable that is not set
				return wrongValue("--by", "", byNames())
			case given("format") && opts.format == "":
				return wrongValue("--format", "", statsFormats)
			case !given("format"):
				opts.format = ""
			}
			if !cmd.Flags().Changed("top") {
				opts.top = opts.usualTop()
			}
			return runStats(cmd.Context(), opts, args, cmd.OutOrStdout())
		},
	}
	opts.read.add(cmd.Flags())
	opts.decode.add(cmd.Flags())
	opts.filter.add(cmd.Flags())
	cmd.Flags().StringVar(&opts.what, "by", "", "one table, by `WHAT`: "+wording.OneOf(byNames()))
	cmd.Flags().IntVar(&opts.top, "top", 0, "only the `N` rows with most bytes of each table; 0 is all")
	cmd.Flags().BoolVar(&opts.json, "json", false, "print JSON")
	cmd.Flags().StringVar(&opts.format, "format", "text", "`FORMAT`: text, json or csv")
	terminal.AddWide(cmd.Flags(), &opts.wide)
	// They fail for a flag that is not there.
	_ = cmd.RegisterFlagCompletionFunc("by", cobra.FixedCompletions(byNames(), cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(statsFormats, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func byNames() []string {
	var names []string
	for _, by := range stats.All {
		names = append(names, string(by))
	}
	return names
}

// usualTop is --top where it is not given.
func (o *statsOptions) usualTop() int {
	if o.what == "" && !o.forPrograms() {
		return shownRows
	}
	return 0
}

// check finds wrong usage, before anything is opened.
func (o *statsOptions) check() error {
	switch {
	case o.what != "" && !slices.Contains(byNames(), o.what):
		return wrongValue("--by", o.what, byNames())
	case o.json && o.format != "":
		return usageError("--json and --format exclude one another")
	case o.format != "" && !slices.Contains(statsFormats, o.format):
		return wrongValue("--format", o.format, statsFormats)
	case o.top < 0:
		return usageError("--top takes a number of rows")
	}
	if err := o.filter.check(); err != nil {
		return err
	}
	return o.decode.check()
}

// forPrograms reports whether a program reads what is printed: it gets everything.
func (o *statsOptions) forPrograms() bool { return o.json || o.format == "json" || o.format == "csv" }

// by says what there is a table by.
func (o *statsOptions) by() []stats.By {
	switch {
	case o.what != "":
		return []stats.By{stats.By(o.what)}
	case o.forPrograms():
		return stats.All
	}
	return []stats.By{stats.File, stats.Kind, stats.Predicate, stats.Size, stats.Hour}
}

func runStats(ctx context.Context, opts statsOptions, args []string, stdout io.Writer) error {
	if err := opts.check(); err != nil {
		return err
	}
	stop := endSaying(ctx, ": nothing was added up")
	log, err := opts.read.open(args[0])
	stop()
	if err != nil {
		return err
	}
	a := &adding{statsOptions: &opts, log: log}
	defer func() { a.log.Close() }() // the newest, if it was read again
	if err := a.run(ctx); err != nil {
		return err
	}
	if err := a.print(stdout); err != nil {
		return err
	}
	a.failures.tell()
	if a.Tables[0].Total.Entries == 0 && a.failures.code == 0 {
		notef("%s", opts.filter.Nothing(a.log))
	}
	if a.failures.code != 0 {
		return exitError{code: a.failures.code}
	}
	return nil
}

// print prints what was added up, in the format that was asked for.
func (a *adding) print(stdout io.Writer) error {
	switch {
	case a.json || a.format == "json":
		return printJSON(stdout, a.Report(a.top))
	case a.format == "csv":
		return a.printCSV(stdout)
	}
	return a.printText(terminal.To(stdout, a.wide))
}
