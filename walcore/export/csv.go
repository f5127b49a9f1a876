package export

import (
	"encoding/base64"
	"encoding/csv"
	"io"
	"strconv"
	"time"

	"github.com/parquet-go/parquet-go"
)

type csvSink struct {
	table  *table
	w      *csv.Writer
	record []string
}

func newCSV(t *table, out io.Writer) sink {
	s := &csvSink{table: t, w: csv.NewWriter(out), record: make([]string, len(t.columns))}
	for i, c := range t.columns {
		s.record[i] = c.name
	}
	_ = s.w.Write(s.record) // the writer keeps its error for Flush
	return s
}

func (s *csvSink) write(b *batch) error {
	for row := range b.rows {
		for i, c := range s.table.columns {
			s.record[i] = field(c.kind, &b.columns[i][row])
		}
		if err := s.w.Write(s.record); err != nil {
			return err
		}
	}
	return nil
}

func field(k kind, v *parquet.Value) string {
	if v.IsNull() {
		return ""
	}
	switch k {
	case unsigned:
		return strconv.FormatUint(v.Uint64(), 10)
	case boolean:
		return strconv.FormatBool(v.Boolean())
	case text:
		return string(v.ByteArray())
	case blob:
		return base64.StdEncoding.EncodeToString(v.ByteArray())
	case instant:
		return time.UnixMicro(v.Int64()).UTC().Format("2006-01-02T15:04:05.000000Z")
	}
	return strconv.FormatInt(v.Int64(), 10)
}

func (s *csvSink) close() error {
	s.w.Flush()
	return s.w.Error()
}
