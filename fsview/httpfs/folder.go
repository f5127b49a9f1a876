package httpfs

import (
	"html"
	"io/fs"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/walfs/walfs/fsview"
)

// serveFolder answers with a page that has a link for each name.
func (h *handler) serveFolder(w *response, r *http.Request, p *place) {
	head := w.Header()
	head["Content-Type"], head["X-Content-Type-Options"], head["Cache-Control"] = htmlText, noSniff, noCache
	w.compress(r)
	if w.head {
		w.finish()
		return
	}
	top := `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>NAME</title>
</head>
<body>
<h1>NAME</h1>
<pre>
`
	if p.name != "" {
		top += "<a href=\"../\">../</a>\n"
	}
	top = strings.ReplaceAll(top, "NAME", appearance(r.URL.Path))
	if err := h.list(w, r, p, top, appendRow, "</pre>\n</body>\n</html>\n"); err != nil {
		w.fail(err)
		return
	}
	w.finish()
}

// listPiece is how much of a list is made before it is written, in bytes.
const listPiece = 32 << 10

var listPieces = sync.Pool{New: func() any {
	b := make([]byte, 0, listPiece+4<<10)
	return &b
}}

// list writes top, what row appends for each name in a folder, and bottom. It writes when the
// tree is not being looked at. An error of the client's is none: nobody is there to be told.
func (h *handler) list(w *response, r *http.Request, p *place, top string, row func([]byte, *fsview.Dirent) []byte, bottom string) error {
	room := listPieces.Get().(*[]byte)
	b := append((*room)[:0], top...)
	defer func() {
		*room = b[:0]
		listPieces.Put(room)
	}()
	ctx := r.Context()
	var name fsview.Dirent // one for all names: it would be allocated
	for after, more := uint64(0), true; more; {
		more = false
		err := h.decoding(ctx, p.decodesSizes(), func() error {
			return h.view.List(p.node, after, func(d fsview.Dirent) bool {
				after, name = d.Cookie, d
				b = row(b, &name)
				more = len(b) >= listPiece
				return !more && ctx.Err() == nil
			})
		})
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return gone(err)
		}
		if !more {
			b = append(b, bottom...)
		}
		if _, err := w.Write(b); err != nil {
			return nil
		}
		b = b[:0]
	}
	return nil
}

// timeColumn is where the times begin, unless a name is longer.
const timeColumn = 50

func appendRow(b []byte, d *fsview.Dirent) []byte {
	slash := ""
	if isFolder(d) {
		slash = "/"
	}
	b = append(b, `<a href="`...)
	width := len(d.Name) + len(slash)
	if isPlain(d.Name) {
		b = append(b, d.Name...)
		b = append(b, slash...)
		b = append(b, `">`...)
		b = append(b, d.Name...)
	} else {
		// A URL puts ./ in front of what could be taken for a scheme.
		b = append(b, html.EscapeString((&url.URL{Path: d.Name + slash}).String())...)
		b = append(b, `">`...)
		b = append(b, appearance(d.Name)...)
	}
	b = append(b, slash...)
	b = append(b, "</a>"...)
	if d.Attr == nil || slash != "" {
		return append(b, '\n')
	}
	b = appendSpaces(b, max(timeColumn-width, 1))
	b = d.Attr.Mtime.UTC().AppendFormat(b, "2006-01-02 15:04:05")
	var digits [20]byte
	size := strconv.AppendInt(digits[:0], d.Attr.Size, 10)
	b = appendSpaces(b, 14-len(size))
	b = append(b, size...)
	return append(b, '\n')
}

// appearance is a name as text in HTML.
func appearance(name string) string {
	return html.EscapeString(strings.ToValidUTF8(name, "\uFFFD"))
}

// isFolder reports whether a name is listed as a folder's. The tree's symbolic link leads to one.
func isFolder(d *fsview.Dirent) bool {
	return d.Type.IsDir() || d.Type&fs.ModeSymlink != 0
}

// isPlain reports whether a name is the same in a URL and in HTML.
func isPlain(name string) bool {
	for _, c := range []byte(name) {
		switch {
		case '0' <= c && c <= '9', 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '-', c == '.', c == '_':
		default:
			return false
		}
	}
	return true
}

func appendSpaces(b []byte, n int) []byte {
	const spaces = "                                                  "
	return append(b, spaces[:max(0, min(n, len(spaces)))]...)
}
