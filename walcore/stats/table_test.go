package stats

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/memlog"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/payload"
)

// tables makes a Table by each By of all entries of a log.
func tables(t *testing.T, log walcore.Log, snapshot uint64) map[By]*Table {
	t.Helper()
	all := map[By]*Table{}
	for _, by := range All {
		all[by] = NewTable(by, snapshot)
		if filer, ok := log.(walcore.Filer); ok {
			for _, f := range filer.Files() {
				all[by].AddFile(f)
			}
		}
	}
	decoder := payload.NewDgraph(payload.AppOf(log), payload.Options{})
	var scanner walcore.Scanner
	var f payload.Facts
	for e := range log.Entries(1) {
		data, err := payload.Data(&scanner, &e)
		if err != nil {
			t.Fatal(err)
		}
		decoder.Facts(&f, payload.EntryOf(&e, data))
		for _, by := range All {
			all[by].Add(&e, &f)
		}
	}
	return all
}

// text is rows as a test names them.
func text(rows []Row) []string {
	var all []string
	for _, r := range rows {
		all = append(all, fmt.Sprintf("%s %d/%d dead %d/%d", r.Name, r.Entries, r.Bytes, r.Dead.Entries, r.Dead.Bytes))
	}
	return all
}

// TestRows: what a log in memory adds up to, by everything. It has entries that know their
// time, and one that does not.
func TestRows(t *testing.T) {
	all := tables(t, memlog.Sample("w"), 8)
	for by, want := range map[By][]string{
		Kind:      {"text 3/24 dead 1/9", "conf_change 1/2 dead 0/0", "empty 1/0 dead 1/0"},
		Predicate: {"(none) 5/26 dead 2/9"},
		File:      {"00000000000000000001-0000000000000abd.seg 3/17 dead 2/9", "00000000000000000002-0000000000000abe.seg 2/9 dead 0/0"},
		Term:      {"1 2/9 dead 2/9", "2 2/10 dead 0/0", "5 1/7 dead 0/0"},
		Member:    {"(none) 5/26 dead 2/9"},
		Namespace: {"(none) 5/26 dead 2/9"},
		Size:      {"0 1/0 dead 1/0", "2-3 1/2 dead 0/0", "4-7 1/7 dead 0/0", "8-15 2/17 dead 1/9"},
		Hour:      {"2001-09-09T01:00:00Z 1/7 dead 0/0", "2026-03-01T12:00:00Z 4/19 dead 2/9"},
	} {
		if got := text(all[by].Rows()); !slices.Equal(got, want) {
			t.Errorf("by %s: %q, want %q", by, got, want)
		}
		if timed := all[by].Timed; by == Hour && timed != 4 {
			t.Errorf("%d entries have a time", timed)
		}
		if all[by].Total != (Sum{5, 26}) || all[by].Dead != (Sum{2, 9}) {
			t.Errorf("by %s: total %v, dead %v", by, all[by].Total, all[by].Dead)
		}
	}
}

// TestMerge: tables of one part of a log after the other are merged to the table of all of
// it, within the same bounds.
func TestMerge(t *testing.T) {
	log := memlog.Sample("w")
	for by, whole := range tables(t, log, 8) {
		merged := NewTable(by, 8)
		for _, f := range log.Files() {
			merged.AddFile(f)
		}
		decoder := payload.NewDgraph(payload.Zero, payload.Options{})
		for e := range log.Entries(1) {
			part := NewTable(by, 8)
			data, err := e.Data()
			fixture.Must(t, err)
			var f payload.Facts
			decoder.Facts(&f, payload.EntryOf(&e, data))
			part.Add(&e, &f)
			merged.Merge(part)
		}
		if got, want := merged.Rows(), whole.Rows(); !slices.Equal(got, want) || merged.Total != whole.Total || merged.Dead != whole.Dead || merged.Timed != whole.Timed {
			t.Errorf("by %s: merged %+v, want %+v", by, got, want)
		}
	}
	merged := NewTable(Predicate, 0)
	for i := range 3 {
		part := NewTable(Predicate, 0)
		for k := range maxRows - 1 {
			part.Add(&walcore.Entry{Index: uint64(i*maxRows + k + 1)}, &payload.Facts{Predicates: []payload.Predicate{
				{Name: fmt.Sprint(i, k), Edges: 2, Deletes: 1, Bytes: 1}}})
		}
		merged.Merge(part)
	}
	rows := merged.Rows()
	if last := rows[len(rows)-1]; len(rows) != maxRows+1 || last.Name != MoreName || last.Entries != 2*maxRows-3 || last.Edges != 2*last.Entries || last.Deletes != last.Entries {
		t.Errorf("%d rows, the last %+v", len(rows), last)
	}
}

