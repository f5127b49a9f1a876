package export

import "github.com/parquet-go/parquet-go"

// kind is what a column holds.
type kind uint8

const (
	integer  kind = iota // int64
	unsigned             // uint64
	boolean
	text    // UTF-8
	blob    // bytes
	instant // microseconds since 1970, UTC
)

// column describes a column of a table.
type column struct {
	name     string
	kind     kind
	optional bool // it has nulls
	few      bool // few values come again and again
	large    bool // no statistics: they would hold a value in full
}

// table is a table and its columns, in their order.
type table struct {
	name    string
	columns []column
}

// The columns of entries.
const (
	entryIndex = iota
	entryTerm
	entryType
	entrySize
	entryFile
	entrySlot
	entryOffset
	entryTime
	entryTimeOf
	entryCommitted
	entryKind
	entryEdges
	entryDeletes
	entryCommits
	entryAborts
	entryTxnStart
	entryTxnCommit
	entryKey
	entryProposer
	entryPayload
	entryDecoded
	entryError
)

var entries = &table{"entries", []column{
	entryIndex:     {name: "index"},
	entryTerm:      {name: "term"},
	entryType:      {name: "type", kind: text, few: true},
	entrySize:      {name: "size"},
	entryFile:      {name: "file", kind: text, few: true},
	entrySlot:      {name: "slot"},
	entryOffset:    {name: "offset"},
	entryTime:      {name: "time", kind: instant, optional: true},
	entryTimeOf:    {name: "time_of", kind: text, optional: true, few: true},
	entryCommitted: {name: "committed", kind: boolean, optional: true},
	entryKind:      {name: "kind", kind: text, optional: true, few: true},
	entryEdges:     {name: "edges", optional: true},
	entryDeletes:   {name: "deletes", optional: true},
	entryCommits:   {name: "commits", optional: true},
	entryAborts:    {name: "aborts", optional: true},
	entryTxnStart:  {name: "txn_start", kind: unsigned, optional: true},
	entryTxnCommit: {name: "txn_commit", kind: unsigned, optional: true},
	entryKey:       {name: "key", kind: unsigned, optional: true},
	entryProposer:  {name: "proposer", kind: unsigned, optional: true, few: true},
	entryPayload:   {name: "payload", kind: blob, optional: true, large: true},
	entryDecoded:   {name: "decoded", kind: text, optional: true, large: true},
	entryError:     {name: "error", kind: text, optional: true, few: true, large: true},
}}

// The columns of edges.
const (
	edgeIndex = iota
	edgeTerm
	edgeFile
	edgeNumber
	edgeOp
	edgePredicate
	edgeNamespace
	edgeUID
	edgeValue
	edgeValueBase64
	edgeValueType
	edgeValueUID
	edgeLang
	edgeFacets
	edgeTxnStart
	edgeSize
)

var edges = &table{"edges", []column{
	edgeIndex:       {name: "index"},
	edgeTerm:        {name: "term", few: true},
	edgeFile:        {name: "file", kind: text, few: true},
	edgeNumber:      {name: "number"},
	edgeOp:          {name: "op", kind: text, few: true},
	edgePredicate:   {name: "predicate", kind: text, few: true, large: true},
	edgeNamespace:   {name: "namespace", kind: unsigned, optional: true, few: true},
	edgeUID:         {name: "uid", kind: unsigned},
	edgeValue:       {name: "value", kind: text, optional: true, large: true},
	edgeValueBase64: {name: "value_base64", kind: text, optional: true, large: true},
	edgeValueType:   {name: "value_type", kind: text, few: true},
	edgeValueUID:    {name: "value_uid", kind: unsigned, optional: true},
	edgeLang:        {name: "lang", kind: text, optional: true, few: true, large: true},
	edgeFacets:      {name: "facets", kind: text, optional: true, large: true},
	edgeTxnStart:    {name: "txn_start", kind: unsigned, optional: true},
	edgeSize:        {name: "size"},
}}

// The columns of txns.
const (
	txnIndex = iota
	txnTerm
	txnFile
	txnStart
	txnCommit
	txnAborted
)

var txns = &table{"txns", []column{
	txnIndex:   {name: "index"},
	txnTerm:    {name: "term", few: true},
	txnFile:    {name: "file", kind: text, few: true},
	txnStart:   {name: "start_ts", kind: unsigned},
	txnCommit:  {name: "commit_ts", kind: unsigned, optional: true},
	txnAborted: {name: "aborted", kind: boolean},
}}

// tables are all of them. The entries come last: see Log.
var tables = []*table{edges, txns, entries}

// schema is the table's for Parquet.
func (t *table) schema() *parquet.Schema {
	group := parquet.Group{}
	for _, c := range t.columns {
		group[c.name] = c.node()
	}
	return parquet.NewSchema(t.name, ordered{group, t})
}

func (c *column) node() parquet.Node {
	var n parquet.Node
	switch c.kind {
	case unsigned:
		n = parquet.Uint(64)
	case boolean:
		n = parquet.Leaf(parquet.BooleanType)
	case text:
		n = parquet.String()
	case blob:
		n = parquet.Leaf(parquet.ByteArrayType)
	case instant:
		n = parquet.Timestamp(parquet.Microsecond)
	default:
		n = parquet.Leaf(parquet.Int64Type)
	}
	switch {
	case c.few:
		n = parquet.Encoded(n, &parquet.RLEDictionary)
	case c.kind == integer || c.kind == instant:
		n = parquet.Encoded(n, &parquet.DeltaBinaryPacked)
	}
	if c.optional {
		n = parquet.Optional(n)
	}
	return n
}

// ordered is a group whose fields have the table's order. A parquet.Group sorts them by name.
type ordered struct {
	parquet.Group
	table *table
}

// Fields implements parquet.Node.
func (o ordered) Fields() []parquet.Field {
	byName := map[string]parquet.Field{}
	for _, f := range o.Group.Fields() {
		byName[f.Name()] = f
	}
	var fields []parquet.Field
	for _, c := range o.table.columns {
		fields = append(fields, byName[c.name])
	}
	return fields
}
