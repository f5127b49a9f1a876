package payload

// Kubernetes keeps an object as a prefix and a protobuf, whose field 1 says what it is: of
// API version 1, and kind 2.

const objectPrefix = "k8s\x00"

// objectType says of what type the object of Kubernetes is that a value holds, if it holds
// one.
func objectType(value []byte) (apiVersion, kind []byte, ok bool) {
	if len(value) < len(objectPrefix) || string(value[:len(objectPrefix)]) != objectPrefix {
		return nil, nil, false
	}
	for f := (fields{msg: value[len(objectPrefix):]}); f.next(); {
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
	return apiVersion, kind, len(kind) > 0 && printable(apiVersion) && printable(kind)
}

// object writes a field that can be an object of Kubernetes, and then says of what type that
// is. A Secret is one.
func (w *walker) object(f *fieldPlan, value []byte) bool {
	apiVersion, kind, ok := objectType(value)
	if ok && string(kind) == "Secret" && !w.showSecrets {
		w.key(f.key)
		w.out = append(w.out, redacted...)
	} else {
		w.member(f, 0, value)
	}
	if ok {
		w.key(`"kubernetes":`)
		w.open('{')
		w.key(`"api_version":`)
		w.text(apiVersion)
		w.key(`"kind":`)
		w.text(kind)
		w.close('}')
	}
	return true
}
