package stats

import (
	"fmt"
	"math/bits"
	"strconv"
	"time"

	"github.com/walfs/walfs/walcore"
)

// Sum is a number of entries, and the bytes that they have.
type Sum struct {
	Entries int64 `json:"entries"`
	Bytes   int64 `json:"bytes"`
}

func (s *Sum) add(entries, bytes int64) {
	s.Entries += entries
	s.Bytes += bytes
}

// Minus is s without part.
func (s Sum) Minus(part Sum) Sum { return Sum{s.Entries - part.Entries, s.Bytes - part.Bytes} }

// Row is what entries that have something in common add up to.
type Row struct {
	Name string // what they have in common, or one of the names below
	Sum
	Dead Sum // of Sum, those that are dead

	// By Predicate: how many edges, and how many of them delete.
	Edges, Deletes int64

	// By File: its size, and what it takes of the disk, in bytes.
	FileBytes, DiskBytes int64

	key   key
	order int64 // in a natural order
}

// The names of rows that stand for no value. A hostile log can have the same names as
// values; they are in a row of their own then.
const (
	NoneName       = "(none)"       // the entry has no such thing: no edges, no proposer
	UnreadableName = "(unreadable)" // it is not known what the entry says
	MoreName       = "(more)"       // all beyond the first 10,000 values: what rows of them would add up to
)

// key is what the entries of a row have in common: a number, or else a string.
type key struct {
	kind special
	n    uint64
	s    string
}

// special says which row that stands for no value is meant.
type special uint8

const (
	value special = iota
	none
	unreadable
	more
)

// name is the name of a row.
func (k key) name(by By) string {
	switch {
	case k.kind == none:
		return NoneName
	case k.kind == unreadable:
		return UnreadableName
	case k.kind == more:
		return MoreName
	case by == Size:
		return sizeName(k.n)
	case by == Hour:
		return time.Unix(int64(k.n), 0).UTC().Format(time.RFC3339)
	case by == Term, by == Member, by == Namespace:
		return strconv.FormatUint(k.n, 10)
	}
	return k.s
}

// sizeKey has the sizes in one row that need the same number of bits.
func sizeKey(e *walcore.Entry) key { return key{n: uint64(bits.Len64(uint64(e.Size)))} }

// sizes gives the sizes that need so many bits.
func sizes(bits uint64) (first, last uint64) {
	if bits == 0 {
		return 0, 0
	}
	first = 1 << (bits - 1)
	return first, first + (first - 1)
}

// sizeName says which sizes need so many bits: 0, 1, 2-3, 4-7.
func sizeName(bits uint64) string {
	first, last := sizes(bits)
	if first == last {
		return strconv.FormatUint(first, 10)
	}
	return fmt.Sprintf("%d-%d", first, last)
}

// Sizes gives, by Size, the sizes of the payloads that a row has.
func (r *Row) Sizes() (first, last uint64) { return sizes(r.key.n) }

// Special reports whether the row stands for no value: its name is NoneName, UnreadableName
// or MoreName.
func (r *Row) Special() bool { return r.key.kind != value }

// add counts an entry, with so many bytes.
func (r *Row) add(bytes int64, dead bool) {
	r.Sum.add(1, bytes)
	if dead {
		r.Dead.add(1, bytes)
	}
}

// merge adds what other entries add up to.
func (r *Row) merge(o *Row) {
	r.Sum.add(o.Entries, o.Bytes)
	r.Dead.add(o.Dead.Entries, o.Dead.Bytes)
	r.Edges += o.Edges
	r.Deletes += o.Deletes
	r.FileBytes += o.FileBytes
	r.DiskBytes += o.DiskBytes
}
