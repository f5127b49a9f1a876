package check

import (
	"context"
	"errors"
	"io"
	"runtime"
	"sync"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
)

const (
	// batchEntries is how many entries one reader takes at a time: some hundred
	// kilobytes of them, which a few system calls read.
	batchEntries = 1024
	// maxParsed bounds the payloads that are held in memory to be parsed.
	maxParsed = 16 << 20
)

// tally is what was found in payloads.
type tally struct {
	noKey     int // entries whose payload takes the key, which was not given
	noDataKey int // entries of log files that lack a data key
	fits      int // entries whose data are a proposal
	malformed findings
	damaged   findings
	// again are entries to look at again: they have changed while they were read, or
	// their log file has no data key yet.
	again indexRange
}

// indexRange is from the lowest to the highest index that was added.
type indexRange struct{ first, last uint64 }

func (r *indexRange) add(first, last uint64) {
	if r.last == 0 {
		r.first = first
	}
	r.first, r.last = min(r.first, first), max(r.last, last)
}

func (r indexRange) empty() bool           { return r.last == 0 }
func (r indexRange) has(index uint64) bool { return r.first <= index && index <= r.last }

// merge takes what others have found.
func (t *tally) merge(others []*reader) {
	var malformed, damaged []*findings
	for _, o := range others {
		t.noKey += o.noKey
		t.noDataKey += o.noDataKey
		t.fits += o.fits
		malformed, damaged = append(malformed, &o.malformed), append(damaged, &o.damaged)
		if !o.again.empty() {
			t.again.add(o.again.first, o.again.last)
		}
	}
	t.malformed.merge(malformed)
	t.damaged.merge(damaged)
}

// readPayloads reads the payloads of the entries that are wanted, with as many readers
// as there are processors. It tells o of all entries.
func readPayloads(ctx context.Context, log walcore.Log, o *outline, d *payload.Dgraph, wanted func(index uint64) bool, done func(bytes int64)) (tally, error) {
	n := runtime.GOMAXPROCS(0)
	batches := make(chan []walcore.Entry, n)
	free := make(chan []walcore.Entry, 2*n+1)
	for range cap(free) {
		free <- make([]walcore.Entry, 0, batchEntries)
	}
	readers := make([]*reader, n)
	var wait sync.WaitGroup
	for i := range readers {
		r := &reader{decoder: d}
		readers[i] = r
		wait.Go(func() {
			for batch := range batches {
				r.checkAll(ctx, batch)
				free <- batch[:0]
			}
		})
	}
	wait.Go(func() { lookAhead(ctx, log) })
	batch, bytes := <-free, int64(0)
	send := func() {
		batches <- batch
		done(bytes)
		batch, bytes = <-free, 0
	}
	for e := range log.Entries(0) {
		if ctx.Err() != nil {
			break
		}
		o.add(&e)
		if !wanted(e.Index) {
			continue
		}
		batch, bytes = append(batch, e), bytes+e.Size
		if len(batch) == batchEntries || bytes >= maxParsed {
			send()
		}
	}
	send()
	close(batches)
	wait.Wait()
	var t tally
	t.merge(readers)
	return t, ctx.Err()
}

// lookAhead has a log find out where the payloads of its files are, before the readers
// get there: a log does so when a file's entries are first asked for.
func lookAhead(ctx context.Context, log walcore.Log) {
	filer, ok := log.(walcore.Filer)
	if !ok {
		return
	}
	for _, f := range filer.Files() {
		if ctx.Err() != nil {
			return
		}
		for range f.Source.Entries(0) {
			break
		}
	}
}

// reader reads payloads, one after the other.
type reader struct {
	tally
	decoder *payload.Dgraph // nil: what data mean is not looked at
	scanner walcore.Scanner
	closed  *walcore.File // a file whose payloads take the key, which was not given
	piece   []byte        // of a payload that is too large for the memory
}

func (r *reader) checkAll(ctx context.Context, entries []walcore.Entry) {
	for i := range entries {
		if ctx.Err() != nil {
			return
		}
		r.check(&entries[i])
	}
}

// check reads an entry's payload and says what is wrong with it.
func (r *reader) check(e *walcore.Entry) {
	if e.Size == 0 {
		return
	}
	if e.File == r.closed {
		r.noKey++
		return
	}
	data, err := r.read(e)
	switch {
	case err == nil:
		r.fit(e, data)
	case errors.Is(err, walcore.ErrNoKey):
		r.closed = e.File
		r.noKey++
	case errors.Is(err, walcore.ErrDataKey):
		r.again.add(e.Index, e.Index)
		r.noDataKey++
	case errors.Is(err, walcore.ErrChanged):
		r.again.add(e.Index, e.Index)
	case errors.Is(err, walcore.ErrDamaged):
		r.damaged.add(e, walcore.KindChecksum, "its bytes do not give the checksum in its slot")
	default:
		r.damaged.add(e, walcore.KindUnreadable, "the payload cannot be read: "+reason(err))
	}
}

// fit compares the data of a normal entry with proposals. It has none of those that are
// too large.
func (r *reader) fit(e *walcore.Entry, data []byte) {
	if data == nil || e.Type != walcore.EntryNormal || r.decoder == nil {
		return
	}
	switch r.decoder.Fit(payload.EntryOf(e, data)) {
	case payload.Fits:
		r.fits++
	case payload.Malformed:
		r.malformed.add(e, walcore.KindPayload, "")
	}
}

// read reads a payload. It gives none that is too large to be parsed.
func (r *reader) read(e *walcore.Entry) ([]byte, error) {
	if e.Size <= maxParsed {
		return r.scanner.Data(e)
	}
	if r.piece == nil {
		r.piece = make([]byte, 1<<20)
	}
	for at := int64(0); at < e.Size; at += int64(len(r.piece)) {
		if _, err := e.ReadAt(r.piece, at); err != nil && err != io.EOF {
			return nil, err
		}
	}
	return nil, nil
}

// reason is an error's text without the place, which a problem has in fields.
func reason(err error) string {
	var e *walcore.Error
	if errors.As(err, &e) {
		err = e.Err
	}
	return err.Error()
}
