package payload

import (
	"bytes"
	"iter"
	"slices"
	"strconv"
)

// EdgeOp is what an edge does: the numbers are Dgraph's.
type EdgeOp int32

// What edges do.
const (
	OpSet      EdgeOp = 0
	OpDelete   EdgeOp = 1
	OpOverride EdgeOp = 2
)

// Edge is an edge of a mutation. Its bytes are part of the entry's data.
type Edge struct {
	Entity    uint64 // the uid that the edge begins at
	Attr      []byte // the predicate as stored; PredicateName writes it as Dgraph does today
	Value     []byte
	ValueType uint64 // the number of a ValType
	ValueID   uint64 // the uid that the edge leads to; 0: it has a value
	Lang      []byte
	Op        EdgeOp
	Size      int // encoded

	m         message
	hasFacets bool
}

// EachEdge goes through the edges of the entry, in the order stored. Those that only drop
// their predicate are left out, as they are in the counts.
func (f *Facts) EachEdge() iter.Seq[Edge] {
	return func(yield func(Edge) bool) {
		if f.mutations.plan == nil {
			return
		}
		for m := f.mutations.fields(); m.next(); {
			if m.num != 3 {
				continue
			}
			if e := edgeOf(m.message()); !e.dropsPredicate() && !yield(e) {
				return
			}
		}
	}
}

func edgeOf(m message) Edge {
	e := Edge{Size: len(m.b), m: m}
	for f := m.fields(); f.next(); {
		switch f.num {
		case 1:
			e.Entity = f.u
		case 2:
			e.Attr = f.b
		case 3:
			e.Value = f.b
		case 4:
			e.ValueType = f.u
		case 5:
			e.ValueID = f.u
		case 7:
			e.Lang = f.b
		case 8:
			e.Op = EdgeOp(f.u)
		case 9:
			e.hasFacets = true
		}
	}
	return e
}

// star is the value that means all values, in an edge that deletes.
const star = "_STAR_ALL"

// dropsPredicate reports whether the edge deletes all values of its predicate, of every
// entity.
func (e *Edge) dropsPredicate() bool {
	return e.Op == OpDelete && e.Entity == 0 && string(e.Value) == star
}

// PredicateName is the predicate as Facts.Predicates names it.
func (e *Edge) PredicateName() string { return string(predicateName(e.Attr)) }

// AppendJSON appends the edge as decoded/ shows it, in one line. Secrets are hidden unless
// opts show them.
func (e *Edge) AppendJSON(dst []byte, opts Options) []byte {
	w := newWalker(dst, opts, len(e.m.b), false)
	if !w.try(func() bool { return w.message(e.m.plan, e.m.b) }) {
		w.out = append(w.out, "null"...)
	}
	return w.free()
}

// SplitPredicate gives the parts of a predicate's name: the namespace, and the name that
// users gave it. known is false for the bare names of v20.11, which have no namespace.
func SplitPredicate(name string) (namespace uint64, bare string, known bool) {
	for i := range len(name) {
		if name[i] != '-' {
			continue
		}
		ns, err := strconv.ParseUint(name[:i], 16, 64)
		if err != nil || strconv.FormatUint(ns, 16) != name[:i] {
			break
		}
		return ns, name[i+1:], true
	}
	return 0, name, false
}

// AppendNamespaces appends the namespaces that the entry is about, sorted: those in its
// predicates' names, and that of a namespace which is deleted or whose data are dropped.
func (f *Facts) AppendNamespaces(dst []uint64) []uint64 {
	from := len(dst)
	for i := range f.Predicates {
		if ns, _, ok := SplitPredicate(f.Predicates[i].Name); ok {
			dst = append(dst, ns)
		}
	}
	dst = append(dst, f.namespaces...)
	slices.Sort(dst[from:])
	return dst[:from+len(slices.Compact(dst[from:]))]
}

// droppedNamespace is the namespace that DropOp ALL_IN_NS drops, which its value has in
// hex, as in 0x1.
func droppedNamespace(op uint64, value []byte) (uint64, bool) {
	const allInNs = 4
	digits, isHex := bytes.CutPrefix(value, []byte("0x"))
	if op != allInNs || !isHex {
		return 0, false
	}
	ns, err := strconv.ParseUint(string(digits), 16, 64)
	return ns, err == nil
}
