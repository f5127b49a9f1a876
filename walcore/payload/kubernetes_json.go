package payload

import (
	"bytes"
	"encoding/json"
)

// jsonLevel is what is known of an object or a list of JSON that has begun.
type jsonLevel uint8

const (
	isList     jsonLevel = 1 << iota
	saysSecret           // its kind is Secret
	hasContent           // it has a member that Secrets have, and that references to them have not
)

// jsonMember is a name that counts. Go's decoder takes them in any case.
type jsonMember uint8

const (
	otherMember jsonMember = iota
	kindMember
	apiVersionMember
	contentMember
)

var jsonMembers = [...]struct {
	name []byte
	is   jsonMember
}{
	{[]byte("kind"), kindMember}, {[]byte("apiVersion"), apiVersionMember}, {[]byte("data"), contentMember},
	{[]byte("stringData"), contentMember}, {[]byte("metadata"), contentMember}, {[]byte("items"), contentMember},
}

// jsonReading goes through JSON. What is no JSON, or has lost its end, it takes for as much of
// it as is there: all that a Secret can be must be found.
type jsonReading struct {
	levels []jsonLevel
	member jsonMember // whose value follows
	object
}

// jsonObject says what is known of the object, or the list, that b begins with. It is secret
// if it is a Secret or holds one, at any depth. Where two members have one name, each counts.
func jsonObject(b []byte) object {
	r := jsonReading{levels: make([]jsonLevel, 0, 64)}
	for i := 0; i < len(b); {
		switch c := b[i]; c {
		case '"':
			i = r.text(b, i)
			continue
		case '{':
			r.levels, r.member = append(r.levels, 0), otherMember
		case '[':
			r.levels, r.member = append(r.levels, isList), otherMember
		case '}', ']':
			r.end()
		}
		i++
	}
	for _, l := range r.levels { // the end is missing, and what could have been in it
		r.secret = r.secret || l&(saysSecret|hasContent) != 0
	}
	if len(r.apiVersion) == 0 || !printable(r.apiVersion) || !printable(r.kind) {
		r.apiVersion, r.kind = nil, nil
	}
	return r.object
}

// end ends an object or a list.
func (r *jsonReading) end() {
	n := len(r.levels) - 1
	if n < 0 {
		return
	}
	if l := r.levels[n]; l&saysSecret != 0 && (n == 0 || l&hasContent != 0) {
		r.secret = true
	}
	r.levels = r.levels[:n]
}

// text takes the string that begins at i, a name or a value, and returns what follows it.
func (r *jsonReading) text(b []byte, i int) (next int) {
	next, whole := i+1, false
	for ; next < len(b) && !whole; next++ {
		switch b[next] {
		case '"':
			whole = true
		case '\\':
			next++
		}
	}
	if !whole || len(r.levels) == 0 {
		return next
	}
	quoted, level := b[i:next], &r.levels[len(r.levels)-1]
	if *level&isList == 0 && isName(b, next) {
		if r.member = memberNamed(quoted); r.member == contentMember {
			*level |= hasContent
		}
		return next
	}
	switch r.member {
	case kindMember:
		kind := unquoted(quoted)
		if isSecretKind(kind) {
			*level |= saysSecret
		}
		if len(r.levels) == 1 {
			r.kind = kind
		}
	case apiVersionMember:
		if len(r.levels) == 1 {
			r.apiVersion = unquoted(quoted)
		}
	}
	r.member = otherMember
	return next
}

// isName reports whether the string before b[i:] is a name.
func isName(b []byte, i int) bool {
	for ; i < len(b); i++ {
		switch b[i] {
		case ':':
			return true
		case ' ', '\t', '\r', '\n':
		default:
			return false
		}
	}
	return false
}

func memberNamed(quoted []byte) jsonMember {
	const longest = len(`"stringData"`) * len(`\u0061`)
	if len(quoted) > longest {
		return otherMember
	}
	name := unquoted(quoted)
	for _, m := range jsonMembers {
		if bytes.EqualFold(name, m.name) {
			return m.is
		}
	}
	return otherMember
}

// unquoted is the text of a string, without escapes where they can be read.
func unquoted(quoted []byte) []byte {
	if bytes.IndexByte(quoted, '\\') >= 0 {
		var text string // here, for it takes memory
		if json.Unmarshal(quoted, &text) == nil {
			return []byte(text)
		}
	}
	return quoted[1 : len(quoted)-1]
}
