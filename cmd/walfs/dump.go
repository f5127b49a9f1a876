package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"slices"

	"github.com/spf13/cobra"
	"github.com/walfs/walfs/cmd/walfs/terminal"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
)

type dumpOptions struct {
	read    readFlags
	decode  decodeFlags
	filter  filterFlags
	format  string
	decoded bool // --decode
	follow  bool
	wide    bool

	replaced bool // what was replaced instead
}

// dumpFormats are the values of --format.
var dumpFormats = []string{"table", "json", "raw"}

func newDumpCommand() *cobra.Command {
	var opts dumpOptions
	cmd := &cobra.Command{
		Use:   "dump DIR",
		Short: "Print the entries: a table, JSON lines, or raw bytes",
		Long: `Dump prints DIR's entries one after the other, in constant memory but for where
they are: some 5 bytes an entry.

--format table   checkpoint, snapshot and hard state, a line an entry with what
                 it says and its proposal key, and at the end a summary:
                 entries by kind and predicate, transactions that are not
                 decided (of an Alpha's log), members
--format json    a line of JSON an entry: index, term, type, size, file, slot,
                 offset, data (base64), and with --decode what it means
--format raw     the payloads, one right after the other

On a terminal, a line of the table that is too long ends in …; --wide, a pipe
or a file has all of it.

Filters combine: an entry must match all of them. --kind takes the kinds of the
summary, and commit, abort and membership. --txn takes the start_ts. A date is
its first moment, and --until ends before it. Dgraph stores no time with an
entry: --since and --until take whole log files, by when they were written, and
stderr says which. --grep tries a regular expression on the decoded text, that
of decoded/N.json.

What cannot be read or decoded is said on stderr, many of a kind with their
number, and the rest is printed. So is why nothing is printed, with a filter:
that is no failure.

--follow goes on with the entries that a running node adds, until Ctrl-C. When
the node drops entries that were printed and writes others in their place,
stderr says from which on, and the new ones are printed.

--replaced shows what a later leader has put other entries in the place of, as
far as it is still there for certain: entries whose slots a rewrite that was
cut off has left, and payloads of Dgraph's whose slots are gone. Of those only
file and offset are known, and in encrypted files that walfs wrote the index:
what is not known is ? in the table and null in JSON, where known_by says by
what an entry is known. Stderr says how sure it is, and where was searched.

Exit codes: 0 done, 1 failed, or a --decoder did, 2 wrong usage, 3 an entry is
damaged, 4 key missing or wrong, 130 and 143 ended by SIGINT and SIGTERM. With
--follow, that is how it ends: 0.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runDump(cmd.Context(), opts, args, cmd.OutOrStdout())
		},
	}
	opts.read.add(cmd.Flags())
	opts.decode.add(cmd.Flags())
	opts.filter.add(cmd.Flags())
	cmd.Flags().StringVar(&opts.format, "format", "table", "`FORMAT`: table, json or raw")
	cmd.Flags().BoolVar(&opts.decoded, "decode", false, "with --format json: what each entry means, too")
	terminal.AddWide(cmd.Flags(), &opts.wide)
	cmd.Flags().BoolVar(&opts.replaced, "replaced", false, "what a later leader has replaced, instead of the log")
	cmd.Flags().BoolVar(&opts.follow, "follow", false, "go on with entries as they come, until Ctrl-C")
	// It fails for a flag that is not there.
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(dumpFormats, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func runDump(ctx context.Context, opts dumpOptions, args []string, stdout io.Writer) error {
	if err := opts.check(); err != nil {
		return err
	}
	stop := endSaying(ctx, ": no entry was printed")
	log, err := opts.read.openLazily(args[0])
	stop()
	if err != nil {
		return err
	}
	if err := opts.filter.resolve(log); err != nil {
		return errors.Join(err, log.Close())
	}
	decoder, end, err := opts.decode.decoder(log)
	if err != nil {
		return errors.Join(err, log.Close())
	}
	defer end()
	if opts.replaced {
		return runDumpReplaced(ctx, &opts, log, decoder, stdout)
	}
	return newDumper(&opts, log, decoder, stdout).run(ctx)
}

// check finds wrong usage, before anything is opened.
func (o *dumpOptions) check() error {
	switch {
	case !slices.Contains(dumpFormats, o.format):
		return wrongValue("--format", o.format, dumpFormats)
	case o.decoded && o.format != "json":
		return usageError("--decode goes with --format json; the table decodes anyway")
	case o.follow && o.filter.Replay():
		return usageError("--replay is about one moment, and does not go with --follow")
	case o.replaced && o.follow:
		return usageError("--replaced and --follow exclude one another: nothing is replaced by what a node appends")
	}
	if err := o.filter.check(); err != nil {
		return err
	}
	return o.decode.check()
}

// printer is a format of dump.
type printer interface {
	// print writes an entry. data may be overwritten once it returns. They are nil
	// where the entry has more than payload.MaxData bytes.
	print(e *walcore.Entry, data []byte) error
	// end writes what comes after the last entry.
	end(log walcore.Log) error
}

func (o *dumpOptions) printer(out *bufio.Writer, on *terminal.Out, m *walcore.Meta, d payload.Decoder) printer {
	switch o.format {
	case "json":
		return &jsonLines{out: out, system: m.System, decoder: d, decoded: o.decoded, replaced: o.replaced}
	case "raw":
		return raw{out}
	}
	if o.replaced {
		return newReplacedTable(out, on, m.System, d)
	}
	return newTable(out, on, m, d)
}

type raw struct{ out *bufio.Writer }

func (r raw) print(e *walcore.Entry, data []byte) error {
	_, err := io.Copy(r.out, payloadReader(e, data))
	return err
}

// payloadReader reads an entry's payload: data, or where those were too large to be
// read at once, from the log, a window at a time.
func payloadReader(e *walcore.Entry, data []byte) io.Reader {
	if int64(len(data)) == e.Size {
		return bytes.NewReader(data)
	}
	return bufio.NewReaderSize(io.NewSectionReader(e, 0, e.Size), payloadWindow)
}

const payloadWindow = 1 << 20

func (raw) end(walcore.Log) error { return nil }
