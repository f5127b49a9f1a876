package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// endings gives the signals that end a command. One that nohup has switched off stays so.
func endings() []os.Signal {
	list := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		list = append(list, syscall.SIGHUP)
	}
	return list
}

// untilSignal gives a context that ends with the first signal to end, and with nothing
// else: who waits for that ends the program. Its cause has the exit code, as a shell has it
// of a program that a signal has ended. The second signal kills, whatever the command is
// waiting for.
func untilSignal() context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, endings()...)
	go func() {
		s := <-signals
		signal.Stop(signals)
		cancel(interruptedBy(s.(syscall.Signal)))
	}()
	return ctx
}

func interruptedBy(s syscall.Signal) error {
	return exitError{128 + int(s), errors.New("interrupted")}
}

// unlessInterrupted is err, or if that is only that ctx has ended, what has ended it and
// what became of the work.
func unlessInterrupted(ctx context.Context, err error, outcome string) error {
	cause := context.Cause(ctx)
	if cause == nil || !errors.Is(err, cause) && !errors.Is(err, ctx.Err()) {
		return err
	}
	return fmt.Errorf("%w: %s", cause, outcome)
}

// endWith ends the program when ctx ends, until stop is called. It is for commands that
// have nothing to take back and nothing to finish, or as long as they have not.
func endWith(ctx context.Context) (stop func()) { return endSaying(ctx, "") }

// endSaying is endWith that says what has become of the work.
func endSaying(ctx context.Context, outcome string) (stop func()) {
	end := func() {
		err := fmt.Errorf("%w%s", context.Cause(ctx), outcome)
		printError(err)
		os.Exit(exitCode(err, true))
	}
	if ctx.Err() != nil {
		end()
	}
	inTime := context.AfterFunc(ctx, end)
	return func() {
		if !inTime() {
			select {} // the end has begun
		}
	}
}
