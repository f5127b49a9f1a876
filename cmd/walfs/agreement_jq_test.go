package main

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"os"
	"os/exec"
	"testing"
	"unicode/utf8"

	"github.com/walfs/walfs/test/fixture"
)

// jqCounts is what testdata/count.jq counts from the same lines as a tally.
type jqCounts struct {
	All struct {
		Entries, Commits, Aborts int
		Bytes                    int64
	}
	Kind, File, Term, Member map[string]int
	Predicate                map[string]int // entries with edges
	Edges, Deletes           map[string]int // by predicate
	Pending                  map[uint64]uint64
}

// What bounds the lines of a log that jq counts, which takes ten times as long as all the
// rest.
const (
	mostJQLines = 2000
	mostJQBytes = 32 << 20
)

// jqProcess is a jq that counts the lines that it is given, and what it is to count. Its
// in is nil where jq is not installed.
type jqProcess struct {
	cmd          *exec.Cmd
	in           io.WriteCloser
	out, errs    bytes.Buffer
	want         *tally
	lines, bytes int
}

func startJQ(t *testing.T) *jqProcess {
	t.Helper()
	p := &jqProcess{want: newTally()}
	path, err := exec.LookPath("jq")
	if err != nil {
		return p
	}
	p.cmd = exec.CommandContext(t.Context(), path, "-n", "-f", "testdata/count.jq")
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.errs
	p.in, err = p.cmd.StdinPipe()
	fixture.Must(t, err)
	fixture.Must(t, p.cmd.Start())
	return p
}

// count gives jq a line, but for the payload in base64: jq would read that for longer than
// all the rest, and counts nothing in it.
func (p *jqProcess) count(t *testing.T, line []byte, l *jsonLine, s *said) {
	t.Helper()
	if p.in == nil || p.lines == mostJQLines || p.bytes >= mostJQBytes {
		return
	}
	p.lines++
	p.want.add(l, s)
	const field = `,"data":"`
	before, after, found := bytes.Cut(line, []byte(field))
	end := bytes.IndexByte(after, '"')
	if !found || end < 0 {
		t.Fatalf("no %s in %.200s", field, line)
	}
	for _, part := range [][]byte{before, after[end+1:]} {
		p.bytes += len(part)
		if _, err := p.in.Write(part); err != nil {
			t.Fatalf("jq: %v\n%s", err, p.errs.String())
		}
	}
}

// agrees wants jq to have counted the same.
func (p *jqProcess) agrees(t *testing.T) {
	want := p.want
	if p.in == nil {
		if os.Getenv("CI") != "" {
			t.Fatal("jq is not installed")
		}
		t.Skip("jq is not installed")
	}
	p.in.Close()
	if err := p.cmd.Wait(); err != nil {
		t.Fatalf("jq: %v\n%s", err, p.errs.String())
	}
	var got jqCounts
	fixture.Must(t, json.Unmarshal(p.out.Bytes(), &got))
	if n := got.All; n.Entries != want.all.entries || n.Bytes != want.all.bytes || n.Commits != want.commits || n.Aborts != want.aborts {
		t.Errorf("jq counts %+v, want %+v, %d commits, %d aborts", got.All, want.all, want.commits, want.aborts)
	}
	if !maps.Equal(got.Pending, want.pending) {
		t.Errorf("jq says that these are pending: %v, want %v", got.Pending, want.pending)
	}
	entries, edges, deletes := byJQNames(want.by["predicate"])
	for _, c := range []struct {
		what      string
		got, want map[string]int
	}{
		{"kind", got.Kind, want.entriesBy("kind")}, {"file", got.File, want.entriesBy("file")},
		{"term", got.Term, want.entriesBy("term")}, {"member", got.Member, want.entriesBy("member")},
		{"predicate", got.Predicate, entries}, {"edges of predicate", got.Edges, edges}, {"deletes of predicate", got.Deletes, deletes},
	} {
		if !maps.Equal(c.got, c.want) {
			t.Errorf("jq counts by %s %v, want %v", c.what, c.got, c.want)
		}
	}
}

// byJQNames counts by predicate as jq does, which has no names for what is no UTF-8.
func byJQNames(by map[string]*weight) (entries, edges, deletes map[string]int) {
	entries, edges, deletes = map[string]int{}, map[string]int{}, map[string]int{}
	for name, w := range by {
		if !utf8.ValidString(name) {
			name = "(bytes)"
		}
		entries[name] += w.entries
		edges[name] += w.edges.edges
		if w.edges.deletes > 0 {
			deletes[name] += w.edges.deletes
		}
	}
	return entries, edges, deletes
}
