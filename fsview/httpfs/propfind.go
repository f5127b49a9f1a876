package httpfs

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

const (
	longestPropfind = 64 << 10 // bytes of a body
	// Each answer names all properties that were asked for and are not there.
	mostUnknown = 64
)

// property is one that a file or folder can have. Their names are propertyNames.
type property uint16

const (
	displayName property = 1 << iota
	resourceType
	contentLength
	lastModified
	creationDate
	etag
	contentTypeOf
	supportedLock
	allProperties = 1<<iota - 1

	ofFilesOnly = contentLength | etag | contentTypeOf
)

var propertyNames = [...]string{"displayname", "resourcetype", "getcontentlength", "getlastmodified",
	"creationdate", "getetag", "getcontenttype", "supportedlock"}

// propfind is what a client asks for.
type propfind struct {
	properties property
	namesOnly  bool       // propname
	all        bool       // it did not say which: those that are not there are left out
	unknown    []xml.Name // no file has these
}

func (q *propfind) asks() bool { return q.properties != 0 || len(q.unknown) > 0 }

// needsAttr reports whether sizes and the like have to be found out.
func (q *propfind) needsAttr() bool {
	return !q.namesOnly && q.properties&(contentLength|lastModified|creationDate|etag) != 0
}

const davSpace = "DAV:"

// readPropfind reads the body of a PROPFIND. Without any, it asks for all properties.
func readPropfind(body io.Reader) (*propfind, error) {
	d := xml.NewDecoder(body)
	names := &spaces{declared: map[string]bool{}}
	depth, within := 0, "" // the name of the element of depth 2
	q := (*propfind)(nil)
	for {
		token, err := d.Token()
		if err == io.EOF && d.InputOffset() == 0 {
			return &propfind{properties: allProperties, all: true}, nil
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		switch x := token.(type) {
		case xml.Directive: // a document type, with entities
			return nil, errors.New("a directive is not allowed")
		case xml.StartElement:
			if err := names.check(&x); err != nil {
				return nil, err
			}
			switch depth++; depth {
			case 1:
				if x.Name != (xml.Name{Space: davSpace, Local: "propfind"}) || q != nil {
					return nil, fmt.Errorf("it is a %q", x.Name.Local)
				}
				q = &propfind{}
			case 2:
				within = ""
				if x.Name.Space == davSpace {
					within = x.Name.Local
				}
				if err := q.begin(within); err != nil {
					return nil, err
				}
			case 3:
				if within == "prop" {
					if err := q.add(x.Name); err != nil {
						return nil, err
					}
				}
			}
		case xml.EndElement:
			depth--
		}
	}
	if q == nil || !q.asks() {
		return nil, errors.New("it asks for nothing")
	}
	return q, nil
}

// begin notes an element of propfind. Others than these have no meaning.
func (q *propfind) begin(name string) error {
	if name != "allprop" && name != "propname" && name != "prop" {
		return nil
	}
	if q.asks() {
		return errors.New("it asks in two ways")
	}
	switch name {
	case "allprop":
		q.all, q.properties = true, allProperties
	case "propname":
		q.namesOnly, q.properties = true, allProperties
	}
	return nil
}

func (q *propfind) add(name xml.Name) error {
	if name.Space == davSpace {
		for i, known := range propertyNames {
			if name.Local == known {
				q.properties |= 1 << i
				return nil
			}
		}
	}
	if len(q.unknown) == mostUnknown {
		return fmt.Errorf("it asks for more than %d properties that are not known here", mostUnknown)
	}
	q.unknown = append(q.unknown, name)
	return nil
}

// spaces are the name spaces that a document declares: encoding/xml takes a prefix that is not
// declared for one.
type spaces struct{ declared map[string]bool }

func (s *spaces) check(x *xml.StartElement) error {
	for _, a := range x.Attr {
		if a.Name.Space == "xmlns" && a.Value == "" {
			return fmt.Errorf("the prefix %q is declared as nothing", a.Name.Local)
		}
		if a.Name.Space == "xmlns" || a.Name.Space == "" && a.Name.Local == "xmlns" {
			s.declared[a.Value] = true
		}
	}
	if x.Name.Space != "" && !s.declared[x.Name.Space] || strings.Contains(x.Name.Local, ":") {
		return fmt.Errorf("the name %q has a prefix that is not declared", x.Name.Local)
	}
	return nil
}
