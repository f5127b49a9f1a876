package httpfs

import (
	"net/http"
	"strings"
)

// response holds the status back until there is the first byte to write, so that what fails
// before that has a status of its own. It compresses if Content-Encoding says so.
//
// Compression is not left to a handler around this one (gzhttp, say): such a one does not know
// that an ETag that it has changed comes back in If-None-Match, and answers HEAD otherwise
// than GET.
type response struct {
	to   http.ResponseWriter
	head bool // of a HEAD: there is no body
	code int  // 0: 200
	sent bool
	pack *packer // if it is compressed
}

// compress makes what is written next compressed, if the client takes that.
func (w *response) compress(r *http.Request) {
	h := w.Header()
	h["Vary"] = varyEncoding
	// A range is one of the bytes as they are. HTTP/1.0 needs a length: without it, what is
	// broken off looks whole.
	if r.ProtoAtLeast(1, 1) && r.Header.Get("Range") == "" && takesGzip(r.Header["Accept-Encoding"]) {
		h["Content-Encoding"] = gzipEncoding
	}
}

func (w *response) compresses() bool { return len(w.Header()["Content-Encoding"]) > 0 }

func (w *response) Header() http.Header { return w.to.Header() }

func (w *response) WriteHeader(code int) { w.code = code }

func (w *response) Write(p []byte) (int, error) {
	w.send()
	switch {
	case w.head:
		return len(p), nil
	case w.pack != nil:
		_, err := w.to.Write(w.pack.pack(p))
		return len(p), err
	}
	return w.to.Write(p)
}

func (w *response) send() {
	if w.sent {
		return
	}
	w.sent = true
	if w.code == 0 {
		w.code = http.StatusOK
	}
	switch {
	case !w.compresses():
	case w.code != http.StatusOK && w.code != http.StatusMultiStatus: // it has no body
		delete(w.Header(), "Content-Encoding")
	default:
		delete(w.Header(), "Accept-Ranges")
		if !w.head {
			w.pack = &packer{}
		}
	}
	w.to.WriteHeader(w.code)
}

// finish ends a response that is whole.
func (w *response) finish() {
	w.send()
	if w.pack != nil {
		w.to.Write(w.pack.end())
	}
}

// takesGzip reads Accept-Encoding.
func takesGzip(header []string) bool {
	for _, line := range header {
		for line != "" {
			var coding string
			coding, line, _ = strings.Cut(line, ",")
			coding, weight, _ := strings.Cut(coding, ";")
			if coding = strings.TrimSpace(coding); !strings.EqualFold(coding, "gzip") && coding != "*" {
				continue
			}
			weight = strings.TrimRight(strings.ReplaceAll(strings.ToLower(weight), " ", ""), "0")
			return weight != "q=" && weight != "q=0."
		}
	}
	return false
}

// Values of headers that many answers share. Nobody changes them in place.
var (
	plainText    = []string{"text/plain; charset=utf-8"}
	htmlText     = []string{"text/html; charset=utf-8"}
	jsonText     = []string{"application/json"}
	jsonLines    = []string{"application/x-ndjson"}
	octets       = []string{"application/octet-stream"}
	noSniff      = []string{"nosniff"}
	noCache      = []string{"private, no-cache"}
	varyEncoding = []string{"Accept-Encoding"}
	gzipEncoding = []string{"gzip"}
)
