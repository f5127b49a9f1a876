package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"github.com/walfs/walfs/cmd/walfs/terminal"
	"github.com/walfs/walfs/walcore/storage"
	"go.etcd.io/raft/v3/raftpb"
)

type appendOptions struct {
	write  writeFlags
	commit bool
}

func newAppendCommand() *cobra.Command {
	var opts appendOptions
	cmd := &cobra.Command{
		Use:   "append DIR",
		Short: "Append entries from lines on stdin",
		Long: `Append reads what walfs dump --format json prints, a line of JSON an entry, and
appends the entries to the log in DIR:

    walfs dump --format json OTHER | walfs append DIR

A line has index, term, type (EntryNormal, EntryConfChange, EntryConfChangeV2,
or normal, conf_change, conf_change_v2, or a number) and data (base64). If it
has size, data must have it. Other fields mean nothing. Indexes must go on
where the log ends, behind the snapshot if it has no entries, and terms must
not go down; walfs rewind drops entries that are in the way.

A node that has entries of a term was in that term: append raises the hard
state's term to that of the last entry, and says so. Its vote was one of the
old term, and becomes 0. The commit index stays as it is, unless --commit says
that all entries up to the last one that is appended are committed. On a log of
which nothing is committed that names a voter, a node elects nobody.

The first bad line ends it: the lines before are appended, nothing after is,
and the commit index stays as it is. Memory holds a batch of some megabytes, or
the longest line (1 GiB at most).
` + writeExits,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runAppend(cmd.Context(), opts, args, cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
	opts.write.add(cmd.Flags())
	cmd.Flags().BoolVar(&opts.commit, "commit", false, "set the commit index to the last entry that is appended")
	return cmd
}

// What is saved at once, at most; an entry that is larger is saved alone.
const (
	batchEntries = 4096
	batchBytes   = 4 << 20
)

func runAppend(ctx context.Context, opts appendOptions, args []string, stdin io.Reader, stdout io.Writer) error {
	if opts.write.keyFile == keyFromStdin {
		return usageError("--key-file -: stdin has the entries; give the key in a file")
	}
	stop := opts.write.endWith(ctx, args[0])
	s, err := opts.write.open(args[0], stdout)
	stop()
	if err != nil {
		return err
	}
	a, err := newAppender(s)
	if err != nil {
		return s.end(err)
	}
	in := endingWith(ctx, stdin)
	defer in.Close()
	p := &progress{}
	if f, ok := stdin.(*os.File); !ok || !terminal.Is(f) { // nothing is drawn over what is typed
		p = newProgress("appending")
	}
	err = a.appendAll(ctx, newEntryLines(in))
	err = errors.Join(err, a.flush())
	p.end()
	if opts.commit {
		err = a.commit(err)
	}
	if a.saved == 0 {
		s.say("append", "appended", "nothing; %s", lastIndexText(a.savedLast))
	} else {
		s.say("append", "appended", "%s, %d to %d; %s", count(a.saved, "entry", "entries"),
			a.savedLast+1-a.saved, a.savedLast, a.lastIndex())
	}
	s.sayHardState(a.before, a.state)
	if err == nil && a.saved > 0 {
		s.noteNoVoters(args[0])
	}
	return s.end(err)
}

// endingWith reads what in gives until ctx ends: a signal does not end a read of a terminal.
func endingWith(ctx context.Context, in io.Reader) *io.PipeReader {
	out, w := io.Pipe()
	context.AfterFunc(ctx, func() { w.CloseWithError(context.Cause(ctx)) })
	go func() {
		_, err := io.Copy(w, in)
		w.CloseWithError(err)
	}()
	return out
}

// appender saves entries in batches.
type appender struct {
	s          *writer
	empty      bool   // the log had no entries, or none behind its snapshot
	last, term uint64 // of the last entry, in the batch or saved, or of the snapshot
	batch      []*raftpb.Entry
	bytes      int

	saved, savedLast uint64
	before, state    storage.State // as it was, and is now or, in a dry run, would be
}

func newAppender(s *writer) (*appender, error) {
	last, term, err := s.last()
	st := s.State()
	return &appender{s: s, empty: s.NumEntries() == 0, last: last, term: term, savedLast: last, before: st, state: st}, err
}

func (a *appender) appendAll(ctx context.Context, lines *entryLines) error {
	for {
		e, err := lines.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if ctx.Err() != nil { // the line may be cut short
			err = context.Cause(ctx)
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
		}
	}
}

// checkNext fails if an entry cannot come next. The storage alone would let one
// replace those at its index and behind it, which is not what append is for.
func (a *appender) checkNext(e *raftpb.Entry) error {
	switch index := e.GetIndex(); {
	case index == 0:
		return errors.New("index 0: indexes begin with 1")
	case index <= a.last && a.empty:
		return fmt.Errorf("index %d: the snapshot stands for the entries up to %d; walfs dump --from %d leaves them out", index, a.last, a.last+1)
	case index <= a.last:
		return fmt.Errorf("index %d: the log has it, it ends at %d; walfs rewind --to drops entries", index, a.last)
	case index > a.last+1 && a.last == 0:
		return fmt.Errorf("index %d: the log is empty, so that 1 comes next; if a snapshot stands for the entries before, "+
			"walfs snapshot --install comes first", index)
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
	// One Save has both: the term is on disk before the entries of it are.
	hs := a.raiseTerm()
	if !a.s.dry {
		if err := a.s.Save(hs, a.batch, nil); err != nil {
			a.batch = a.batch[:0] // the last flush must not try it again
			a.state = a.s.State()
			return err
		}
	}
	a.saved += uint64(len(a.batch))
	a.savedLast = a.last
	clear(a.batch)
	a.batch, a.bytes = a.batch[:0], 0
	return nil
}

// raiseTerm gives the hard state to be saved with the batch, nil if it stays as it is.
func (a *appender) raiseTerm() *raftpb.HardState {
	if a.term <= a.state.Term {
		return nil
	}
	a.state.Term, a.state.Vote = a.term, 0
	return hardStateOf(a.state)
}

// commit sets the commit index to the last entry that was appended, unless appending
// failed with err. It gives the error that append ends with.
func (a *appender) commit(err error) error {
	if err != nil {
		return fmt.Errorf("%w; the commit index stays %d", err, a.before.Commit)
	}
	if a.saved == 0 || a.savedLast <= a.state.Commit {
		return nil
	}
	a.state.Commit = a.savedLast
	if a.s.dry {
		return nil
	}
	return a.s.Save(hardStateOf(a.state), nil, nil)
}

func (a *appender) lastIndex() string {
	if a.s.dry {
		return fmt.Sprintf("the last index would be %d", a.savedLast)
	}
	return fmt.Sprintf("the last index is %d", a.savedLast)
}
