package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
)

// duckdb is an engine that is not walfs's, in a process of its own: test/duckdb.
type duckdb struct {
	t   *testing.T
	in  io.WriteCloser
	out *bufio.Reader
}

// answer is what it answers. A null is nil.
type answer struct {
	Columns, Types []string
	Rows           [][]*string
}

// newDuckDB starts one that works in a folder.
func newDuckDB(t *testing.T, folder string) *duckdb {
	t.Helper()
	at, err := filepath.Abs(filepath.Join(repository, "test/duckdb"))
	fixture.Must(t, err)
	if _, err := os.Stat(filepath.Join(at, "node_modules")); err != nil {
		skip(t, "DuckDB is not installed: npm ci --prefix test/duckdb")
	}
	needTool(t, "node")
	cmd := exec.Command("node", filepath.Join(at, "query.js"))
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "TZ=UTC")
	cmd.Stderr = os.Stderr
	d := &duckdb{t: t}
	d.in, err = cmd.StdinPipe()
	fixture.Must(t, err)
	out, err := cmd.StdoutPipe()
	fixture.Must(t, err)
	d.out = bufio.NewReader(out)
	fixture.Must(t, cmd.Start())
	t.Cleanup(func() {
		d.in.Close()
		if err := cmd.Wait(); err != nil && !t.Failed() {
			t.Errorf("DuckDB: %v", err)
		}
	})
	return d
}

// ask has a question answered.
func (d *duckdb) ask(sql string) (a answer) {
	d.t.Helper()
	line, err := json.Marshal(sql)
	fixture.Must(d.t, err)
	_, err = d.in.Write(append(line, '\n'))
	fixture.Must(d.t, err)
	text, err := d.out.ReadBytes('\n')
	if err != nil {
		d.t.Fatalf("%s\n%v: what DuckDB says is above", sql, err)
	}
	fixture.Must(d.t, json.Unmarshal(text, &a))
	return a
}

// text is a row's values with a space between them.
func text(row []*string) string {
	var values []string
	for _, v := range row {
		if v == nil {
			values = append(values, "NULL")
		} else {
			values = append(values, *v)
		}
	}
	return strings.Join(values, " ")
}

// TestDuckDB: an engine that is not walfs's reads of each fixture what dump says, and the
// payloads that Dgraph's own code reads.
func TestDuckDB(t *testing.T) {
	fixture.NotForRace(t)
	folder := t.TempDir()
	db := newDuckDB(t, folder)
	large := []string{"cluster-node1", "compacted"}
	for _, name := range fixture.Size([]string{"alpha", "sealed128", "zero"}, slices.Concat(fixture.Small, large)) {
		if !fixture.Has(name) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			dir := fixture.Dir(t, name)
			args := []string{dir}
			if key := keyFile(t, name); key != "" {
				args = append(args, "--key-file", key)
			}
			out := filepath.Join(folder, name)
			ok(t, append([]string{"export", "--out", out}, args...)...)
			ok(t, append([]string{"export", "--format", "csv", "--out", out}, args...)...)
			want := countDumped(t, args)
			if len(want.entries) == 0 {
				return // there are no files
			}
			compareAnswer(t, db, want.entries, "SELECT index, term, type, size, file, slot, sha256(payload), sha256(decoded) FROM '%s/entries/**/*.parquet' ORDER BY index", out)
			compareAnswer(t, db, want.entries, "SELECT index, term, type, size, file, slot, sha256(from_base64(coalesce(payload, ''))), sha256(decoded) FROM read_csv('%s/entries/**/*.csv', max_line_size = 60000000, all_varchar = true) ORDER BY index::BIGINT", out)
			compareAnswer(t, db, want.edges, "SELECT predicate, count(*), count(*) FILTER (op = 'DEL') FROM '%s/edges/**/*.parquet' GROUP BY predicate ORDER BY predicate", out)
			compareAnswer(t, db, []string{want.txns}, "SELECT count(*) FILTER (NOT aborted), count(*) FILTER (aborted), coalesce(sum(start_ts), 0)::HUGEINT, coalesce(sum(commit_ts), 0)::HUGEINT FROM '%s/txns/**/*.parquet'", out)
			manifest(t, db, name, out)
		})
	}
}

