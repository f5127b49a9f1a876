package main

import (
	"context"
	"errors"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/sums"
)

// adding adds the entries of a log up.
type adding struct {
	*statsOptions
	log walcore.Log

	*sums.Sums // of the log as it was last read
	failures   *failures
	progress   statsProgress
}

// run adds all up about one moment. It leaves the newest log in a.
func (a *adding) run(ctx context.Context) error {
	o := sums.Options{By: a.by(), Filter: a.filter.Filter, Passed: a.progress.passed}
	if !a.decode.isBuiltin() {
		o.Workers = 1 // it is no code of ours
	}
	if o.NeedsPayloads() {
		decoder, end, err := a.decode.decoder(a.log)
		if err != nil {
			return err
		}
		defer end()
		o.Decoder = decoder
	}
	defer a.progress.start(a)()
	var err error
	o.FailIfChanged = true
	a.log, err = atOneMoment(ctx, a.log, func(log walcore.Log) error { return a.add(ctx, log, o) })
	if errors.Is(err, walcore.ErrChanged) { // what cannot be read again is counted as that
		o.FailIfChanged = false
		err = a.add(ctx, a.log, o)
	}
	return err
}

// add adds all up from the start, and forgets what was added up before.
func (a *adding) add(ctx context.Context, log walcore.Log, o sums.Options) (err error) {
	if err := a.filter.resolve(log); err != nil {
		return err
	}
	a.failures = &failures{later: true}
	a.progress.restart()
	o.Filter, o.Failed = a.filter.Filter, a.failures.add
	a.Sums, err = sums.Add(ctx, log, o)
	return err
}

func logFiles(log walcore.Log) []*walcore.File {
	if filer, ok := log.(walcore.Filer); ok {
		return filer.Files()
	}
	return nil
}
