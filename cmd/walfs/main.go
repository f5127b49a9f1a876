// Command walfs shows Raft directories as file systems.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/walfs/walfs/walcore"
)

// Exit codes, part of the contract with users.
const (
	exitFailed = 1 // failed
	exitUsage  = 2 // wrong usage
	exitDamage = 3 // damage or a difference found
	exitKey    = 4 // key missing or wrong
)

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	started := false
	root := newRoot(&started)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return 0
	}
	var e exitError
	if !errors.As(err, &e) || e.err != nil {
		complain(err)
	}
	if !started {
		fmt.Fprintf(os.Stderr, "walfs: see %s --help\n", cmd.CommandPath())
	}
	return exitCode(err, started)
}

// complain says an error, with what to do next where a flag helps.
func complain(err error) {
	hint := ""
	if errors.Is(err, walcore.ErrSealed) {
		hint = "; give the node's key with --key-file"
	}
	fmt.Fprintf(os.Stderr, "walfs: %v%s\n", err, hint)
}

func newRoot(started *bool) *cobra.Command {
	root := &cobra.Command{
		Use:   "walfs",
		Short: "Look into a Raft log: mount it, list it, read it",
		Long: `walfs shows the directory of a Dgraph Raft log (w/ of an Alpha, zw/ of a Zero)
as a read-only file system. It never changes the directory.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 damage found, 4 key missing or wrong.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRun: func(*cobra.Command, []string) {
			*started = true // arguments are right: what fails now is no wrong usage
		},
	}
	root.AddCommand(newMount(), newLs(), newCat(), newStat(), newDump(), newDiff(), newDemo(), newVersion())
	return root
}

// exitError ends the program with a code of its own; err may be nil where all
// has been said.
type exitError struct {
	code int
	err  error
}

func (e exitError) Error() string { return fmt.Sprint(e.err) }
func (e exitError) Unwrap() error { return e.err }

func exitCode(err error, started bool) int {
	var e exitError
	switch {
	case errors.As(err, &e):
		return e.code
	case !started:
		return exitUsage
	case errors.Is(err, walcore.ErrKey), errors.Is(err, walcore.ErrSealed), errors.Is(err, walcore.ErrDataKey):
		return exitKey
	case errors.Is(err, walcore.ErrDamaged):
		return exitDamage
	}
	return exitFailed
}
