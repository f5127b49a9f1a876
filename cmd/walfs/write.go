package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
	"github.com/walfs/walfs/walcore/storage"
	"go.etcd.io/raft/v3/raftpb"
)

// writeExits is the end of each writing command's help.
const writeExits = `
With --dry-run it changes nothing, and says what it would do. Writing needs
Linux.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 DIR is damaged, 4 key missing or
wrong, 5 another program writes to DIR, 130 and 143 ended by SIGINT and SIGTERM.`

// writeFlags are the flags of every command that changes a directory.
type writeFlags struct {
	keyFile string
	plain   bool
	dryRun  bool
}

func (f *writeFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.keyFile, "key-file", "", keyFileHelp)
	flags.BoolVar(&f.plain, "plain", false, "take log files with key id 0 for plain ones beside a KEYREGISTRY")
	flags.BoolVar(&f.dryRun, "dry-run", false, "change nothing, say what would change")
}

// endWith ends the program when ctx ends. The storage bears that at any point, as it bears
// the end of a process that is killed.
func (f *writeFlags) endWith(ctx context.Context, dir string) (stop func()) {
	if f.dryRun {
		return endSaying(ctx, ": nothing has changed")
	}
	return endSaying(ctx, ": the log is whole, with or without what was asked for; walfs stat "+quoted(dir)+" shows it")
}

// writer is the log that a command writes to.
type writer struct {
	*storage.DiskStorage
	dry bool
	out io.Writer // where say prints to
}

// open opens a directory that has a log.
func (f *writeFlags) open(dir string, out io.Writer) (*writer, error) {
	key, err := readKey(f.keyFile)
	if err != nil {
		return nil, err
	}
	if len(key) > 0 {
		// With --plain, or an empty log, Open would begin to encrypt.
		_, err := os.Lstat(filepath.Join(dir, format.KeyRegistryName))
		if _, metaErr := os.Lstat(filepath.Join(dir, format.MetaName)); err != nil && metaErr == nil {
			return nil, fmt.Errorf("%s has no %s, it is not encrypted: %w; leave --key-file out", dir, format.KeyRegistryName, walcore.ErrKey)
		}
	}
	s, err := f.openWith(dir, storage.Options{Key: key}, out)
	if errors.Is(err, walcore.ErrNotRaftDir) {
		if err := notDgraphs(dir); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("%w; walfs create makes an empty log", openError(dir, err))
	}
	return s, openError(dir, err)
}

func (f *writeFlags) openWith(dir string, opts storage.Options, out io.Writer) (*writer, error) {
	opts.Plain, opts.DryRun = f.plain, f.dryRun
	opts.Logger = slog.New(slog.DiscardHandler) // Problems and errors say the same
	progress := newProgress("opening " + dir)
	disk, err := storage.Open(dir, opts)
	progress.end()
	if err != nil {
		return nil, err
	}
	for _, p := range disk.Problems() {
		notef("found when opening: %v", p)
	}
	return &writer{DiskStorage: disk, dry: f.dryRun, out: out}, nil
}

// end closes the storage, which flushes it. It fails with err and with what closing
// fails with.
func (s *writer) end(err error) error {
	if err = errors.Join(err, s.Close()); err == nil && s.dry {
		notef("dry run: nothing has changed")
	}
	return err
}

// say prints what was done, or with --dry-run what would be.
func (s *writer) say(do, did, format string, args ...any) {
	if s.dry {
		did = "would " + do
	}
	fmt.Fprintf(s.out, "%s %s\n", did, fmt.Sprintf(format, args...))
}

// sayRemoved says which of the log files before are gone.
func (s *writer) sayRemoved(before []string) {
	left := s.Files()
	for _, name := range before {
		if !slices.Contains(left, name) {
			s.say("remove", "removed", "%s", name)
		}
	}
}

// sayHardState says which numbers of the hard state have changed.
func (s *writer) sayHardState(before, after storage.State) {
	for _, n := range settings {
		from, to := *n.field(&before), *n.field(&after)
		if from != to && strings.HasPrefix(n.name, "hard_state.") {
			s.say("set", "set", "%s: %d -> %d", n.name, from, to)
		}
	}
}

func hardStateOf(st storage.State) *raftpb.HardState {
	return &raftpb.HardState{Term: &st.Term, Vote: &st.Vote, Commit: &st.Commit}
}

// noteNoVoters says it if a node on the log would elect nobody. A dry run has not
// stored what the answer depends on.
func (s *writer) noteNoVoters(dir string) {
	commit := s.State().Commit
	cs, err := s.ConfStateAt(commit)
	if s.dry || err != nil || len(cs.Voters)+len(cs.VotersOutgoing) > 0 {
		return
	}
	notef("voters: %s; if a conf change that adds one is committed: walfs set %s hard_state.commit=N", noVoters(commit), quoted(dir))
}

// noVoters is what follows from a log that names none.
func noVoters(commit uint64) string {
	return fmt.Sprintf("none as of commit index %d: a node elects nobody until a leader sends it more", commit)
}

// last is the last index and its term.
func (s *writer) last() (index, term uint64, err error) {
	if index, err = s.LastIndex(); err == nil {
		term, err = s.Term(index)
	}
	return index, term, err
}

// lastIndexText says where a log ends.
func lastIndexText(last uint64) string {
	if last == 0 {
		return "the log is empty"
	}
	return fmt.Sprintf("the last index is %d", last)
}

// count is a number of things, in words.
func count[N int | uint64](n N, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
