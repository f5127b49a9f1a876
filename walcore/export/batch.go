package export

import (
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/walfs/walfs/walcore/payload"
)

// A batch is handed on once it has maxRows rows or maxBytes of texts and payloads.
const (
	maxRows  = 2048
	maxBytes = 2 << 20
)

// batch is rows of a table, column by column. What is not set in a row is null.
type batch struct {
	table   *table
	columns [][]parquet.Value
	later   []payload.Entry // an entry a row: what finish is to decode
	rows    int
	bytes   []byte // the texts and payloads of the values
	size    int    // about how much all of it takes, in bytes
}

func newBatch(t *table) *batch {
	return &batch{table: t, columns: make([][]parquet.Value, len(t.columns))}
}

func (b *batch) reset() {
	for i := range b.columns {
		b.columns[i] = b.columns[i][:0]
	}
	if cap(b.bytes) > 2*maxBytes { // one entry was large
		b.bytes = nil
	}
	clear(b.later) // they hold payloads
	b.rows, b.bytes, b.size, b.later = 0, b.bytes[:0], 0, b.later[:0]
}

// full reports whether the batch is to be handed on.
func (b *batch) full() bool { return b.rows >= maxRows || len(b.bytes) >= maxBytes }

// endRow ends a row.
func (b *batch) endRow() {
	b.rows++
	for i := range b.columns {
		if len(b.columns[i]) < b.rows {
			b.columns[i] = append(b.columns[i], parquet.Value{})
		}
	}
	b.size += 8 * len(b.columns)
}

// set sets a column of the row that is being made. A value is told from a null by its level.
func (b *batch) set(column int, v parquet.Value) {
	if b.table.columns[column].optional {
		v = v.Level(0, 1, column)
	}
	b.columns[column] = append(b.columns[column], v)
}

func (b *batch) integer(column int, n int64)   { b.set(column, parquet.Int64Value(n)) }
func (b *batch) unsigned(column int, n uint64) { b.set(column, parquet.Int64Value(int64(n))) }
func (b *batch) boolean(column int, yes bool)  { b.set(column, parquet.BooleanValue(yes)) }

func (b *batch) instant(column int, t time.Time) {
	b.set(column, parquet.Int64Value(t.UnixMicro()))
}

func (b *batch) text(column int, s string) {
	from := len(b.bytes)
	b.bytes = append(b.bytes, s...)
	b.since(column, from)
}

// copy sets a column to a copy of data, and gives that.
func (b *batch) copy(column int, data []byte) []byte {
	from := len(b.bytes)
	b.bytes = append(b.bytes, data...)
	return b.since(column, from)
}

// since sets a column to the bytes that were appended since there were from of them.
// Where appending has moved them, earlier values keep what they had.
func (b *batch) since(column, from int) []byte {
	value := b.bytes[from:len(b.bytes):len(b.bytes)]
	b.size += len(value)
	b.set(column, parquet.ByteArrayValue(value))
	return value
}
