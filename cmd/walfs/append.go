package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"go.etcd.io/raft/v3/raftpb"
)

type appendOptions struct{ write writeFlags }

func newAppendCommand() *cobra.Command {
	var opts appendOptions
	cmd := &cobra.Command{
		Use:   "append DIR",
		Short: "Append entries from lines on stdin",
		Long: `Append reads what walfs dump --format json prints, a line of JSON an entry, and
appends the entries to the log in DIR:

    walfs dump --format json OTHER | walfs append DIR

A line has index, term, type (EntryNormal, EntryConfChange, EntryConfChangeV2, or normal,
conf_change, conf_change_v2, or a number) and data (base64). If it has size, data must
have it. Other fields mean nothing. Indexes must go on where the log ends, and terms must
not go down; walfs rewind drops entries that are in the way.

The first bad line ends it: the lines before are appended, nothing after is. Memory holds
a batch of some megabytes, or the longest line (1 GiB at most).
` + writeExits,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runAppend(cmd.Context(), opts, args, cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
	opts.write.add(cmd.Flags())
	return cmd
}

// What is saved at once, at most; an entry that is larger is saved alone.
const (
	batchEntries = 4096
	batchBytes   = 4 << 20
)

func runAppend(ctx context.Context, opts appendOptions, args []string, stdin io.Reader, stdout io.Writer) error {
	s, err := opts.write.open(args[0], stdout)
	if err != nil {
		return err
	}
	a, err := newAppender(s)
	if err != nil {
		return s.end(err)
	}
	err = a.appendAll(ctx, newEntryLines(stdin))
	err = errors.Join(err, a.flush())
	if a.saved == 0 {
		s.say("append", "appended", "nothing; the last index is %d", a.savedLast)
	} else {
		s.say("append", "appended", "%s, %d to %d; %s", count(a.saved, "entry", "entries"),
			a.savedLast+1-a.saved, a.savedLast, a.lastIndex())
	}
	return s.end(err)
}

// appender saves entries in batches.
type appender struct {
	s          *writer
	last, term uint64 // of the last entry, in the batch or saved
	batch      []*raftpb.Entry
	bytes      int

	saved, savedLast uint64
}

func newAppender(s *writer) (*appender, error) {
	last, term, err := s.last()
	return &appender{s: s, last: last, term: term, savedLast: last}, err
}

func (a *appender) appendAll(ctx context.Context, lines *entryLines) error {
	for {
		e, err := lines.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = a.checkNext(e)
		}
		if err != nil {
			return fmt.Errorf("line %d: %w; nothing from this line on is appended", lines.line, err)
		}
		a.batch = append(a.batch, e)
		a.bytes += len(e.GetData())
		a.last, a.term = e.GetIndex(), e.GetTerm()
		if len(a.batch) >= batchEntries || a.bytes >= batchBytes {
			if err := a.flush(); err != nil {
				return err
			}
			if ctx.Err() != nil {
				return fmt.Errorf("line %d: interrupted; nothing behind this line is appended", lines.line)
			}
		}
	}
}

// checkNext fails if an entry cannot come next. The storage alone would let one
// replace those at its index and behind it, which is not what append is for.
func (a *appender) checkNext(e *raftpb.Entry) error {
	switch index := e.GetIndex(); {
	case index <= a.last:
		return fmt.Errorf("index %d: the log has it, it ends at %d; walfs rewind --to drops entries", index, a.last)
	case index > a.last+1:
		return fmt.Errorf("index %d: the log ends at %d, so that %d comes next", index, a.last, a.last+1)
	case e.GetTerm() < a.term:
		return fmt.Errorf("index %d: term %d after term %d: terms never go down", index, e.GetTerm(), a.term)
	}
	return nil
}

func (a *appender) flush() error {
	if len(a.batch) == 0 {
		return nil
	}
	if !a.s.dry {
		if err := a.s.Save(nil, a.batch, nil); err != nil {
			a.batch = a.batch[:0] // the last flush must not try it again
			return err
		}
	}
	a.saved += uint64(len(a.batch))
	a.savedLast = a.last
	clear(a.batch)
	a.batch, a.bytes = a.batch[:0], 0
	return nil
}

func (a *appender) lastIndex() string {
	if a.s.dry {
		return fmt.Sprintf("the last index would be %d", a.savedLast)
	}
	return fmt.Sprintf("the last index is %d", a.savedLast)
}
