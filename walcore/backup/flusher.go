package backup

import (
	"cmp"
	"errors"
	"os"
)

// flusher flushes files, one after the other, while others are being written: so the disk
// has little to do in the end.
type flusher struct {
	files chan syncer
	err   chan error
}

// syncer is a file, or a closing one.
type syncer interface{ Sync() error }

// closing is a file that is closed once it is flushed.
type closing struct{ *os.File }

func (c closing) Sync() error { return errors.Join(c.File.Sync(), c.Close()) }

func newFlusher() *flusher {
	f := &flusher{make(chan syncer, 1), make(chan error, 1)}
	go func() {
		var err error
		for file := range f.files {
			err = errors.Join(err, file.Sync())
		}
		f.err <- err
	}()
	return f
}

// begin has a file flushed soon, if the disk keeps up, and reports whether that is so. Its
// writer flushes it in the end anyway.
func (f *flusher) begin(file syncer) bool {
	select {
	case f.files <- file:
		return true
	default:
		return false
	}
}

// wait waits until nothing is being flushed. It gives the error of a flush, or else that of
// the writing: systems tell only once that a flush has failed, and after some of the other
// errors one goes on.
func (f *flusher) wait(writing error) error {
	close(f.files)
	return cmp.Or(<-f.err, writing)
}
