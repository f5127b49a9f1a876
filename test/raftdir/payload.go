//go:build unix

package raftdir

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
)

// LargeTerm is the first of the terms in which every fourth payload has two
// megabytes, so that log files grow and become full by size.
const LargeTerm = 1 << 20

// Payload derives an entry's bytes from its index and term:
//
//	"walfs log INDEX TERM\n" · filler of the same two · crc32 (4)
//
// It is not a protobuf message: neither from the first byte on nor from the ninth,
// where Dgraph's messages begin. So decoded/ shows the bytes.
//
// Some payloads are empty, like the first entry of a term in Raft. Some are longer
// than a page, and a few are longer than what one READ request of FUSE asks for.
func Payload(index, term uint64) []byte {
	rng := rand.New(rand.NewPCG(index, term))
	filler := rng.IntN(500)
	switch {
	case rng.IntN(20) == 0:
		return nil
	case term >= LargeTerm && index%4 == 0:
		filler = 2 << 20
	case index%5000 == 0:
		filler = 300_000
	case index%500 == 0:
		filler = 20_000
	}
	return fill(rng, index, term, filler)
}

// Blob derives a snapshot's data from its index and term. One in eight needs a larger
// wal.meta.
func Blob(index, term uint64) []byte {
	rng := rand.New(rand.NewPCG(index, ^term))
	filler := 20 + rng.IntN(3000)
	if rng.IntN(8) == 0 {
		filler = 1_200_000
	}
	return fill(rng, index, term, filler)
}

func fill(rng *rand.Rand, index, term uint64, filler int) []byte {
	b := make([]byte, 0, 48+filler+4)
	b = fmt.Appendf(b, "walfs log %d %d\n", index, term)
	for range filler / 8 {
		b = binary.BigEndian.AppendUint64(b, rng.Uint64())
	}
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}

// TypeOf derives an entry's type from its index: 0 normal, 1 conf change, 2 conf change v2.
func TypeOf(index uint64) uint32 {
	switch {
	case index%200 == 199:
		return 1
	case index%1000 == 500:
		return 2
	}
	return 0
}
