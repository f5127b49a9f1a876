package stats

import (
	"cmp"
	"slices"
	"time"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
)

// What bounds the memory of a Table: the values that have a row of their own, and the
// bytes of their names.
const (
	maxRows      = 10_000
	maxNameBytes = 16 << 20
)

// Table adds entries up. One goroutine may use it.
type Table struct {
	By    By
	Total Sum   // of all entries; see By.SumsUp
	Dead  Sum   // of them, those that are dead
	Timed int64 // by Hour: entries whose time is stored; of the others it is their log file's

	snapshot  uint64
	rows      map[key]*Row
	nameBytes int
	last      *Row // that was asked for last: entries of one file or term follow one another

	namespaces []uint64 // kept from one entry to the next for its memory

	// What was found out last of a log file.
	file     *walcore.File
	fileHour int64
}

// NewTable makes an empty table. Entries with an index of at most snapshot are dead.
func NewTable(by By, snapshot uint64) *Table {
	return &Table{By: by, snapshot: snapshot, rows: map[key]*Row{}}
}

// AddFile makes a row for a log file, also if no entry of it is added. It does nothing but
// by File. Files are added in the log's order, each once, before the entries. The row of one
// that is not has no FileBytes and DiskBytes.
func (t *Table) AddFile(f *walcore.File) {
	if t.By == File {
		r := t.fileRow(f)
		r.FileBytes += f.Attr.Size
		r.DiskBytes += f.Attr.DiskBytes()
	}
}

// Add adds an entry. Entries come by index. f is what the entry says: nil where that is
// not known. It is not looked at where By needs no facts.
func (t *Table) Add(e *walcore.Entry, f *payload.Facts) {
	dead := e.Index <= t.snapshot
	t.Total.add(1, e.Size)
	if dead {
		t.Dead.add(1, e.Size)
	}
	switch {
	case t.By == File:
		t.fileRow(e.File).add(e.Size, dead)
	case t.By == Term:
		t.row(key{n: e.Term}, int64(e.Term)).add(e.Size, dead)
	case t.By == Size:
		k := sizeKey(e)
		t.row(k, int64(k.n)).add(e.Size, dead)
	case t.By == Hour:
		hour := t.hour(e)
		t.row(key{n: uint64(hour)}, hour).add(e.Size, dead)
	case f == nil:
		t.row(key{kind: unreadable}, 0).add(e.Size, dead)
	case t.By == Kind:
		t.row(key{s: f.Kind}, 0).add(e.Size, dead)
	case t.By == Predicate:
		t.addPredicates(e, f, dead)
	case t.By == Member:
		k := key{kind: none}
		if id, ok := f.Proposer(); ok {
			k = key{n: id}
		}
		t.row(k, 0).add(e.Size, dead)
	case t.By == Namespace:
		t.addNamespaces(e, f, dead)
	}
}

func (t *Table) addPredicates(e *walcore.Entry, f *payload.Facts, dead bool) {
	found := false
	for i := range f.Predicates {
		p := &f.Predicates[i]
		if p.Edges == 0 {
			continue
		}
		found = true
		r := t.row(key{s: p.Name}, 0)
		r.add(int64(p.Bytes), dead)
		r.Edges += int64(p.Edges)
		r.Deletes += int64(p.Deletes)
	}
	if !found {
		t.row(key{kind: none}, 0).add(e.Size, dead)
	}
}

func (t *Table) addNamespaces(e *walcore.Entry, f *payload.Facts, dead bool) {
	t.namespaces = f.AppendNamespaces(t.namespaces[:0])
	for _, ns := range t.namespaces {
		t.row(key{n: ns}, 0).add(e.Size, dead)
	}
	if len(t.namespaces) == 0 {
		t.row(key{kind: none}, 0).add(e.Size, dead)
	}
}

// hour is the hour of an entry, in Unix seconds. Most systems have one time for all
// entries of a log file.
func (t *Table) hour(e *walcore.Entry) int64 {
	if t.file == e.File {
		return t.fileHour
	}
	at, stored := e.Time()
	if stored {
		t.Timed++
	}
	hour := at.UTC().Truncate(time.Hour).Unix()
	if _, timed := e.File.Source.(walcore.Timer); !timed {
		t.file, t.fileHour = e.File, hour
	}
	return hour
}

// fileRow finds the row of a log file. Rows are in the order in which files were seen.
func (t *Table) fileRow(f *walcore.File) *Row {
	return t.row(key{n: f.ID, s: f.Name}, int64(len(t.rows)))
}

// row finds the row of a value, or makes one.
func (t *Table) row(k key, order int64) *Row {
	if t.last != nil && t.last.key == k {
		return t.last
	}
	r := t.rows[k]
	if r == nil && k.kind == value && (len(t.rows) >= maxRows || t.nameBytes+len(k.s) > maxNameBytes) {
		k = key{kind: more}
		r = t.rows[k]
	}
	if r == nil {
		r = &Row{Name: k.name(t.By), key: k, order: order}
		t.rows[k] = r
		t.nameBytes += len(k.s)
	}
	t.last = r
	return r
}

// Merge adds the entries of a table of the same kind, which come behind those of t.
func (t *Table) Merge(next *Table) {
	t.Total.add(next.Total.Entries, next.Total.Bytes)
	t.Dead.add(next.Dead.Entries, next.Dead.Bytes)
	t.Timed += next.Timed
	for _, r := range next.Rows() {
		order := r.order
		if t.By == File {
			order = int64(len(t.rows))
		}
		t.row(r.key, order).merge(&r)
	}
}

// Rows gives the rows: terms, files, sizes and hours in their order, others by bytes, most
// first. What stands for all other values comes last.
func (t *Table) Rows() []Row {
	rows := make([]Row, 0, len(t.rows))
	for _, r := range t.rows {
		rows = append(rows, *r)
	}
	slices.SortFunc(rows, t.inOrder)
	return rows
}

// Top gives the n of Rows that have most bytes, in the order of Rows, and how many are left
// off. With an n of 0 or less it gives all.
func (t *Table) Top(n int) (rows []Row, left int) {
	rows = t.Rows()
	if n <= 0 || n >= len(rows) {
		return rows, 0
	}
	left = len(rows) - n
	slices.SortStableFunc(rows, byBytes)
	rows = rows[:n]
	slices.SortFunc(rows, t.inOrder)
	return rows, left
}

func (t *Table) inOrder(a, b Row) int {
	order := byBytes(a, b)
	if t.By.natural() {
		order = cmp.Compare(a.order, b.order)
	}
	return cmp.Or(compareBool(a.key.kind == more, b.key.kind == more), order,
		cmp.Compare(a.key.n, b.key.n), cmp.Compare(a.Name, b.Name), cmp.Compare(a.key.kind, b.key.kind))
}

// byBytes puts the row with most bytes first, or where they are equal, with most entries.
func byBytes(a, b Row) int {
	return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(b.Entries, a.Entries))
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
