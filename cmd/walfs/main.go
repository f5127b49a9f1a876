// Command walfs shows Raft directories as file systems, and repairs what a crash has left.
package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/walfs/walfs/cmd/walfs/terminal"
	"github.com/walfs/walfs/fsview"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/filter"
	"github.com/walfs/walfs/walcore/platform"
)

// Exit codes, part of the contract with users.
const (
	exitFailed = 1 // failed
	exitUsage  = 2 // wrong usage
	exitDamage = 3 // damage or a difference found
	exitKey    = 4 // key missing or wrong
	exitInUse  = 5 // directory in use
	// 130 and 143: ended by SIGINT and SIGTERM, see interruptedBy
)

func main() { os.Exit(execute(untilSignal())) }

func execute(ctx context.Context) int {
	started := false
	root := newRoot(&started)
	root.SetArgs(commandLine(os.Args))
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return 0
	}
	if starved := dgraph.Starved(); starved != nil && exitCode(err, started) == exitDamage {
		err = starved // what could not be read need not be damaged
	}
	var e exitError
	if !errors.As(err, &e) || e.err != nil {
		printError(err)
	}
	if !started {
		notef("see %s --help", helpFor(cmd))
	}
	return exitCode(err, started)
}

// printError says on stderr what is wrong, and what to do next.
func printError(err error) { notef("%v%s", platform.NameOpenLimit(err), hint(err)) }

// notef prints a line on stderr, or where a mount's log is.
func notef(format string, args ...any) {
	(*noteTo.Load())(fmt.Sprintf(format, args...))
}

// hint is what to do about an error, if its text does not say it already.
func hint(err error) string {
	var e exitError
	switch {
	case errors.As(err, &e): // its text says it
	case errors.Is(err, walcore.ErrNoKey):
		return "; give the node's key with --key-file"
	case errors.Is(err, walcore.ErrDamaged), errors.Is(err, walcore.ErrDataKey):
		return "; walfs stat DIR says what is wrong"
	case errors.Is(err, walcore.ErrChanged):
		return "; is a node running on it? Try again"
	}
	return ""
}

// pathError is an error with a path of the tree. It says the path once, as the
// user typed it: io/fs would say it again, and the tree its last part.
func pathError(tree *fsview.Tree, name string, err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) && pe.Op != "write" { // that one is stdout's
		err = pe.Err
	}
	if errors.Is(err, fs.ErrNotExist) && !errors.Is(err, walcore.ErrNoEntry) {
		err = noPath(tree, name)
	}
	return fmt.Errorf("%s: %w", quoted(name), err)
}

func newRoot(started *bool) *cobra.Command {
	root := &cobra.Command{
		Use:   "walfs",
		Short: "Look into a Raft log: mount it, list it, read it, repair it",
		Long: `walfs shows the directory of a Dgraph Raft log (w/ of an Alpha, zw/ of a Zero)
as a read-only file system. Commands that read never change the directory.
Those that write are create, append, truncate, rewind, set and snapshot: they
refuse a directory that another program has open, and have --dry-run. Copy and
repair read one directory and write another. A mount and writing need Linux.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 damage or a difference found, 4
key missing or wrong, 5 directory in use, 130 and 143 ended by SIGINT and
SIGTERM. Where a command goes on until Ctrl-C, that is its end: 0.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if err := missingFlag(cmd); err != nil {
				return err
			}
			*started = true // the arguments are right: what fails from here on is no wrong usage
			return nil
		},
	}
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(newMountCommand(), newMountHelperCommand(), newUmountCommand(), newLsCommand(), newCatCommand(), newStatCommand(), newStatsCommand(), newDumpCommand(),
		newCheckCommand(), newExplainCommand(), newServeCommand(), newDiffCommand(), newExportCommand(), newCopyCommand(), newRepairCommand(), newCreateCommand(), newAppendCommand(),
		newTruncateCommand(), newRewindCommand(), newSetCommand(), newSnapshotCommand(), newDemoCommand(),
		newManCommand(), newVersionCommand(), newCompletionCommand())
	addVersionFlag(root)
	refuseUnknownTopics(root)
	completeArguments(root)
	explainArguments(root)
	fitHelp(root)
	return root
}

// fitHelp has the help of all commands wrap what it says of flags at the terminal's
// width, of 80 columns in a pipe.
func fitHelp(root *cobra.Command) {
	cobra.AddTemplateFunc("columns", func() int { return terminal.Columns(root.OutOrStdout()) })
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), ".FlagUsages ", ".FlagUsagesWrapped columns "))
}

// exitError ends the program with a code of its own. err is nil where all that is
// wrong was printed already.
type exitError struct {
	code int
	err  error
}

func (e exitError) Error() string { return fmt.Sprint(e.err) }
func (e exitError) Unwrap() error { return e.err }

// usageError is for arguments that cobra takes and the command does not.
func usageError(message string) error {
	return exitError{code: exitUsage, err: errors.New(message)}
}

func exitCode(err error, started bool) int {
	var e exitError
	var usage filter.UsageError
	switch {
	case errors.As(err, &e):
		return e.code
	case !started, errors.As(err, &usage):
		return exitUsage
	case errors.Is(err, walcore.ErrKey), errors.Is(err, walcore.ErrNoKey), errors.Is(err, walcore.ErrDataKey):
		return exitKey
	case errors.Is(err, walcore.ErrInUse):
		return exitInUse
	case errors.Is(err, walcore.ErrDamaged):
		return exitDamage
	}
	return exitFailed
}
