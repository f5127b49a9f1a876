package sums

import "github.com/walfs/walfs/walcore/stats"

// Report is the figures for programs: its JSON is what walfs stats --json prints. A null is a
// value that is not known.
type Report struct {
	stats.Sum
	SnapshotIndex *uint64    `json:"snapshot_index"`
	Dead          *stats.Sum `json:"dead"` // at or below the snapshot
	Live          *stats.Sum `json:"live"`
	// Unreadable is how many entries cannot be read; null where no payload was.
	Unreadable *int64 `json:"unreadable"`
	// HourOf is what the rows by hour go by: entry, log_file, or entry_or_log_file where
	// only some entries have a time.
	HourOf string             `json:"hour_of,omitempty"`
	By     map[stats.By][]Row `json:"by"`
	// LeftOff is how many rows each table has beyond those of By.
	LeftOff map[stats.By]int `json:"left_off,omitempty"`
}

// Row is a row of a table in a Report.
type Row struct {
	Name string `json:"name"`
	stats.Sum
	Dead      *stats.Sum `json:"dead"`
	Live      *stats.Sum `json:"live"`
	Edges     *int64     `json:"edges,omitempty"`
	Deletes   *int64     `json:"deletes,omitempty"`
	FileBytes *int64     `json:"file_bytes,omitempty"`
	DiskBytes *int64     `json:"disk_bytes,omitempty"`
}

// Report gives the figures for programs, with at most top rows a table, those that have most
// bytes; all of them where top is 0 or less.
func (s *Sums) Report(top int) *Report {
	t := s.Tables[0]
	r := &Report{Sum: t.Total, SnapshotIndex: s.Snapshot, By: map[stats.By][]Row{}, LeftOff: map[stats.By]int{}}
	r.Dead, r.Live = s.DeadAndLive(t.Total, t.Dead)
	if s.PayloadsRead {
		r.Unreadable = &s.Unreadable
	}
	for _, t := range s.Tables {
		rows, left := t.Top(top)
		out := make([]Row, 0, len(rows))
		for i := range rows {
			out = append(out, s.row(t.By, &rows[i]))
		}
		r.By[t.By] = out
		if left > 0 {
			r.LeftOff[t.By] = left
		}
		if t.By == stats.Hour {
			r.HourOf = hourOf(t)
		}
	}
	return r
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

// DeadAndLive gives both parts of a sum, nil if it is not known what is dead.
func (s *Sums) DeadAndLive(sum, dead stats.Sum) (d, l *stats.Sum) {
	if s.Snapshot == nil {
		return nil, nil
	}
	live := sum.Minus(dead)
	return &dead, &live
}

func (s *Sums) row(by stats.By, r *stats.Row) Row {
	out := Row{Name: r.Name, Sum: r.Sum}
	out.Dead, out.Live = s.DeadAndLive(r.Sum, r.Dead)
	switch by {
	case stats.Predicate:
		out.Edges, out.Deletes = &r.Edges, &r.Deletes
	case stats.File:
		out.FileBytes, out.DiskBytes = &r.FileBytes, &r.DiskBytes
	}
	return out
}
