package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/export"
	"github.com/walfs/walfs/walcore/payload"
)

type exportOptions struct {
	read   readManyFlags
	decode decodeFlags
	format string
	out    string
}

// exportFormats are the values of --format.
var exportFormats = []string{export.Parquet, export.CSV}

func newExportCommand() *cobra.Command {
	var opts exportOptions
	cmd := &cobra.Command{
		Use:   "export DIR... --out FOLDER",
		Short: "Write tables for DuckDB, Spark, Trino and others: Parquet or CSV",
		Long: `Export writes the logs of one or more nodes as tables that engines for data
read. A row of entries is an entry, with its payload and what dump --decode
says of it; one of edges is an edge of a mutation; one of txns is a
transaction that was committed or aborted. A log file becomes a file of each:

    FOLDER/entries/system=dgraph/group=1/node=1/00001.wal.parquet

Engines make the columns system, group and node of the folders' names. Nodes
of one cluster can be exported to one FOLDER, together or each on its machine;
another cluster needs another FOLDER.

A log file that was exported before, and has not changed, is skipped, so that
the same command goes on where it was cut short, and keeps a folder up to
date. One that has grown is written anew, and gets its name once it is whole.
What the node compacts stays in FOLDER; what a later leader replaced does not.

An entry that cannot be read is a row without its payload; the column error
says why, and so does stderr. Payloads of more than 64 MiB are left out.

--key-file, given once, is for every DIR; given as often as DIR, each is for
one ("" for none).

Exit codes: 0 done, 1 failed, or a --decoder did, 2 wrong usage, 3 an entry is
damaged, 4 key missing or wrong, 5 another walfs is exporting the same node,
130 and 143 ended by SIGINT and SIGTERM.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			renice()
			return runExport(cmd.Context(), opts, args, cmd.OutOrStdout())
		},
	}
	opts.read.add(cmd.Flags(), "export payloads as they are where a log file may have lost its key id")
	opts.decode.add(cmd.Flags())
	cmd.Flags().StringVar(&opts.format, "format", export.Parquet, "`FORMAT`: parquet or csv")
	cmd.Flags().StringVar(&opts.out, "out", "", "the `FOLDER` to write to; it is made if it is not there")
	// They fail for a flag that is not there.
	_ = cmd.MarkFlagRequired("out")
	_ = cmd.RegisterFlagCompletionFunc("out", folders)
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(exportFormats, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// exportedSoFar is what has become of an export that was interrupted.
const exportedSoFar = "the log files that are done are whole, and the same command goes on from there"

func runExport(ctx context.Context, opts exportOptions, args []string, stdout io.Writer) error {
	if err := opts.check(args); err != nil {
		return err
	}
	if err := opts.checkPlaces(ctx, args); err != nil {
		return err
	}
	code := 0
	for i, dir := range args {
		failed, err := opts.exportDir(ctx, dir, i, stdout)
		if err != nil {
			return unlessInterrupted(ctx, err, exportedSoFar)
		}
		code = max(code, failed)
	}
	if code != 0 {
		return exitError{code: code}
	}
	return nil
}

// check finds wrong usage, before anything is opened.
func (o *exportOptions) check(dirs []string) error {
	switch {
	case !slices.Contains(exportFormats, o.format):
		return wrongValue("--format", o.format, exportFormats)
	case o.out == "":
		return usageError(`--out "": want a folder`)
	}
	if err := o.read.check(len(dirs)); err != nil {
		return err
	}
	return o.decode.check()
}

// exportDir exports a directory, the i-th. code is what follows from entries that cannot be read.
func (o *exportOptions) exportDir(ctx context.Context, dir string, i int, stdout io.Writer) (code int, err error) {
	log, err := o.open(ctx, dir, i)
	if err != nil {
		return 0, err
	}
	defer func() { log.Close() }() // the newest
	decoder, end, err := o.decode.decoder(log)
	if err != nil {
		return 0, err
	}
	defer end()
	p := newProgress("exporting " + quoted(dir))
	defer p.end()
	lost := &failures{}
	var result export.Result
	var mu sync.Mutex // the decoder fails in another goroutine than reading
	failed := func(err error) {
		mu.Lock()
		defer mu.Unlock()
		p.end()
		lost.add(err)
	}
	options := export.Options{Folder: o.out, Format: o.format, Decoding: o.decoding(log.Meta().System), ShowSecrets: o.decode.showSecrets,
		Decoder: &payload.Reporting{Decoder: decoder, Failed: failed}, Failed: failed, Progress: p.report()}
	log, err = atOneMoment(ctx, log, func(log walcore.Log) error {
		lost = &failures{}
		r, err := export.Log(ctx, log, options)
		result.Add(r)
		return err
	})
	p.end()
	lost.count(true)
	if err != nil {
		return lost.code, err
	}
	removed := ""
	if result.Removed > 0 {
		removed = fmt.Sprintf(", %d removed, since a later leader has replaced its entries", result.Removed)
		if result.Removed > 1 {
			removed = strings.ReplaceAll(removed, "its", "their")
		}
	}
	_, err = fmt.Fprintf(stdout, "exported %s to %s: %s written, %d as before%s; %s, %s\n", quoted(dir), quoted(o.out),
		count(result.Written, "log file", "log files"), result.Skipped, removed, count(result.Entries, "entry", "entries"), count(result.Edges, "edge", "edges"))
	return lost.code, err
}

// decoding says how entries are decoded: what was exported another way is written anew.
func (o *exportOptions) decoding(s *walcore.System) string {
	switch d := &o.decode; {
	case d.isBuiltin():
		return s.Name
	case d.program != "":
		return fmt.Sprintf("program, its command of %x", sha256.Sum256([]byte(d.program))) // it may hold a secret
	default:
		// The file was read already; if it is gone by now, the next export differs.
		schema, _ := os.ReadFile(d.proto)
		return fmt.Sprintf("message %s behind %d bytes, of %x", d.message, d.skip, sha256.Sum256(schema))
	}
}
