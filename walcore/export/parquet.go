package export

import (
	"io"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/snappy"
)

// A row group ends with the batch that brings it to groupRows rows or groupBytes bytes.
// Engines read a row group as a whole, each by another thread; here, its compressed pages are
// held in memory.
const (
	groupRows  = 1 << 17
	groupBytes = 32 << 20
)

// maxDictionary bounds a column's dictionary, in bytes. Where a column has more values than
// fit, they are written in full.
const maxDictionary = 1 << 20

// sink is a format: it writes batches of a table to a file.
type sink interface {
	write(b *batch) error
	// close writes what comes last. It does not close the file.
	close() error
}

// codec compresses pages. It is the fastest: what a higher level saves, it takes in time.
var codec = &snappy.Codec{}

type parquetSink struct {
	w           *parquet.GenericWriter[any]
	rows, bytes int // of this row group
}

// newParquet makes the sink for a table. record is stored in the file, for people.
func newParquet(t *table, out io.Writer, record string) sink {
	options := []parquet.WriterOption{
		t.schema(),
		parquet.Compression(codec),
		parquet.DictionaryMaxBytes(maxDictionary),
		parquet.CreatedBy("walfs", "", ""),
		parquet.KeyValueMetadata("walfs", record),
	}
	for _, c := range t.columns {
		if c.large {
			options = append(options, parquet.SkipPageBounds(c.name), parquet.SkipPageStatistics(c.name))
		}
	}
	return &parquetSink{w: parquet.NewGenericWriter[any](out, options...)}
}

func (p *parquetSink) write(b *batch) error {
	for i, c := range p.w.ColumnWriters() {
		if _, err := c.WriteRowValues(b.columns[i]); err != nil {
			return err
		}
	}
	p.rows += b.rows
	p.bytes += b.size
	if p.rows < groupRows && p.bytes < groupBytes {
		return nil
	}
	p.rows, p.bytes = 0, 0
	return p.w.Flush()
}

func (p *parquetSink) close() error { return p.w.Close() }
