package payload

import (
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Custom decodes normal entries by a message of the user's own schema.
type Custom struct {
	plan *messagePlan
	skip int
	opts Options
}

// NewCustom returns a decoder that reads the data of normal entries, after its
// first skip bytes, as messages of type md (see LoadMessage). The skipped bytes
// are shown as skipped_base64.
func NewCustom(md protoreflect.MessageDescriptor, skip int, opts Options) *Custom {
	p := newPlanner()
	plan := p.plan(md)
	p.markSecrets()
	return &Custom{plan: plan, skip: max(skip, 0), opts: opts}
}

// AppendJSON implements Decoder. It never fails.
func (c *Custom) AppendJSON(dst []byte, e Entry) ([]byte, error) {
	return append(c.append(dst, e, true), '\n'), nil
}

// AppendCompact implements Decoder. It never fails.
func (c *Custom) AppendCompact(dst []byte, e Entry) ([]byte, error) {
	return c.append(dst, e, false), nil
}

func (c *Custom) append(dst []byte, e Entry, indent bool) []byte {
	if e.TooLarge > 0 {
		return appendTooLarge(dst, e, indent)
	}
	w := newWalker(dst, c.opts, len(e.Data), indent)
	w.entry(e, func() bool {
		message, ok := c.message(e.Data)
		if !ok {
			return false
		}
		if c.skip > 0 {
			w.key(`"skipped_base64":`)
			w.base64(e.Data[:c.skip])
		}
		w.key(`"message":`)
		return w.message(c.plan, message)
	}, func() bool { return c.hides(e.Data) })
	return w.free()
}

// hides reports whether data that does not decode must not be shown.
func (c *Custom) hides(data []byte) bool {
	return !c.opts.ShowSecrets && len(data) > c.skip && c.plan.mayHoldSecret(data[c.skip:], true, 0)
}

// message returns the encoded message in data, if it parses as one and is not
// plain text that the schema knows nothing of.
func (c *Custom) message(data []byte) ([]byte, bool) {
	if len(data) < c.skip {
		return nil, false
	}
	message := data[c.skip:]
	if c.plan.check(message) == malformed || printable(data) && !c.plan.knowsAny(message) {
		return nil, false
	}
	return message, true
}

// AppendSnapshot implements Decoder. The schema is that of entries: a blob is
// shown as text or base64.
func (c *Custom) AppendSnapshot(dst, blob []byte) []byte {
	return appendSnapshot(dst, nil, blob, c.opts)
}

// Facts implements Decoder. Of a message they have the kind.
func (c *Custom) Facts(f *Facts, e Entry) {
	if f.common(e) {
		return
	}
	if _, ok := c.message(e.Data); ok {
		f.Kind = KindMessage
	} else {
		f.raw(e.Data)
	}
}

// Summarize implements Decoder. The line is the message's compact JSON, cut.
func (c *Custom) Summarize(s *Summary, e Entry) error {
	if s.common(e) {
		return nil
	}
	message, ok := c.message(e.Data)
	if !ok {
		s.undecoded(e.Data, c.hides(e.Data))
		return nil
	}
	w := newWalker(s.Line, c.opts, len(e.Data), false)
	ok = w.message(c.plan, message)
	s.Line = w.free()
	if !ok {
		s.undecoded(e.Data, c.hides(e.Data))
		return nil
	}
	s.Kind = KindMessage
	s.cut()
	return nil
}
