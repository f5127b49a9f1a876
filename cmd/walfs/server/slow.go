package server

import (
	"errors"
	"io"
	"net/http"
	"time"
)

// writeWait is how long a client may take to read a piece of an answer. A whole one may take
// longer.
const writeWait = 30 * time.Second

// writePiece is how much of an answer a client has to read within writeWait, in bytes.
const writePiece = 64 << 10

// bodyWait is how long a client may take to send each part of a request's body. The library
// waits for the rest of a short one before it answers: an answer has longer.
const bodyWait = 10 * time.Second

// maxBody is how many bytes a request's body may have: PROPFIND has one.
const maxBody = 64 << 10

// cutSlow ends the connection of a client that does not go on reading, and of one that sends
// more than any request of ours has.
func cutSlow(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		if r.ContentLength != 0 {
			// A copy, for the library looks at its own body for what was not read of it.
			own := *r
			own.Body = &deadlineBody{http.MaxBytesReader(w, r.Body, maxBody), control}
			r = &own
			_ = control.SetReadDeadline(time.Now().Add(bodyWait)) // also for who reads nothing of it
		}
		next.ServeHTTP(&deadlineWriter{w, control}, r)
	})
}

// deadlineBody gives each read of a request's body a time of its own. Once all is read, there
// is none: the library would take that the time is over for the client being gone.
type deadlineBody struct {
	io.ReadCloser
	control *http.ResponseController
}

func (b *deadlineBody) Read(p []byte) (int, error) {
	_ = b.control.SetReadDeadline(time.Now().Add(bodyWait))
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		_ = b.control.SetReadDeadline(time.Time{})
	}
	return n, err
}

// deadlineWriter gives each write a time of its own.
type deadlineWriter struct {
	http.ResponseWriter
	control *http.ResponseController
}

func (w *deadlineWriter) Write(p []byte) (n int, err error) {
	for {
		// It fails where there is no connection, as in tests.
		_ = w.control.SetWriteDeadline(time.Now().Add(writeWait))
		k, err := w.ResponseWriter.Write(p[n:min(n+writePiece, len(p))])
		if n += k; err != nil || n == len(p) {
			return n, err
		}
	}
}

// Flush implements http.Flusher: what compresses answers looks for that.
func (w *deadlineWriter) Flush() {
	_ = w.control.SetWriteDeadline(time.Now().Add(writeWait))
	_ = w.control.Flush()
}

// Unwrap is for http.ResponseController.
func (w *deadlineWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
