package httpfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"

	"github.com/walfs/walfs/walcore"
)

// errGone: what a look-up has found is not there any more.
var errGone = errors.New("changed while it was read")

// gone is err of something that was there a moment ago.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %w", errGone, err)
	}
	return err
}

// busyError is one of Options.Decode.
type busyError struct{ err error }

func (e *busyError) Error() string { return e.err.Error() }
func (e *busyError) Unwrap() error { return e.err }

// statusOf is the answer to an error. Whatever is not plainly a wrong path is 500: there is
// something, and it cannot be read.
func statusOf(err error) int {
	var busy *busyError
	switch {
	case errors.As(err, &busy), errors.Is(err, errGone), errors.Is(err, walcore.ErrChanged):
		return http.StatusServiceUnavailable
	case errors.Is(err, walcore.ErrNoKey):
		return http.StatusForbidden
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrInvalid):
		return http.StatusNotFound
	}
	return http.StatusInternalServerError
}

// refuse answers with a sentence.
func refuse(w http.ResponseWriter, code int, allow, text string) {
	h := w.Header()
	if allow != "" {
		h.Set("Allow", allow)
	}
	h["Content-Type"], h["X-Content-Type-Options"] = plainText, noSniff
	w.WriteHeader(code)
	io.WriteString(w, text+"\n")
}

// fail answers with an error. If something was sent already, it breaks off the connection.
func (w *response) fail(err error) {
	if w.sent {
		panic(http.ErrAbortHandler)
	}
	code, text := statusOf(err), err.Error()
	h := w.Header()
	for _, name := range []string{"Accept-Ranges", "Content-Encoding", "Content-Length", "Content-Range", "Etag", "Last-Modified"} {
		delete(h, name)
	}
	switch code {
	case http.StatusServiceUnavailable:
		h["Retry-After"] = []string{"1"}
	case http.StatusForbidden:
		text += "; start walfs with --key-file"
	}
	h["Cache-Control"] = noCache
	refuse(w.to, code, "", text)
}
