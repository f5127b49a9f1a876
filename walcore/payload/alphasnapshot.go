package payload

import "google.golang.org/protobuf/encoding/protowire"

// AlphaSnapshot is the data in an Alpha's snapshot: the entries up to Index are in
// the state that a transaction sees which reads at ReadTs. Context is of the node
// that made the snapshot.
type AlphaSnapshot struct {
	Context       RaftContext
	Index, ReadTs uint64
}

// Encode gives the bytes that an Alpha writes: fields in the order of their numbers,
// without those that are 0.
func (s AlphaSnapshot) Encode() []byte {
	var c []byte
	if s.Context.ID != 0 {
		c = protowire.AppendTag(c, 1, protowire.Fixed64Type)
		c = protowire.AppendFixed64(c, s.Context.ID)
	}
	c = appendNumber(c, 2, uint64(s.Context.Group))
	if s.Context.Addr != "" {
		c = protowire.AppendTag(c, 3, protowire.BytesType)
		c = protowire.AppendString(c, s.Context.Addr)
	}
	c = appendNumber(c, 4, s.Context.SnapshotTs)
	c = appendNumber(c, 5, protowire.EncodeBool(s.Context.IsLearner))

	b := protowire.AppendTag(nil, 1, protowire.BytesType)
	b = protowire.AppendBytes(b, c)
	b = appendNumber(b, 2, s.Index)
	return appendNumber(b, 3, s.ReadTs)
}

// appendNumber appends a field that holds a varint, unless that is 0.
func appendNumber(b []byte, num protowire.Number, v uint64) []byte {
	if v == 0 {
		return b
	}
	return protowire.AppendVarint(protowire.AppendTag(b, num, protowire.VarintType), v)
}