// TestFixturesSumUp: the rows of every table add up to what the manifest says.
func TestFixturesSumUp(t *testing.T) {
	fixture.NotForRace(t)
	for _, name := range fixture.All() {
		log, err := dgraph.OpenReader(fixture.Dir(t, name), dgraph.ReaderOptions{Key: fixture.Key(name)})
		if err != nil {
			t.Fatal(err)
		}
		defer log.Close()
		m := fixture.ReadManifest(t, name)
		var total, dead Sum
		for _, e := range m.Entries {
			total.Entries++
			total.Bytes += e.Size
			if e.Index <= m.Meta.SnapshotIndex {
				dead.Entries++
				dead.Bytes += e.Size
			}
		}
		for by, table := range tables(t, log, m.Meta.SnapshotIndex) {
			var sum, sumDead Sum
			for _, r := range table.Rows() {
				sum = Sum{sum.Entries + r.Entries, sum.Bytes + r.Bytes}
				sumDead = Sum{sumDead.Entries + r.Dead.Entries, sumDead.Bytes + r.Dead.Bytes}
			}
			if table.Total != total || table.Dead != dead {
				t.Errorf("%s by %s: %v, dead %v, want %v, dead %v", name, by, table.Total, table.Dead, total, dead)
			}
			if by.SumsUp() && (sum != total || sumDead != dead) {
				t.Errorf("%s by %s: rows add up to %v, dead %v, want %v, dead %v", name, by, sum, sumDead, total, dead)
			}
			if !by.SumsUp() && sum.Entries < total.Entries {
				t.Errorf("%s by %s: an entry is in no row", name, by)
			}
		}
	}
}

// TestFilesWithoutEntries: a log file has a row and its sizes even if nothing is in it.
func TestFilesWithoutEntries(t *testing.T) {
	table := NewTable(File, 0)
	table.AddFile(&walcore.File{ID: 2, Name: "b", Attr: walcore.Attr{Size: 4096, Blocks: 3}})
	table.AddFile(&walcore.File{ID: 1, Name: "a", Attr: walcore.Attr{Size: 7, Blocks: 1}})
	rows := table.Rows()
	if got := text(rows); !slices.Equal(got, []string{"b 0/0 dead 0/0", "a 0/0 dead 0/0"}) || rows[0].FileBytes != 4096 || rows[0].DiskBytes != 1536 {
		t.Errorf("%q, %+v", got, rows)
	}
}

// TestPredicates: an entry counts once for each of its predicates, with the bytes of their
// edges; predicates that it only names do not count, and what cannot be read is told apart.
func TestPredicates(t *testing.T) {
	table := NewTable(Predicate, 1)
	table.Add(&walcore.Entry{Index: 1, Size: 100}, &payload.Facts{Predicates: []payload.Predicate{
		{Name: "0-a", Edges: 3, Deletes: 1, Bytes: 30}, {Name: "0-b", Edges: 1, Bytes: 50}, {Name: "0-c"}}})
	table.Add(&walcore.Entry{Index: 2, Size: 60}, &payload.Facts{Predicates: []payload.Predicate{{Name: "0-a", Edges: 1, Bytes: 21}}})
	table.Add(&walcore.Entry{Index: 3, Size: 10}, &payload.Facts{Predicates: []payload.Predicate{{Name: "0-c"}}})
	table.Add(&walcore.Entry{Index: 4, Size: 5}, nil)
	rows := table.Rows()
	want := []string{"0-a 2/51 dead 1/30", "0-b 1/50 dead 1/50", "(none) 1/10 dead 0/0", "(unreadable) 1/5 dead 0/0"}
	if got := text(rows); !slices.Equal(got, want) || rows[0].Edges != 4 || rows[0].Deletes != 1 {
		t.Errorf("%q, %+v", got, rows)
	}
	top, rest := table.Top(3)
	if got := text(top); !slices.Equal(got, want[:3]) || rest != 1 {
		t.Errorf("the first 3 rows are %q, %d more", got, rest)
	}
	for _, n := range []int{0, 4, 5} {
		if top, rest := table.Top(n); len(top) != 4 || rest != 0 {
			t.Errorf("top %d: %d rows, %d more", n, len(top), rest)
		}
	}
}

