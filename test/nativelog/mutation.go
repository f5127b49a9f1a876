package nativelog

import (
	"encoding/binary"
	"math/rand/v2"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// Mutation is the payload of an Alpha's entry that sets one edge: the predicate name of the
// node with the uid index. It is derived from the index and the term, as its length is.
func Mutation(index, term uint64) []byte {
	r := rand.New(rand.NewPCG(index, term))
	var edge []byte
	edge = protowire.AppendTag(edge, 1, protowire.Fixed64Type)
	edge = protowire.AppendFixed64(edge, index)
	edge = protowire.AppendTag(edge, 2, protowire.BytesType)
	edge = protowire.AppendString(edge, "0-name")
	edge = protowire.AppendTag(edge, 3, protowire.BytesType)
	edge = protowire.AppendString(edge, strings.Repeat("v", r.IntN(200)))
	var m []byte
	m = protowire.AppendTag(m, 1, protowire.VarintType)
	m = protowire.AppendVarint(m, 1) // the group
	m = protowire.AppendTag(m, 2, protowire.VarintType)
	m = protowire.AppendVarint(m, 7*index+term) // when the transaction started
	m = protowire.AppendTag(m, 3, protowire.BytesType)
	m = protowire.AppendBytes(m, edge)
	p := binary.BigEndian.AppendUint64(nil, r.Uint64()) // the proposal's key
	p = protowire.AppendTag(p, 2, protowire.BytesType)
	return protowire.AppendBytes(p, m)
}
