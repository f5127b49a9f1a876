package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"

	"github.com/walfs/walfs/walcore/stats"
)

// statsReport is what --json prints. A null is a value that is not known.
type statsReport struct {
	stats.Sum
	SnapshotIndex *uint64    `json:"snapshot_index"`
	Dead          *stats.Sum `json:"dead"` // at or below the snapshot
	Live          *stats.Sum `json:"live"`
	// Unreadable is how many entries cannot be read; null where no payload was.
	Unreadable *int64 `json:"unreadable"`
	// HourOf is what the rows by hour go by: entry, log_file, or entry_or_log_file where
	// only some entries have a time.
	HourOf string                `json:"hour_of,omitempty"`
	By     map[stats.By][]rowOut `json:"by"`
	// LeftOff is how many rows --top has left off.
	LeftOff map[stats.By]int `json:"left_off,omitempty"`
}

// rowOut is a row of a table in JSON.
type rowOut struct {
	Name string `json:"name"`
	stats.Sum
	Dead      *stats.Sum `json:"dead"`
	Live      *stats.Sum `json:"live"`
	Edges     *int64     `json:"edges,omitempty"`
	Deletes   *int64     `json:"deletes,omitempty"`
	FileBytes *int64     `json:"file_bytes,omitempty"`
	DiskBytes *int64     `json:"disk_bytes,omitempty"`
}

func (a *adding) printJSON(stdout io.Writer) error {
	t := a.tables[0] // the totals of all are alike
	r := statsReport{Sum: t.Total, By: map[stats.By][]rowOut{}, LeftOff: map[stats.By]int{}}
	if index, known := snapshotIndex(a.log); known {
		r.SnapshotIndex = &index
	}
	r.Dead, r.Live = a.deadAndLive(t.Total, t.Dead)
	if a.decoder != nil {
		r.Unreadable = &a.unreadable
	}
	for _, t := range a.tables {
		rows, left := t.Top(a.top)
		out := make([]rowOut, 0, len(rows))
		for i := range rows {
			out = append(out, a.rowOut(t.By, &rows[i]))
		}
		r.By[t.By] = out
		if left > 0 {
			r.LeftOff[t.By] = left
		}
		if t.By == stats.Hour {
			r.HourOf = hourOf(t)
		}
	}
	return printJSON(stdout, r)
}

// hourOf says what the hours of a table are those of.
func hourOf(t *stats.Table) string {
	switch t.Timed {
	case 0:
		return "log_file"
	case t.Total.Entries:
		return "entry"
	}
	return "entry_or_log_file"
}

// deadAndLive gives both parts of a sum, nil if it is not known what is dead.
func (a *adding) deadAndLive(sum, dead stats.Sum) (d, l *stats.Sum) {
	if _, known := snapshotIndex(a.log); !known {
		return nil, nil
	}
	live := sum.Minus(dead)
	return &dead, &live
}

func (a *adding) rowOut(by stats.By, r *stats.Row) rowOut {
	out := rowOut{Name: r.Name, Sum: r.Sum}
	out.Dead, out.Live = a.deadAndLive(r.Sum, r.Dead)
	switch by {
	case stats.Predicate:
		out.Edges, out.Deletes = &r.Edges, &r.Deletes
	case stats.File:
		out.FileBytes, out.DiskBytes = &r.FileBytes, &r.DiskBytes
	}
	return out
}

// csvColumns are those of --format csv.
var csvColumns = []string{"by", "name", "entries", "bytes", "dead_entries", "dead_bytes", "live_entries", "live_bytes",
	"edges", "deletes", "file_bytes", "disk_bytes"}

// printCSV prints the rows of all tables. What a table does not have, and what is not
// known, is empty.
func (a *adding) printCSV(stdout io.Writer) error {
	w := csv.NewWriter(stdout)
	w.Write(csvColumns) // Flush keeps its error, and those below
	for _, t := range a.tables {
		rows, _ := t.Top(a.top)
		for i := range rows {
			w.Write(a.rowOut(t.By, &rows[i]).csv(t.By))
		}
	}
	w.Flush()
	return w.Error()
}

func (r rowOut) csv(by stats.By) []string {
	fields := []string{string(by), strings.ToValidUTF8(r.Name, "\uFFFD"), fmt.Sprint(r.Entries), fmt.Sprint(r.Bytes)}
	for _, s := range []*stats.Sum{r.Dead, r.Live} {
		if s == nil {
			fields = append(fields, "", "")
		} else {
			fields = append(fields, fmt.Sprint(s.Entries), fmt.Sprint(s.Bytes))
		}
	}
	for _, n := range []*int64{r.Edges, r.Deletes, r.FileBytes, r.DiskBytes} {
		field := ""
		if n != nil {
			field = fmt.Sprint(*n)
		}
		fields = append(fields, field)
	}
	return fields
}
