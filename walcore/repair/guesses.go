package repair

import (
	"cmp"
	"crypto/aes"
	"slices"

	"github.com/walfs/walfs/walcore"
)

// block is as much of a payload as AES encrypts at once.
type block = [aes.BlockSize]byte

// dgraphTexts are bytes that payloads of Dgraph's hold in any group: names of its own
// predicates, with what protobuf puts around the short ones.
var dgraphTexts = []string{
	"\x12\x0d0-dgraph.type\x1a",
	"\x12\x140-dgraph.graphql.xid\x1a",
	"\x12\x170-dgraph.graphql.schema\x1a",
	"\x12\x180-dgraph.graphql.p_query\x1a",
	"\x12\x100-dgraph.drop.op\x1a",
	"\x12\x110-dgraph.password\x1a",
	"\x12\x130-dgraph.user.group\x1a",
	"\x12\x110-dgraph.acl.rule\x1a",
	"\x12\x180-dgraph.rule.permission\x1a",
	"\x12\x170-dgraph.rule.predicate\x1a",
	"\x00\x00\x00\x00\x00\x00\x00\x00dgraph.type", // v21.03: the namespace in binary
	"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
}

const (
	// samplePayloads and sampleBytes bound what is read to learn what is frequent.
	samplePayloads = 2000
	sampleBytes    = 4 << 10
	// A block that occurs in fewer payloads than minFrequent is no guess, and of the
	// others the maxFrequent most frequent ones are.
	minFrequent = 4
	maxFrequent = 256
)

// guesses are blocks that may be anywhere in the payloads of a log: those of Dgraph's
// own texts, and those that are frequent in payloads of the log that can be read, as
// the names of predicates and types are.
func guesses(log walcore.Log) []block {
	var list []block
	known := map[block]bool{}
	add := func(b block) {
		if !known[b] {
			known[b] = true
			list = append(list, b)
		}
	}
	for _, text := range dgraphTexts {
		eachBlock([]byte(text), add)
	}
	for _, b := range frequentBlocks(log) {
		add(b)
	}
	return list
}

// eachBlock goes through the blocks at each place in b.
func eachBlock(b []byte, fn func(block)) {
	for i := 0; i+aes.BlockSize <= len(b); i++ {
		fn(block(b[i:]))
	}
}

func frequentBlocks(log walcore.Log) []block {
	readable := 0
	for e := range log.Entries(0) {
		if e.Size >= aes.BlockSize {
			readable++
		}
	}
	step := readable/samplePayloads + 1
	counts := map[block]int{}
	var scan walcore.Scanner
	i := 0
	for e := range log.Entries(0) {
		if e.Size < aes.BlockSize {
			continue
		}
		if i++; i%step != 0 {
			continue
		}
		data, err := scan.Data(&e)
		if err != nil {
			continue // it is in a file that cannot be read
		}
		seen := map[block]bool{}
		eachBlock(data[:min(len(data), sampleBytes)], func(b block) {
			if !seen[b] {
				seen[b] = true
				counts[b]++
			}
		})
	}
	var list []block
	for b, n := range counts {
		if n >= minFrequent {
			list = append(list, b)
		}
	}
	slices.SortFunc(list, func(a, b block) int {
		return cmp.Or(-cmp.Compare(counts[a], counts[b]), slices.Compare(a[:], b[:]))
	})
	return list[:min(len(list), maxFrequent)]
}
