package payload

import "encoding/json"

// Etcd decodes the entries of an etcd member.
type Etcd struct {
	opts Options
	*etcdSchema
}

var _ Decoder = (*Etcd)(nil)

// NewEtcd returns a decoder for the log of an etcd member.
func NewEtcd(opts Options) *Etcd { return &Etcd{opts, builtinEtcd()} }

// AppendJSON implements Decoder. It never fails.
func (d *Etcd) AppendJSON(dst []byte, e Entry) ([]byte, error) {
	return append(d.append(dst, e, true), '\n'), nil
}

// AppendCompact implements Decoder. It never fails.
func (d *Etcd) AppendCompact(dst []byte, e Entry) ([]byte, error) {
	return d.append(dst, e, false), nil
}

func (d *Etcd) append(dst []byte, e Entry, indent bool) []byte {
	if e.TooLarge > 0 {
		return appendTooLarge(dst, e, indent)
	}
	w := newWalker(dst, d.opts, len(e.Data), indent)
	w.entry(e, func() bool {
		m, ok := d.requestOf(e.Data)
		if !ok {
			return false
		}
		if m.plan == d.requestV2 {
			w.key(`"request_v2":`)
		} else {
			w.key(`"request":`)
		}
		return w.message(m.plan, m.b)
	}, func() bool { return d.hides(e.Data) })
	return w.free()
}

// hides reports whether data that do not decode must not be shown.
func (d *Etcd) hides(data []byte) bool {
	return !d.opts.ShowSecrets && (d.request.mayHoldSecret(data, true, 0) || mayHoldObject(data))
}

// AppendSnapshot implements Decoder. The blob is etcd's old store, which has the members and
// the version of the cluster, as JSON. Up to etcd 2 it had all keys. If one of them is of a user
// or of a Secret, or has one as its value, nothing of the store is shown.
func (d *Etcd) AppendSnapshot(dst, blob []byte) []byte {
	w := newWalker(dst, d.opts, len(blob), true)
	return w.snapshot(blob, func() bool {
		if !d.opts.ShowSecrets && storeHoldsSecret(blob) {
			w.string(redactedWhole)
			return true
		}
		return w.json(blob)
	})
}

// storeHoldsSecret looks at each string in etcd's old store, names and values.
func storeHoldsSecret(blob []byte) bool {
	if !json.Valid(blob) {
		return mayHoldObject(blob)
	}
	for i := 0; i < len(blob); i++ {
		if blob[i] == '"' {
			end := jsonValueEnd(blob, i)
			if isSecretText(unquoted(blob[i:end])) {
				return true
			}
			i = end - 1
		}
	}
	return isSecretText(blob) // an object of Kubernetes in place of a store
}
