package main

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
	"github.com/walfs/walfs/walcore/stats"
)

// adding adds the entries of a log up.
type adding struct {
	*statsOptions
	log     walcore.Log
	decoder payload.Decoder // nil where no entry has to be understood

	sums  // of the log as it was last read
	files map[*walcore.File]bool
	left  int64             // how many entries may still be added, with --limit
	spare [][]walcore.Entry // of batches that are done, to be used again

	progress statsProgress
}

// run adds all up about one moment. It leaves the newest log in a.
func (a *adding) run(ctx context.Context) error {
	if a.readsPayloads() {
		decoder, end, err := a.decode.decoder(a.log)
		if err != nil {
			return err
		}
		defer end()
		a.decoder = decoder
	}
	defer a.progress.start(a)()
	var err error
	a.log, err = atOneMoment(ctx, a.log, func(log walcore.Log) error { return a.add(ctx, log, true) })
	if errors.Is(err, walcore.ErrChanged) { // what cannot be read again is counted as that
		err = a.add(ctx, a.log, false)
	}
	return err
}

// readsPayloads reports whether entries have to be understood.
func (a *adding) readsPayloads() bool {
	return a.filter.pattern != nil || a.filter.wantsFacts() || slices.ContainsFunc(a.by(), stats.By.NeedsFacts)
}

// maxWorkers bounds the memory: each worker may hold an entry of payload.MaxData.
const maxWorkers = 4

// workers is how many batches are added up at a time. Where the entries that --limit
// leaves are counted, or a decoder is no code of ours, it is one.
func (a *adding) workers() int {
	if a.decoder == nil || a.filter.limit > 0 || !a.decode.isBuiltin() {
		return 1
	}
	return min(runtime.GOMAXPROCS(0), maxWorkers)
}

// add adds all up from the start. With mayRetry, it fails with walcore.ErrChanged if an
// entry has changed.
func (a *adding) add(ctx context.Context, log walcore.Log, mayRetry bool) error {
	if err := a.filter.resolve(log); err != nil {
		return err
	}
	a.begin(log)
	var wait sync.WaitGroup
	defer wait.Wait()
	work := make(chan *batch)
	defer close(work)
	workers := a.workers()
	for range workers {
		w := a.newWorker(ctx, log, mayRetry)
		wait.Go(func() { w.run(work) })
	}
	ahead := 0 // batches that are read before the oldest is done
	if workers > 1 {
		ahead = 2 * workers
	}
	var queue []*batch // in the order of the log
	for b := range a.batches(log) {
		work <- b
		for queue = append(queue, b); len(queue) > ahead; queue = queue[1:] {
			if err := a.take(queue[0]); err != nil {
				return err
			}
		}
		if a.filter.limit > 0 && a.left == 0 {
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

// begin forgets what was added up.
func (a *adding) begin(log walcore.Log) {
	snapshot, _ := snapshotIndex(log)
	a.sums = newSums(a.by(), snapshot)
	a.left = a.filter.limit
	a.progress.restart()
	a.files = map[*walcore.File]bool{}
	if a.filterTyped() == "" {
		a.addFiles(logFiles(log))
	}
}

// take waits for a batch, and adds what it has added up.
func (a *adding) take(b *batch) error {
	<-b.done
	if b.err != nil {
		return b.err
	}
	a.addFiles(b.files)
	a.sums.merge(&b.sums)
	a.left -= b.matches
	a.progress.passed(b.bytes)
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

// snapshotIndex is that of the stored snapshot, 0 where there is none. known is false if it
// is damaged.
func snapshotIndex(log walcore.Log) (index uint64, known bool) {
	if s := log.Meta().Snapshot; s != nil {
		return s.Index, true
	}
	return 0, false
}

func logFiles(log walcore.Log) []*walcore.File {
	if filer, ok := log.(walcore.Filer); ok {
		return filer.Files()
	}
	return nil
}
