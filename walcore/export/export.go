package export

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
	"github.com/walfs/walfs/walcore/platform"
)

// The formats, which are the ends of the files' names.
const (
	Parquet = "parquet"
	CSV     = "csv"
)

// Options are what Log needs to know.
type Options struct {
	Folder  string          // what the tables' folders are in; it is made if it is not there
	Format  string          // Parquet or CSV
	Decoder payload.Decoder // it is used by two goroutines at once
	// Decoding says how Decoder decodes. A log file that was exported with another one
	// is written anew.
	Decoding    string
	ShowSecrets bool // in edges; the Decoder has been told already

	// Failed is told of each entry that cannot be read, and of gaps in the log. Such an
	// entry is a row without a payload.
	Failed func(error)
	// Progress, if it is not nil, is told how many bytes of payloads are exported, of how
	// many.
	Progress func(done, total int64)
}

// Result says what Log has done.
type Result struct {
	Written, Skipped     int // log files: those skipped were exported already
	Removed              int // log files whose entries a later leader has replaced
	Entries, Edges, Txns int // rows written
}

// Add adds what the next call has done: one that failed has written some log files, too, and
// the next one skips those.
func (r *Result) Add(more Result) {
	r.Skipped = max(more.Skipped-r.Written, 0)
	r.Written += more.Written
	r.Removed += more.Removed
	r.Entries += more.Entries
	r.Edges += more.Edges
	r.Txns += more.Txns
}

// Log exports a log, one log file after the other. A log file that is exported already, and
// has not changed since, is skipped. When ctx ends, or with an error, the log files that are
// done are whole, and the others as they were.
//
// It fails with walcore.ErrChanged if an entry has changed since the log was listed, so that the
// log has to be refreshed, and with walcore.ErrInUse if another process is exporting the
// same node to the folder.
func Log(ctx context.Context, log walcore.Log, o Options) (Result, error) {
	e := exporter{Options: &o, log: log, folders: map[string]bool{}}
	if err := e.makeFolders(); err != nil {
		return e.result, err
	}
	unlock, err := lock(filepath.Join(o.Folder, records, Place(log.Meta())))
	if err != nil {
		return e.result, err
	}
	defer unlock()
	err = e.files(ctx, sources(log, &o))
	for folder := range e.folders {
		if err == nil {
			err = platform.SyncPath(folder)
		}
	}
	return e.result, err
}

type exporter struct {
	*Options
	log         walcore.Log
	done, total int64
	folders     map[string]bool // that have new names
	result      Result
}

func (x *exporter) makeFolders() error {
	place := Place(x.log.Meta())
	for _, folder := range Folders(x.Folder) {
		if err := os.MkdirAll(filepath.Join(folder, place), 0o700); err != nil {
			return err
		}
	}
	return nil
}

func (x *exporter) files(ctx context.Context, all []*source) error {
	var todo []*source
	for _, s := range all {
		if s.exported(x.names(x.log.Meta(), s.file.Name)) {
			x.result.Skipped++
			continue
		}
		todo = append(todo, s)
		x.total += s.Bytes
	}
	for _, s := range todo {
		if err := x.file(ctx, s); err != nil {
			return err
		}
		x.result.Written++
	}
	return x.removeReplaced(all)
}

// file exports a log file. Its tables get their names one after the other, between the
// removal of the old record and the writing of the new one.
func (x *exporter) file(ctx context.Context, s *source) (err error) {
	names := x.names(x.log.Meta(), s.file.Name)
	writers := map[*table]*tableWriter{}
	defer func() {
		for _, w := range writers {
			if w.stop(); err != nil {
				w.out.abandon()
			}
		}
	}()
	for _, t := range tables {
		out, err := newUnfinished(names.tables[t])
		if err != nil {
			return err
		}
		writers[t] = newTableWriter(t, out, x.Decoder, x.sink(s))
	}
	r := rows{Options: x.Options, meta: x.log.Meta(), file: textValue(s.File), entries: writers[entries], edges: writers[edges], txns: writers[txns]}
	if err := x.entries(ctx, s, &r, writers); err != nil {
		return err
	}
	rec := record{Identity: s.identity, Unreadable: r.unreadable}
	for _, t := range tables {
		w := writers[t]
		if err := w.finish(); err != nil {
			return err
		}
		st, err := os.Stat(w.out.Name())
		if err != nil {
			return err
		}
		rec.Tables = append(rec.Tables, tableWritten{t.name, w.rows, st.Size()})
	}
	if err := os.Remove(names.record); err != nil && !os.IsNotExist(err) {
		return err
	}
	for _, t := range tables {
		if err := writers[t].out.finish(); err != nil {
			return err
		}
		x.folders[filepath.Dir(names.tables[t])] = true
	}
	x.folders[filepath.Dir(names.record)] = true
	x.result.Entries += writers[entries].rows
	x.result.Edges += writers[edges].rows
	x.result.Txns += writers[txns].rows
	return rec.write(names.record)
}

func (x *exporter) sink(s *source) func(*table, *bufio.Writer) sink {
	return func(t *table, out *bufio.Writer) sink {
		if x.Format == CSV {
			return newCSV(t, out)
		}
		return newParquet(t, out, string(s.json()))
	}
}

// entries makes the rows of a log file.
func (x *exporter) entries(ctx context.Context, s *source, r *rows, writers map[*table]*tableWriter) error {
	left := s.Entries
	for e := range x.log.Entries(s.First) {
		if e.File.ID != s.file.ID {
			continue
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%w before entry %d", context.Cause(ctx), e.Index)
		}
		if err := r.add(&e); err != nil {
			return err
		}
		if x.done += e.Size; x.Progress != nil {
			x.Progress(x.done, x.total)
		}
		if left--; left == 0 {
			break
		}
		for _, w := range writers {
			if w.failed.Load() {
				return nil // finish tells why
			}
		}
	}
	return nil
}
