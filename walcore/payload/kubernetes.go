package payload

import (
	"bytes"
	"encoding/json"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Kubernetes keeps an object as JSON, or as a prefix and a protobuf whose field 1 says what it
// is: of API version 1, and kind 2. An object that the API server has encrypted is a text that
// says how, and then the bytes.
const (
	objectPrefix    = "k8s\x00"
	encryptedPrefix = "k8s:enc:"
)

// object is what a value of etcd's says of an object of Kubernetes. What it does not say is
// empty.
type object struct {
	apiVersion, kind []byte
	encryptedBy      []byte // how the value is encrypted: provider, version and the key's name
	secret           bool   // the value holds a Secret
}

// known reports whether anything is known of an object.
func (o *object) known() bool { return len(o.kind) > 0 || len(o.encryptedBy) > 0 }

// objectOf looks at the value under a key. It is secret if it is a Secret or holds one, if its
// key says so, whatever it looks like, and if it is an object whose type is not readable.
func objectOf(key, value []byte) (o object) {
	switch text := jsonText(value); {
	case bytes.HasPrefix(value, []byte(objectPrefix)):
		o.apiVersion, o.kind = objectType(value[len(objectPrefix):])
		o.secret = len(o.kind) == 0 || isSecretKind(o.kind) || string(o.kind) == "List"
	case bytes.HasPrefix(value, []byte(encryptedPrefix)):
		o.encryptedBy = encryptedBy(value[len(encryptedPrefix):])
	case text != nil:
		o = jsonObject(text)
	}
	switch {
	case bytes.Contains(key, []byte("/secrets/")): // the prefix before that can be configured
		o.secret = true
		if o.encryptedBy != nil {
			o.kind = []byte("Secret")
		}
	case bytes.HasPrefix(key, []byte("/2/users/")): // of etcd's old store, with passwords
		o.secret = true
	}
	return o
}

// jsonText is value from where its object or list of JSON begins, or nil if it has none. Some
// editors write a byte order mark before it.
func jsonText(value []byte) []byte {
	if text := bytes.TrimLeft(value, " \t\r\n\ufeff"); len(text) > 0 && (text[0] == '{' || text[0] == '[') {
		return text
	}
	return nil
}

func isSecretKind(kind []byte) bool { return string(kind) == "Secret" || string(kind) == "SecretList" }

// objectType reads the type of an object in protobuf. It is empty where it cannot be shown.
func objectType(b []byte) (apiVersion, kind []byte) {
	for f := (fields{msg: b}); f.next(); {
		if f.num != 1 {
			continue
		}
		for t := (fields{msg: f.b}); t.next(); {
			switch t.num {
			case 1:
				apiVersion = t.b
			case 2:
				kind = t.b
			}
		}
	}
	if !printable(apiVersion) || !printable(kind) {
		return nil, nil
	}
	return apiVersion, kind
}

// encryptedBy gives "aescbc:v1:key1" of "aescbc:v1:key1:", and then the encrypted bytes.
func encryptedBy(b []byte) []byte {
	const most = 200
	end := 0
	for range 3 {
		n := bytes.IndexByte(b[end:min(len(b), most)], ':')
		if n < 0 {
			return nil
		}
		end += n + 1
	}
	if by := b[:end-1]; printable(by) {
		return by
	}
	return nil
}

// object writes a field of the message b that can be an object of Kubernetes, and then says
// what it is.
func (w *walker) object(f *fieldPlan, b, value []byte) bool {
	var key []byte
	for k := (fields{msg: b}); k.next(); {
		if int(k.num) == f.object && k.typ == protowire.BytesType {
			key = k.b
		}
	}
	o := objectOf(key, value)
	if o.secret && !w.showSecrets {
		w.key(f.key)
		w.out = append(w.out, redacted...)
	} else {
		w.member(f, 0, value)
	}
	if !o.known() || f.kind != protoreflect.BytesKind { // a request to the old store has two such fields
		return true
	}
	w.key(`"kubernetes":`)
	w.open('{')
	for _, m := range [...]struct {
		key  string
		text []byte
	}{{`"api_version":`, o.apiVersion}, {`"kind":`, o.kind}, {`"encrypted_by":`, o.encryptedBy}} {
		if len(m.text) > 0 {
			w.key(m.key)
			w.text(m.text)
		}
	}
	w.close('}')
	return true
}

// Words that data with a secret have: any data, and data that have lost their end, in which
// what says that they are a Secret may be lost. An escape could spell any of them.
var (
	secretWords = newFinder("secret", "password", `\u`)
	objectWords = newFinder(objectPrefix, `"data`, `"stringdata`)
)

// mayHoldObject reports whether data that do not decode may hold a Secret. Whole JSON can be
// looked into. In other data, words tell.
func mayHoldObject(data []byte) bool {
	if text := jsonText(data); text != nil && json.Valid(text) {
		return isSecretText(data)
	}
	return secretWords.in(data) || objectWords.in(data)
}

// isSecretText reports whether a text is a key of a Secret's, or the value of one.
func isSecretText(text []byte) bool { return objectOf(text, text).secret }

// hasSecretText reports whether a key or a value in the message b is a Secret's. What
// else is in b may belong to it.
func (p *messagePlan) hasSecretText(b []byte) bool {
	for f := (fields{msg: b}); f.next(); {
		if known := p.find(f.num, f.typ); known != nil && known.message == nil && isSecretText(f.b) {
			return true
		}
	}
	return false
}