// TestTop: the rows with most bytes are given in the order in which all are.
func TestTop(t *testing.T) {
	table := NewTable(Term, 0)
	for term, size := range map[uint64]int64{1: 50, 2: 7, 3: 60, 4: 7} {
		table.Add(&walcore.Entry{Index: term, Term: term, Size: size}, nil)
	}
	for n, want := range [][]string{1: {"3"}, 2: {"1", "3"}, 3: {"1", "2", "3"}, 4: {"1", "2", "3", "4"}} {
		var got []string
		rows, left := table.Top(n)
		for _, r := range rows {
			got = append(got, r.Name)
		}
		if n > 0 && (!slices.Equal(got, want) || left != 4-n) {
			t.Errorf("top %d: %q, %d left off", n, got, left)
		}
	}
}

// TestBounds: beyond the bounds of memory, values share a row.
func TestBounds(t *testing.T) {
	fixture.NotForRace(t)
	table := NewTable(Predicate, 0)
	for i := range maxRows + 10 {
		table.Add(&walcore.Entry{Index: uint64(i + 1), Size: 9}, &payload.Facts{Predicates: []payload.Predicate{
			{Name: fmt.Sprint("a", i), Edges: 1, Bytes: 1}, {Name: fmt.Sprint("b", i), Edges: 1, Bytes: 1}}})
	}
	rows := table.Rows()
	last := rows[len(rows)-1]
	if beyond := int64(maxRows + 20); len(rows) != maxRows+1 || last.Name != MoreName || last.Sum != (Sum{beyond, beyond}) || last.Edges != beyond {
		t.Errorf("%d rows, the last %+v", len(rows), last)
	}
	names := NewTable(Predicate, 0)
	for i := range 40 {
		name := strings.Repeat(fmt.Sprint(i%10), 1<<20) + fmt.Sprint(i)
		names.Add(&walcore.Entry{Index: uint64(i + 1)}, &payload.Facts{Predicates: []payload.Predicate{{Name: name, Edges: 1, Bytes: 1}}})
	}
	if n := len(names.Rows()); n != 16 {
		t.Errorf("%d rows of names of 1 MiB", n)
	}
}

// TestNamesThatStandForNone: a predicate that is called like a row for no value has a row of
// its own.
func TestNamesThatStandForNone(t *testing.T) {
	table := NewTable(Predicate, 0)
	table.Add(&walcore.Entry{Index: 1, Size: 1}, &payload.Facts{})
	table.Add(&walcore.Entry{Index: 2, Size: 8}, &payload.Facts{Predicates: []payload.Predicate{{Name: NoneName, Edges: 1, Bytes: 5}}})
	if got := text(table.Rows()); !slices.Equal(got, []string{"(none) 1/5 dead 0/0", "(none) 1/1 dead 0/0"}) {
		t.Errorf("%q", got)
	}
}

// TestSizeNames: each size is in the row that says so, up to the largest.
func TestSizeNames(t *testing.T) {
	for size, want := range map[int64]string{0: "0", 1: "1", 2: "2-3", 3: "2-3", 4: "4-7", 1023: "512-1023", 1024: "1024-2047",
		1<<63 - 1: "4611686018427387904-9223372036854775807"} {
		if got := sizeKey(&walcore.Entry{Size: size}).name(Size); got != want {
			t.Errorf("%d bytes are in %q, want %q", size, got, want)
		}
	}
}

// TestTimeOfCopies: a copied log file was created after its last write, which is what tells.
func TestTimeOfCopies(t *testing.T) {
	at := func(hour int) time.Time { return time.Date(2026, 5, 4, hour, 30, 0, 0, time.UTC) }
	written := &walcore.File{Attr: walcore.Attr{Born: at(3), Mtime: at(9)}}
	copied := &walcore.File{Attr: walcore.Attr{Born: at(20), Mtime: at(10)}}
	table := NewTable(Hour, 0)
	table.Add(&walcore.Entry{Index: 1, File: copied}, nil)
	table.Add(&walcore.Entry{Index: 2, File: written}, nil)
	table.Add(&walcore.Entry{Index: 3, File: written}, nil)
	if got := text(table.Rows()); !slices.Equal(got, []string{"2026-05-04T03:00:00Z 2/0 dead 0/0", "2026-05-04T10:00:00Z 1/0 dead 0/0"}) {
		t.Errorf("%q", got)
	}
}
