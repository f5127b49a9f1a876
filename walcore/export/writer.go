package export

import (
	"bufio"
	"sync/atomic"

	"github.com/walfs/walfs/walcore/payload"
)

// tableWriter writes a table of a log file, beside whoever makes the rows.
type tableWriter struct {
	batch *batch // the rows that are being made
	rows  int    // of all batches

	out     *unfinished
	full    chan *batch
	free    chan *batch
	failed  atomic.Bool
	done    chan struct{}
	stopped bool
	err     error // valid once done is closed
}

func newTableWriter(t *table, out *unfinished, d payload.Decoder, newSink func(*table, *bufio.Writer) sink) *tableWriter {
	w := &tableWriter{batch: newBatch(t), out: out, full: make(chan *batch), free: make(chan *batch, 1), done: make(chan struct{})}
	w.free <- newBatch(t)
	go w.run(t, d, newSink)
	return w
}

// run writes batches until full is closed. Once one has failed, it only takes them.
func (w *tableWriter) run(t *table, d payload.Decoder, newSink func(*table, *bufio.Writer) sink) {
	defer close(w.done)
	buffered := bufio.NewWriterSize(w.out, 256<<10)
	sink := newSink(t, buffered)
	for b := range w.full {
		if w.err == nil {
			if t == entries {
				b.decode(d)
			}
			w.err = sink.write(b)
			w.failed.Store(w.err != nil)
		}
		b.reset()
		w.free <- b
	}
	if w.err == nil {
		w.err = sink.close()
	}
	if w.err == nil {
		w.err = buffered.Flush()
	}
	if w.err == nil {
		w.err = w.out.flush()
	}
}

// endRow ends a row of the batch, and hands the batch on if it is full.
func (w *tableWriter) endRow() {
	w.batch.endRow()
	w.rows++
	if w.batch.full() {
		w.handOn()
	}
}

func (w *tableWriter) handOn() {
	large := len(w.batch.bytes) > 2*maxBytes
	next := <-w.free
	w.full <- w.batch
	if large { // there is to be only one such entry in memory
		done := <-w.free
		w.free <- next
		next = done
	}
	w.batch = next
}

// finish writes what is left, and waits until the file is whole and durable. It still has
// its hidden name.
func (w *tableWriter) finish() error {
	if w.batch.rows > 0 {
		w.handOn()
	}
	w.stop()
	return w.err
}

// stop waits until nothing more is written. It may be called more than once.
func (w *tableWriter) stop() {
	if !w.stopped {
		w.stopped = true
		close(w.full)
	}
	<-w.done
}
