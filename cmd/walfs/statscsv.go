package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"

	"github.com/walfs/walfs/walcore/stats"
	"github.com/walfs/walfs/walcore/sums"
)

// csvColumns are those of --format csv.
var csvColumns = []string{"by", "name", "entries", "bytes", "dead_entries", "dead_bytes", "live_entries", "live_bytes",
	"edges", "deletes", "file_bytes", "disk_bytes"}

// printCSV prints the rows of all tables. What a table does not have, and what is not
// known, is empty.
func (a *adding) printCSV(stdout io.Writer) error {
	w := csv.NewWriter(stdout)
	w.Write(csvColumns) // Flush keeps its error, and those below
	report := a.Report(a.top)
	for _, t := range a.Tables {
		for _, r := range report.By[t.By] {
			w.Write(csvFields(t.By, &r))
		}
	}
	w.Flush()
	return w.Error()
}

func csvFields(by stats.By, r *sums.Row) []string {
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
