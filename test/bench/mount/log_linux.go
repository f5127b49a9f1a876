package main

import (
	"context"
	"encoding/binary"
	"math/rand/v2"

	"github.com/walfs/walfs/test/nativelog"
	"google.golang.org/protobuf/encoding/protowire"
)

// payloadSize is each entry's, in bytes.
const payloadSize = 300

// writeLog makes a Raft directory with n entries of an Alpha, all of one term.
func writeLog(ctx context.Context, dir string, n int) error {
	m := nativelog.Meta{RaftID: 1, GroupID: 1, Term: 1, Vote: 1, Commit: uint64(n), Checkpoint: uint64(n)}
	err := nativelog.Write(dir, m, func(yield func(nativelog.Entry) bool) {
		for index := uint64(1); index <= uint64(n) && ctx.Err() == nil; index++ {
			if !yield(nativelog.Entry{Term: 1, Index: index, Data: payload(index)}) {
				return
			}
		}
	})
	if err == nil {
		err = ctx.Err()
	}
	return err
}

// payload is a transaction that sets a name and a text of one node. The text is made of
// words, so that archives compress it as they would a real one, and fills the payload.
func payload(index uint64) []byte {
	r := rand.New(rand.NewPCG(index, 1))
	var text []byte
	for len(text) < payloadSize {
		text = append(append(text, words[r.IntN(len(words))]...), ' ')
	}
	key := r.Uint64()
	proposal := func(n int) []byte {
		return field(binary.BigEndian.AppendUint64(nil, key), 2, mutation(index, text[:n]))
	}
	const half = payloadSize / 2 // lengths from 128 to 16,383 are two bytes
	return proposal(half + payloadSize - len(proposal(half)))
}

var words = []string{"account", "balance", "city", "delivery", "engine", "follower", "garden", "harbour",
	"invoice", "journey", "kitchen", "letter", "market", "number", "order", "parcel", "quarter", "river",
	"station", "ticket", "university", "village", "window", "yesterday"}

// mutation is a pb.Mutations of group 1: its number, when the transaction started, edges.
func mutation(index uint64, text []byte) []byte {
	m := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 1)
	m = protowire.AppendVarint(protowire.AppendTag(m, 2, protowire.VarintType), index)
	m = field(m, 3, edge(index, "0-name", text[:20]))
	return field(m, 3, edge(index, "0-text", text))
}

// edge is a pb.DirectedEdge: node, predicate, value and the value's type, a string.
func edge(node uint64, predicate string, value []byte) []byte {
	e := protowire.AppendFixed64(protowire.AppendTag(nil, 1, protowire.Fixed64Type), node)
	e = field(e, 2, []byte(predicate))
	e = field(e, 3, value)
	return protowire.AppendVarint(protowire.AppendTag(e, 4, protowire.VarintType), 9)
}

func field(b []byte, n protowire.Number, value []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, n, protowire.BytesType), value)
}
