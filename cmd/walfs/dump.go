package main

import (
	"bufio"
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/walfs/walfs/fsview"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
)

type dumpOptions struct {
	read   readFlags
	decode decodeFlags
	filter filter
	format string
	full   bool // --decode
}

func newDump() *cobra.Command {
	var o dumpOptions
	cmd := &cobra.Command{
		Use:   "dump DIR",
		Short: "Print the entries: a table, JSON lines, or raw bytes",
		Long: `Dump prints DIR's entries one after the other, in constant memory.

--format table   a line an entry with what it says, and at the end a summary: entries
                 by kind and predicate, transactions that are not decided, members
--format json    a line of JSON an entry: index, term, type, size, file, slot, offset,
                 data (base64), and with --decode what it means under decoded
--format raw     the payloads, one right after the other

--grep tries a regular expression on the decoded text, that of decoded/N.json.
An entry that cannot be read is said on stderr, and the rest is printed.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 an entry is damaged, 4 key missing or wrong.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.filter.parse(); err != nil {
				return err
			}
			if err := o.decode.check(); err != nil {
				return err
			}
			r, err := o.read.open(args[0])
			if err != nil {
				return err
			}
			defer r.Close()
			decoder, done, err := o.decode.decoder(r)
			if err != nil {
				return err
			}
			defer done()
			out := bufio.NewWriterSize(cmd.OutOrStdout(), 64<<10)
			p, err := o.printer(out, decoder)
			if err != nil {
				return err
			}
			code, err := o.dump(cmd.Context(), r, decoder, p)
			if err == nil {
				err = out.Flush()
			}
			if err == nil && code != 0 {
				err = exitError{code: code}
			}
			return err
		},
	}
	o.read.add(cmd.Flags())
	o.decode.add(cmd.Flags())
	o.filter.add(cmd.Flags())
	cmd.Flags().StringVar(&o.format, "format", "table", "`FORMAT`: table, json or raw")
	cmd.Flags().BoolVar(&o.full, "decode", false, "with --format json: what each entry means, too")
	return cmd
}

// printer is a format of dump.
type printer interface {
	// print writes an entry; data is good until it returns.
	print(e *walcore.Entry, data []byte) error
	// end writes what comes after the last.
	end(r *walcore.Reader) error
}

func (o *dumpOptions) printer(out *bufio.Writer, d payload.Decoder) (printer, error) {
	if o.full && o.format != "json" {
		return nil, usage("--decode goes with --format json; the table decodes anyway")
	}
	switch o.format {
	case "table":
		return newTable(out, d), nil
	case "json":
		return &jsonLines{out: out, decoder: d, full: o.full}, nil
	case "raw":
		return raw{out}, nil
	}
	return nil, usage(fmt.Sprintf("--format %s: want table, json or raw", o.format))
}

// dump prints what the filter lets through. code is the exit code that the
// entries it could not read call for.
func (o *dumpOptions) dump(ctx context.Context, r *walcore.Reader, d payload.Decoder, p printer) (code int, err error) {
	if lost := damagedWithin(r, &o.filter); lost != nil {
		complain(lost)
		code = exitCode(lost, true)
	}
	var data, text []byte
	left := o.filter.limit
	for e := range r.Log().Entries(o.filter.from) {
		if ctx.Err() != nil || e.Index > o.filter.to {
			break
		}
		if !o.filter.takes(&e) {
			continue
		}
		var err error
		if data, err = e.AppendData(data[:0]); err != nil {
			complain(err)
			code = max(code, exitCode(err, true))
			continue
		}
		if o.filter.pattern != nil {
			// A program's failure is in the text, too.
			if text, err = d.AppendJSON(text[:0], fsview.PayloadEntry(&e, data)); err != nil {
				fmt.Fprintf(os.Stderr, "walfs: %v\n", err)
				code = max(code, exitFailed)
			}
			if !o.filter.pattern.Match(text) {
				continue
			}
		}
		if err := p.print(&e, data); err != nil {
			return code, err
		}
		if left--; left == 0 {
			break
		}
	}
	return code, p.end(r)
}

// damagedWithin tells of slots that are no entries, which a list of entries
// alone would pass over in silence.
func damagedWithin(r *walcore.Reader, f *filter) error {
	for _, p := range r.Problems() {
		if p.Slot >= 0 && (p.Index == 0 || p.Index >= f.from && p.Index <= f.to) {
			return fmt.Errorf("%w: %v; walfs stat lists all", walcore.ErrDamaged, p)
		}
	}
	return nil
}

type raw struct{ out *bufio.Writer }

func (r raw) print(_ *walcore.Entry, data []byte) error {
	_, err := r.out.Write(data)
	return err
}

func (raw) end(*walcore.Reader) error { return nil }
