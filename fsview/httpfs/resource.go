package httpfs

import (
	"bytes"
	"encoding/xml"
	"net/http"
	"net/url"
	"strconv"

	"github.com/walfs/walfs/fsview"
)

// resource is a file or folder in a WebDAV answer.
type resource struct {
	folder string // the folder's path, or the resource's own; escaped for URLs and XML
	member string // its name in the folder, or ""
	top    string // as place's
	name   string
	node   fsview.Node
	attr   *fsview.Attr // nil: of a file of which nothing is known
}

func (m *resource) isFolder() bool { return m.attr != nil && m.attr.Mode.IsDir() }

// appendResponse appends an answer's element for a resource.
func (q *propfind) appendResponse(b []byte, m *resource) []byte {
	b = append(b, "<D:response><D:href>"...)
	b = append(b, m.folder...)
	if m.member != "" {
		if isPlain(m.member) {
			b = append(b, m.member...)
		} else {
			b = appendText(b, url.PathEscape(m.member))
		}
		if m.isFolder() {
			b = append(b, '/')
		}
	}
	b = append(b, "</D:href>"...)
	has := property(allProperties)
	if m.isFolder() {
		has &^= ofFilesOnly
		if m.attr.Mtime.IsZero() {
			has &^= lastModified | creationDate
		}
	} else if m.attr == nil && !q.namesOnly {
		has &^= contentLength | lastModified | creationDate | etag
	} else if m.top == folderNative {
		has &^= etag
	}
	if found := q.properties & has; found != 0 {
		b = append(b, "<D:propstat><D:prop>"...)
		for i, name := range propertyNames {
			if p := property(1 << i); found&p != 0 {
				b = q.appendProperty(b, m, p, name)
			}
		}
		b = append(b, "</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>"...)
	}
	missing := q.properties &^ has
	if q.all || q.namesOnly {
		missing = 0
	}
	if missing != 0 || len(q.unknown) > 0 {
		b = append(b, "<D:propstat><D:prop>"...)
		for i, name := range propertyNames {
			if missing&(1<<i) != 0 {
				b = appendEmpty(b, name)
			}
		}
		for _, name := range q.unknown {
			b = append(b, '<')
			b = append(b, name.Local...) // encoding/xml has seen to it that it is a name
			b = append(b, ` xmlns="`...)
			b = appendText(b, name.Space)
			b = append(b, `"/>`...)
		}
		b = append(b, "</D:prop><D:status>HTTP/1.1 404 Not Found</D:status></D:propstat>"...)
	}
	return append(b, "</D:response>\n"...)
}

func (q *propfind) appendProperty(b []byte, m *resource, p property, name string) []byte {
	if q.namesOnly || p == supportedLock || p == resourceType && !m.isFolder() {
		return appendEmpty(b, name)
	}
	b = append(b, "<D:"...)
	b = append(b, name...)
	b = append(b, '>')
	switch p {
	case displayName:
		b = appendText(b, m.name)
	case resourceType:
		b = append(b, "<D:collection/>"...)
	case contentLength:
		b = strconv.AppendInt(b, m.attr.Size, 10)
	case lastModified:
		b = m.attr.Mtime.UTC().AppendFormat(b, http.TimeFormat)
	case creationDate:
		b = m.attr.Mtime.UTC().AppendFormat(b, "2006-01-02T15:04:05Z")
	case etag:
		b = appendETag(b, m.top, m.node, m.attr, false)
	case contentTypeOf:
		b = append(b, contentType(m.top, m.name)[0]...)
	}
	b = append(b, "</D:"...)
	b = append(b, name...)
	return append(b, '>')
}

func appendEmpty(b []byte, name string) []byte {
	b = append(b, "<D:"...)
	b = append(b, name...)
	return append(b, "/>"...)
}

// appendText appends s so that it is text in XML, and in an attribute too.
func appendText(b []byte, s string) []byte {
	if isPlain(s) {
		return append(b, s...)
	}
	escaped := bytes.NewBuffer(b)
	xml.EscapeText(escaped, []byte(s))
	return escaped.Bytes()
}
