package main

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/walfs/walfs/cmd/walfs/docs/examples"
	"github.com/walfs/walfs/test/fixture"
)

// sqlBlock is a question in a page and the table behind it, which is the answer.
var sqlBlock = regexp.MustCompile("(?s)```sql\n(.*?)```\n\n((?:\\|[^\n]*\n)*)")

// TestDocsSQL: DuckDB answers the questions in the page on querying, and in README.md, as
// those have it. With -rewrite that is written there.
func TestDocsSQL(t *testing.T) {
	fixture.NotForRace(t)
	if !fixture.Has("cluster-node0") {
		t.Skip("the cluster's logs are not here")
	}
	s := session(t)
	db := newDuckDB(t, s.Home())
	for _, e := range examples.Parse(string(fixture.ReadFile(t, "docs/querying.md"))).Examples {
		if _, code, err := s.Run(e.Command); err != nil || code != 0 {
			t.Fatalf("%s: exit code %d, %v", e.Command, code, err)
		}
	}
	for _, file := range []string{"docs/querying.md", filepath.Join(repository, "README.md")} {
		compareAnswers(t, db, file)
	}
}

func compareAnswers(t *testing.T, db *duckdb, file string) {
	t.Helper()
	page, blocks := string(fixture.ReadFile(t, file)), 0
	now := sqlBlock.ReplaceAllStringFunc(page, func(block string) string {
		blocks++
		m := sqlBlock.FindStringSubmatch(block)
		return "```sql\n" + m[1] + "```\n\n" + answerTable(db.ask(m[1]))
	})
	if blocks < 3 {
		t.Errorf("%s has %d questions", file, blocks)
	}
	switch {
	case now == page:
	case *rewrite:
		fixture.WriteFile(t, file, []byte(now))
	default:
		t.Errorf("%s has other answers than\n%s\n(with -rewrite it gets what is right)", file, now)
	}
}

// answerTable is an answer as a table.
func answerTable(a answer) string {
	var out strings.Builder
	fmt.Fprintf(&out, "| %s |\n|%s\n", strings.Join(a.Columns, " | "), strings.Repeat("---|", len(a.Columns)))
	for _, row := range a.Rows {
		for _, v := range row {
			value := "NULL"
			if v != nil {
				value = *v
			}
			fmt.Fprintf(&out, "| %s ", value)
		}
		out.WriteString("|\n")
	}
	return out.String()
}

// columnRow is a row of the page's tables of columns.
var columnRow = regexp.MustCompile(`(?m)^\| ([a-z][a-z0-9_, ]*) \| ([A-Z][A-Z, ]*) \|`)

// TestDocsColumns: the page names all columns and their types, in their order.
func TestDocsColumns(t *testing.T) {
	fixture.NotForRace(t)
	folder := t.TempDir()
	db := newDuckDB(t, folder)
	ok(t, "export", fixture.Dir(t, "alpha"), "--out", filepath.Join(folder, "lake"))
	var want, documented []string
	for _, table := range []string{"entries", "edges", "txns"} {
		a := db.ask("SELECT * FROM 'lake/" + table + "/**/*.parquet' LIMIT 0")
		for i, name := range a.Columns {
			if name != "system" && name != "group" && name != "node" {
				want = append(want, name+" "+a.Types[i])
			}
		}
	}
	for _, m := range columnRow.FindAllStringSubmatch(string(fixture.ReadFile(t, "docs/querying.md")), -1) {
		names, types := strings.Split(m[1], ", "), strings.Split(m[2], ", ")
		for i, name := range names {
			documented = append(documented, name+" "+types[min(i, len(types)-1)])
		}
	}
	if fmt.Sprint(want) != fmt.Sprint(documented) {
		t.Errorf("the tables have\n%v\nthe page\n%v", want, documented)
	}
}
