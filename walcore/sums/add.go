package sums

import (
	"context"
	"runtime"
	"slices"
	"sync"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/filter"
	"github.com/walfs/walfs/walcore/payload"
	"github.com/walfs/walfs/walcore/stats"
)

// Options say what is added up, and how.
type Options struct {
	By     []stats.By    // a table each; none: [stats.All]
	Filter filter.Filter // resolved for the log

	// Decoder understands entries, for all workers at a time. It is asked where
	// NeedsPayloads, and may be nil elsewhere.
	Decoder payload.Decoder

	// Workers is how many batches are added up at a time, at most 4: each may hold an entry
	// of payload.MaxData. 0 is as many as there are processors. It is one where only some
	// entries are asked for by their number, or no entry has to be understood.
	Workers int

	// FailIfChanged has Add fail with walcore.ErrChanged where an entry has changed since
	// the log was listed. Otherwise it counts as one that cannot be read.
	FailIfChanged bool

	// Failed is told of each entry that cannot be read or decoded, by index, and Passed how
	// many bytes of payloads have been added up since it was called last. They are called by
	// Add's goroutine, and may be nil.
	Failed func(error)
	Passed func(bytes int64)
}

// Sums is what the entries of a log add up to.
type Sums struct {
	Tables []*stats.Table // as Options.By has them; the totals of all are alike
	// Snapshot is the index of the stored snapshot, 0 where there is none, nil if it is
	// damaged. Entries up to there are dead.
	Snapshot *uint64
	// Unreadable is how many entries cannot be read, of those that may match; they count.
	// PayloadsRead says whether any payload was to be read.
	Unreadable   int64
	PayloadsRead bool
}

// NeedsPayloads reports whether entries have to be understood. Else no payload is read.
func (o *Options) NeedsPayloads() bool {
	return o.Filter.NeedsPayload() || slices.ContainsFunc(o.by(), stats.By.NeedsFacts)
}

func (o *Options) by() []stats.By {
	if len(o.By) == 0 {
		return stats.All
	}
	return o.By
}

// maxWorkers bounds the memory.
const maxWorkers = 4

func (o *Options) workers() int {
	switch {
	case !o.NeedsPayloads() || o.Filter.Limit() > 0:
		return 1
	case o.Workers > 0:
		return min(o.Workers, maxWorkers)
	}
	return min(runtime.GOMAXPROCS(0), maxWorkers)
}

// Add adds a log up. It fails with the cause of ctx's end, and with walcore.ErrChanged if
// that is asked for. What cannot be read or decoded is no failure: Options.Failed is told.
func Add(ctx context.Context, log walcore.Log, o Options) (*Sums, error) {
	a := &adding{Options: o, log: log, snapshot: snapshotIndex(log), left: o.Filter.Limit(), files: map[*walcore.File]bool{}}
	a.sums = a.newSums()
	if filer, ok := log.(walcore.Filer); ok && o.Filter.String() == "" {
		a.addFiles(filer.Files())
	}
	if err := a.run(ctx); err != nil {
		return nil, err
	}
	return &Sums{Tables: a.tables, Snapshot: a.snapshot, Unreadable: a.unreadable, PayloadsRead: a.NeedsPayloads()}, nil
}

func snapshotIndex(log walcore.Log) *uint64 {
	if s := log.Meta().Snapshot; s != nil {
		index := s.Index
		return &index
	}
	return nil
}

// adding adds the entries of a log up.
type adding struct {
	Options
	log      walcore.Log
	snapshot *uint64

	sums
	files map[*walcore.File]bool
	left  int64             // how many entries may still be added, with a limit
	spare [][]walcore.Entry // of batches that are done, to be used again
}

func (a *adding) run(ctx context.Context) error {
	var wait sync.WaitGroup
	defer wait.Wait()
	work := make(chan *batch)
	defer close(work)
	workers := a.workers()
	for range workers {
		w := a.newWorker(ctx)
		wait.Go(func() { w.run(work) })
	}
	ahead := 0 // batches that are read before the oldest is done
	if workers > 1 {
		ahead = 2 * workers
	}
	var queue []*batch // in the order of the log
	for b := range a.batches() {
		work <- b
		for queue = append(queue, b); len(queue) > ahead; queue = queue[1:] {
			if err := a.take(queue[0]); err != nil {
				return err
			}
		}
		if a.Filter.Limit() > 0 && a.left == 0 {
			return nil
		}
	}
	for _, b := range queue {
		if err := a.take(b); err != nil {
			return err
		}
	}
	return nil
}

// take waits for a batch, and adds what it has added up.
func (a *adding) take(b *batch) error {
	<-b.done
	if b.err != nil {
		return b.err
	}
	if a.Failed != nil {
		for _, err := range b.failures {
			a.Failed(err)
		}
	}
	a.addFiles(b.files)
	a.merge(&b.sums)
	a.left -= b.matches
	if a.Passed != nil {
		a.Passed(b.bytes)
	}
	a.spare = append(a.spare, b.entries[:0])
	return nil
}

// addFiles adds log files. With a filter, only those are added in which it leaves an entry.
func (a *adding) addFiles(files []*walcore.File) {
	for _, f := range files {
		if !a.files[f] {
			a.files[f] = true
			for _, t := range a.tables {
				t.AddFile(f)
			}
		}
	}
}
