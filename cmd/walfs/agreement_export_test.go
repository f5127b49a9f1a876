package main

import (
	"encoding/csv"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
)

// exportAgrees: the rows of the exported tables add up to the same.
func exportAgrees(t *testing.T, l agreementLog, want *tally) {
	t.Helper()
	out := t.TempDir()
	r := walfs(t, "export", "--format", "csv", "--out", out, "--key-file", l.keyFile, l.dir)
	if r.code != 0 {
		t.Fatalf("export: exit code %d\n%s", r.code, r.stderr)
	}
	got := newTally()
	eachRow(t, filepath.Join(out, "entries"), func(row csvRow) { got.addExported(row) })
	eachRow(t, filepath.Join(out, "edges"), func(row csvRow) {
		got.addPredicate(row["predicate"], row["op"] == "DEL", row.number("size"))
	})
	eachRow(t, filepath.Join(out, "txns"), func(row csvRow) {
		if row["aborted"] == "true" {
			got.aborts++
		} else {
			got.commits++
		}
	})
	if got.all.entries != want.all.entries || got.all.bytes != want.all.bytes || got.all.edges.edges != want.all.edges.edges ||
		got.all.edges.deletes != want.all.edges.deletes || got.commits != want.commits || got.aborts != want.aborts {
		t.Errorf("export has %+v, %d commits, %d aborts; want %+v, %d, %d", got.all, got.commits, got.aborts, want.all, want.commits, want.aborts)
	}
	for _, by := range []string{"kind", "file", "term", "member"} {
		if got, want := got.entriesBy(by), want.entriesBy(by); !reflect.DeepEqual(got, want) {
			t.Errorf("export has by %s %v, want %v", by, got, want)
		}
	}
	edges := map[string]sizes{}
	for name, w := range want.by["predicate"] {
		edges[asUTF8(name)] = w.edges
	}
	exported := map[string]sizes{}
	for name, w := range got.by["predicate"] {
		exported[name] = w.edges
	}
	if !reflect.DeepEqual(exported, edges) {
		t.Errorf("export has edges %v, want %v", exported, edges)
	}
}

// addExported adds a row of entries.
func (c *tally) addExported(row csvRow) {
	line := &jsonLine{Term: uint64(row.number("term")), Size: int64(row.number("size")), File: row["file"]}
	s := &said{kind: row["kind"], proposer: uint64(row.number("proposer")),
		edges: sizes{edges: row.number("edges"), deletes: row.number("deletes")}}
	c.add(line, s)
}

func (c *tally) addPredicate(name string, deletes bool, bytes int) {
	if c.by["predicate"] == nil {
		c.by["predicate"] = map[string]*weight{}
	}
	if c.by["predicate"][name] == nil {
		c.by["predicate"][name] = &weight{}
	}
	c.by["predicate"][name].edges.add(deletes, bytes)
}

// csvRow is a row of a table, by the names of the columns.
type csvRow map[string]string

// number is a column's number, or 0 where it has none.
func (r csvRow) number(column string) int {
	n, _ := strconv.Atoi(r[column])
	return n
}

// eachRow goes through the rows of all files of a table.
func eachRow(t *testing.T, table string, fn func(csvRow)) {
	t.Helper()
	fixture.Must(t, filepath.WalkDir(table, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".csv") {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		return rowsOf(csv.NewReader(f), fn)
	}))
}

func rowsOf(r *csv.Reader, fn func(csvRow)) error {
	names, err := r.Read()
	if err != nil {
		return err
	}
	for {
		values, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		row := csvRow{}
		for i, name := range names {
			row[name] = values[i]
		}
		fn(row)
	}
}
