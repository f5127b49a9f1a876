package httpfs

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/walfs/walfs/fsview"
)

const (
	// Shorter files are not compressed: they fit into a packet as they are.
	leastCompressed = 1400
	// A request for more ranges is answered with all of the file: each has a header of its own.
	mostRanges = 16
)

func (h *handler) serveFile(w *response, r *http.Request, p *place) {
	head := w.Header()
	head["Content-Type"] = contentType(p.top, p.name)
	head["X-Content-Type-Options"] = noSniff
	head["Cache-Control"] = noCache
	head["Last-Modified"] = []string{p.attr.Mtime.UTC().Format(http.TimeFormat)}
	if p.attr.Size >= leastCompressed {
		w.compress(r)
	}
	var room [64]byte
	if tag := appendETag(room[:0], p.top, p.node, &p.attr, w.compresses()); len(tag) > 0 {
		head["Etag"] = []string{string(tag)}
	}
	if strings.Count(r.Header.Get("Range"), ",") >= mostRanges {
		r = r.Clone(r.Context())
		r.Header.Del("Range")
	}
	c := newContent(r.Context(), h, p)
	defer c.close()
	// Without a time it compares none: see the package's documentation.
	http.ServeContent(w, r, "", time.Time{}, io.NewSectionReader(c, 0, p.attr.Size))
	if err := c.failed(); err != nil {
		w.fail(err)
		return
	}
	w.finish()
}

// contentType goes by the name alone. What a log holds is never HTML.
func contentType(top, name string) []string {
	switch {
	case top == readme, top == folderMeta:
		return plainText
	case strings.HasSuffix(name, ".json"):
		return jsonText
	case strings.HasSuffix(name, ".jsonl"):
		return jsonLines
	}
	return octets
}

// appendETag appends a file's ETag, or nothing if it has none.
func appendETag(dst []byte, top string, n fsview.Node, a *fsview.Attr, compressed bool) []byte {
	switch {
	case top == folderNative:
		return dst
	case a.Committed && !n.IsDecoded(), top == readme, top == statusJSON, top == folderMeta, top == folderLines:
	default:
		dst = append(dst, "W/"...)
	}
	dst = append(dst, '"')
	dst = strconv.AppendUint(dst, a.Inode, 36)
	dst = append(dst, '-')
	dst = strconv.AppendInt(dst, a.Size, 36)
	dst = append(dst, '-')
	dst = strconv.AppendInt(dst, a.Mtime.UnixNano(), 36)
	if compressed {
		dst = append(dst, "-gzip"...)
	}
	return append(dst, '"')
}