func compareAnswer(t *testing.T, db *duckdb, want []string, sql, out string) {
	t.Helper()
	sql = fmt.Sprintf(sql, out)
	rows := db.ask(sql).Rows
	if len(rows) != len(want) {
		t.Errorf("%s\n%d rows, want %d", sql, len(rows), len(want))
		return
	}
	for i, row := range rows {
		if got := text(row); got != want[i] {
			t.Fatalf("%s\nrow %d: %s\nwant %s", sql, i, got, want[i])
		}
	}
}

// manifest: the payloads are those that Dgraph's own code reads.
func manifest(t *testing.T, db *duckdb, name, out string) {
	t.Helper()
	var want []string
	for _, e := range fixture.ReadManifest(t, name).Entries {
		want = append(want, fmt.Sprint(e.Index, " ", e.Term, " ", e.Size, " ", e.SHA256))
	}
	compareAnswer(t, db, want, "SELECT index, term, size, sha256(payload) FROM '%s/entries/**/*.parquet' ORDER BY index", out)
}

// counts is what dump --format json --decode says, as the questions above ask for it.
type counts struct {
	entries, edges []string
	txns           string
}

// dumpLine is a line of it, with what is counted.
type dumpLine struct {
	Index, Term, Size, Slot uint64
	Type, File              string
	Data                    []byte
	Decoded                 json.RawMessage
}

type decodedLine struct {
	Proposal struct {
		Mutations struct {
			Edges []struct{ Attr, Op, Entity, Value string }
		}
		Delta struct{ Txns []decodedTxn }
		Txn   *decodedTxn
	}
}

type decodedTxn struct {
	StartTs  string `json:"start_ts"`
	CommitTs string `json:"commit_ts"`
	Aborted  bool
}

func countDumped(t *testing.T, args []string) (c counts) {
	t.Helper()
	edges, deletes := map[string]int{}, map[string]int{}
	commits, aborts, starts, ends := 0, 0, new(big.Int), new(big.Int)
	out := walfs(t, append([]string{"dump", "--format", "json", "--decode"}, args...)...)
	if out.code != 0 {
		t.Fatal(out.stderr)
	}
	for _, line := range lines(out.stdout) {
		if line == "" { // there is none
			continue
		}
		var e dumpLine
		fixture.Must(t, json.Unmarshal([]byte(line), &e))
		c.entries = append(c.entries, fmt.Sprintf("%d %d %s %d %s %d %x %x", e.Index, e.Term, e.Type, e.Size, e.File, e.Slot, sha256.Sum256(e.Data), sha256.Sum256(e.Decoded)))
		var d decodedLine
		// An entry whose values are no texts counts as well: only those are not taken.
		if err := json.Unmarshal(e.Decoded, &d); err != nil && !errors.As(err, new(*json.UnmarshalTypeError)) {
			t.Fatal(err)
		}
		for _, edge := range d.Proposal.Mutations.Edges {
			if edge.Entity == "" && edge.Op == "DEL" && edge.Value == "_STAR_ALL" { // that drops the predicate
				continue
			}
			edges[edge.Attr]++
			if edge.Op == "DEL" {
				deletes[edge.Attr]++
			}
		}
		txns := d.Proposal.Delta.Txns
		if d.Proposal.Txn != nil {
			txns = append(txns, *d.Proposal.Txn)
		}
		for _, txn := range txns {
			add(t, starts, txn.StartTs)
			if txn.CommitTs == "" || txn.Aborted {
				aborts++
			} else {
				commits++
				add(t, ends, txn.CommitTs)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(edges)) {
		c.edges = append(c.edges, fmt.Sprint(name, " ", edges[name], " ", deletes[name]))
	}
	c.txns = fmt.Sprint(commits, " ", aborts, " ", starts, " ", ends)
	return c
}

func add(t *testing.T, sum *big.Int, number string) {
	t.Helper()
	n, isNumber := new(big.Int).SetString(number, 10)
	if !isNumber {
		t.Fatalf("%q is no number", number)
	}
	sum.Add(sum, n)
}
