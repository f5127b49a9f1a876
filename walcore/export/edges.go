package export

import (
	"encoding/base64"
	"strings"

	"github.com/parquet-go/parquet-go"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
)

func (r *rows) addEdges(e *walcore.Entry) {
	opts := payload.Options{ShowSecrets: r.ShowSecrets}
	number := int64(0)
	for edge := range r.facts.EachEdge() {
		b := r.edges.batch
		b.integer(edgeIndex, int64(e.Index))
		b.integer(edgeTerm, int64(e.Term))
		b.set(edgeFile, r.file)
		b.integer(edgeNumber, number)
		b.set(edgeOp, r.names.op(&edge))
		p := r.names.predicate(&edge)
		if len(edge.Attr) > maxNameSize {
			b.copy(edgePredicate, p.name.ByteArray()) // so that its bytes count
		} else {
			b.set(edgePredicate, p.name)
		}
		if p.hasNamespace {
			b.unsigned(edgeNamespace, p.namespace)
		}
		b.unsigned(edgeUID, edge.Entity)
		r.value(b, &edge, opts)
		b.set(edgeValueType, r.names.typ(&edge))
		if edge.ValueID != 0 {
			b.unsigned(edgeValueUID, edge.ValueID)
		}
		if len(edge.Lang) > 0 {
			b.text(edgeLang, validText(edge.Lang))
		}
		from := len(b.bytes)
		if b.bytes = edge.AppendFacets(b.bytes, opts); len(b.bytes) > from {
			b.since(edgeFacets, from)
		}
		if r.facts.StartTs != 0 { // else they belong to no transaction
			b.unsigned(edgeTxnStart, r.facts.StartTs)
		}
		b.integer(edgeSize, int64(edge.Size))
		r.edges.endRow()
		number++
	}
}

// value sets an edge's value, as text, or in base64 where it does not decode by its type.
func (r *rows) value(b *batch, edge *payload.Edge, opts payload.Options) {
	if len(edge.Value) == 0 {
		return
	}
	from, column, ok := len(b.bytes), edgeValue, false
	if b.bytes, ok = edge.AppendValue(b.bytes, opts); !ok {
		column = edgeValueBase64
		b.bytes = base64.StdEncoding.AppendEncode(b.bytes, edge.Value)
	}
	b.since(column, from)
}

// edgeNames makes the values that come again and again, once.
type edgeNames struct {
	ops        map[payload.EdgeOp]parquet.Value
	types      map[uint64]parquet.Value
	predicates map[string]predicate // by what is stored
}

type predicate struct {
	name         parquet.Value
	namespace    uint64
	hasNamespace bool
}

// maxNames bounds how many of each are remembered, maxNameSize their bytes: a hostile name has
// megabytes.
const (
	maxNames    = 4096
	maxNameSize = 1 << 10
)

func (n *edgeNames) op(e *payload.Edge) parquet.Value {
	return remembered(&n.ops, e.Op, func() parquet.Value { return textValue(e.OpName()) })
}

func (n *edgeNames) typ(e *payload.Edge) parquet.Value {
	return remembered(&n.types, e.ValueType, func() parquet.Value { return textValue(e.TypeName()) })
}

func (n *edgeNames) predicate(e *payload.Edge) predicate {
	if p, ok := n.predicates[string(e.Attr)]; ok { // it needs no copy, as a key does
		return p
	}
	if len(e.Attr) > maxNameSize {
		return newPredicate(e)
	}
	return remembered(&n.predicates, string(e.Attr), func() predicate { return newPredicate(e) })
}

func newPredicate(e *payload.Edge) (p predicate) {
	name := string(e.AppendPredicate(nil))
	p.name = textValue(name)
	p.namespace, _, p.hasNamespace = payload.SplitPredicate(name)
	return p
}

func remembered[K comparable, V any](m *map[K]V, key K, compute func() V) V {
	v, ok := (*m)[key]
	if ok {
		return v
	}
	if *m == nil || len(*m) >= maxNames {
		*m = map[K]V{}
	}
	v = compute()
	(*m)[key] = v
	return v
}

func textValue(s string) parquet.Value { return parquet.ByteArrayValue([]byte(s)) }

// validText is text that engines take: where it is no UTF-8, U+FFFD stands for what is not.
func validText(b []byte) string { return strings.ToValidUTF8(string(b), "\uFFFD") }
