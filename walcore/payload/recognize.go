package payload

import (
	"github.com/walfs/walfs/walcore"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/encoding/protowire"
)

// Recognizer tells the payloads of an Alpha or a Zero from other bytes: those of which
// each field is in the schema, strings are text, and which end where the last field
// ends. It takes fewer than a decoder does: no empty ones, no plain text, no fields of a
// newer version, no predicates with a binary namespace, as one old version had, and of
// configuration changes only those that give the node's address.
type Recognizer struct{ d *Dgraph }

var _ walcore.Recognizer = Recognizer{}

// NewRecognizer makes the recognizer for the log of app.
func NewRecognizer(app App) Recognizer { return Recognizer{NewDgraph(app, Options{})} }

// TypeOf gives the type of the entry that has these data, if they are a payload.
func (r Recognizer) TypeOf(data []byte) (walcore.EntryType, bool) {
	if len(data) > keySize && !printable(data) && r.d.proposalPlan().check(data[keySize:]) == exact {
		return walcore.EntryNormal, true
	}
	for _, t := range []walcore.EntryType{walcore.EntryConfChange, walcore.EntryConfChangeV2} {
		e := Entry{Type: uint32(t), Data: data}
		if r.d.confChangePlan(e).check(data) != exact {
			continue
		}
		if context, ok := RaftContextOf(e); ok && context.ID != 0 && context.Addr != "" {
			return t, true
		}
	}
	return 0, false
}

// CanBegin reports whether a payload of size bytes can begin with head.
func (r Recognizer) CanBegin(head []byte, size int64) bool {
	if size > keySize && len(head) > keySize && canBegin(r.d.proposalPlan(), head[keySize:], size-keySize, 0) {
		return true
	}
	for _, t := range []raftpb.EntryType{raftpb.EntryConfChange, raftpb.EntryConfChangeV2} {
		if canBegin(r.d.confChangePlan(Entry{Type: uint32(t)}), head, size, 0) {
			return true
		}
	}
	return false
}

// canBegin reports whether a message of size bytes can begin with head: the fields that
// begin there are in the schema, and end within the message.
func canBegin(p *messagePlan, head []byte, size int64, depth int) bool {
	for at := 0; at < len(head); {
		tag, next := readVarint(head, at)
		if next < 0 {
			return cutVarint(head[at:])
		}
		f := p.byNumber(protowire.Number(min(tag>>3, uint64(protowire.MaxValidNumber))))
		typ := protowire.Type(tag & 7)
		if f == nil || typ != f.typ && !f.packed(typ) {
			return false
		}
		if typ == protowire.Fixed32Type || typ == protowire.Fixed64Type {
			if at = next + 4; typ == protowire.Fixed64Type {
				at = next + 8
			}
			if int64(at) > size {
				return false
			}
			continue
		}
		n, value := readVarint(head, next)
		if value < 0 {
			return cutVarint(head[next:])
		}
		if at = value; typ != protowire.BytesType {
			continue
		}
		if n > uint64(size-int64(value)) {
			return false
		}
		rest := head[value:]
		if n < uint64(len(rest)) {
			rest = rest[:n]
		}
		if message := f.inside(); message != nil && depth+1 < maxDepth && !canBegin(message, rest, int64(n), depth+1) {
			return false
		}
		if n > uint64(len(head)-value) {
			return true
		}
		at = value + int(n)
	}
	return true
}

// inside is the message that a field holds, if it holds one.
func (f *fieldPlan) inside() *messagePlan {
	if f.entry != nil {
		return f.entry
	}
	return f.message
}

// cutVarint reports whether b, which has no whole varint, has the beginning of one.
func cutVarint(b []byte) bool {
	if len(b) >= protowire.SizeVarint(1<<64-1) {
		return false
	}
	for _, c := range b {
		if c < 0x80 {
			return false
		}
	}
	return true
}
