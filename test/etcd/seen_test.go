//go:build linux

package etcd

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/walfs/walfs/test/child"
	"github.com/walfs/walfs/test/fixture"
)

// seen is all the entries that walfs has given in any way while the node was at work. Within
// a term an index has one entry, whenever and wherever it is read.
type seen map[key]*entry

type key struct{ index, term uint64 }

// add notes an entry. Some ways of reading do not tell its type: that is "".
func (s seen) add(t *testing.T, how string, e entry) {
	t.Helper()
	before := s[key{e.index, e.term}]
	switch {
	case before == nil:
		s[key{e.index, e.term}] = &e
		return
	case before.typ == "":
		before.typ = e.typ
	case e.typ == "":
		e.typ = before.typ
	}
	if *before != e {
		t.Fatalf("%s gives %+v, it was %+v before", how, e, *before)
	}
}

// check compares with what etcd's own code reads. Nothing of a node that was killed is lost:
// what was seen of its files is still in them, or in kept.
func (s seen) check(t *testing.T, logs []truth) {
	t.Helper()
	real := map[key]entry{}
	for _, l := range logs {
		for _, e := range l.log {
			real[key{e.index, e.term}] = e
		}
	}
	for k, e := range s {
		want, ok := real[k]
		if e.typ == "" {
			want.typ = ""
		}
		if !ok || *e != want {
			t.Fatalf("walfs gave %+v, etcd's own code reads %+v", *e, want)
		}
	}
}

// walfs runs a command that must succeed, and gives what it has printed.
func walfs(t *testing.T, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(child.Walfs(t), args...)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil || said.Len() > 0 {
		t.Fatalf("walfs %s: %v; it said %s…%s", strings.Join(args, " "), err, &said, out[max(0, len(out)-1000):])
	}
	return out
}

// status is what is needed of walfs stat --json.
type status struct {
	NodeID    string `json:"node_id"`
	ClusterID string `json:"cluster_id"`
	HardState struct {
		Term, Vote, Commit uint64
	} `json:"hard_state"`
	Snapshot struct {
		Index, Term uint64
		Size        int64
	}
	FirstIndex uint64 `json:"first_index"`
	LastIndex  uint64 `json:"last_index"`
	Problems   []json.RawMessage
}

// stat fails if walfs finds a problem.
func stat(t *testing.T, dir string) (s status) {
	t.Helper()
	fixture.Must(t, json.Unmarshal(walfs(t, "stat", "--json", dir), &s))
	if len(s.Problems) > 0 {
		t.Fatalf("problems: %s", s.Problems)
	}
	return s
}

// dump gives the entries of walfs dump, in its order.
func dump(t *testing.T, dir string, args ...string) []entry {
	t.Helper()
	return parseDump(t, walfs(t, append([]string{"dump", "--format", "json", dir}, args...)...))
}

func parseDump(t *testing.T, lines []byte) (entries []entry) {
	t.Helper()
	scanner := bufio.NewScanner(bytes.NewReader(lines))
	scanner.Buffer(nil, len(lines)+1)
	for scanner.Scan() {
		var line struct {
			Index, Term uint64
			Type        string
			Data        []byte
		}
		fixture.Must(t, json.Unmarshal(scanner.Bytes(), &line))
		entries = append(entries, entry{line.Index, line.Term, line.Type, sha256.Sum256(line.Data)})
	}
	return entries
}

// reader reads a mount through a process of its own: a mount that hangs must not hang the test.
type reader struct {
	*child.Looker
	at    string
	seen  seen
	right int // entries that were read whole
}

// read reads the first entries of the last term, some, and the last ones: a node purges the first
// ones, and writes the last ones, while they are read.
func (r *reader) read(t *testing.T, all bool) (entries []entry) {
	t.Helper()
	terms := r.list(t, "terms")
	if !all && len(terms) > 1 {
		terms = terms[len(terms)-1:]
	}
	for _, term := range terms {
		names := r.list(t, "terms/"+term)
		if few := 10; !all && len(names) > 2*few {
			names = append(names[:few:few], names[len(names)-few:]...)
		}
		for _, name := range names {
			data := r.Do("head", r.at+"/terms/"+term+"/"+name)
			if gone(data) {
				continue
			}
			e := entry{index: number(t, name), term: number(t, term), sum: sha256.Sum256([]byte(data))}
			r.seen.add(t, "the mount", e)
			r.decoded(t, e, len(data))
			r.right++
			entries = append(entries, e)
		}
	}
	return entries
}

// decoded reads what an entry means. The index may be another term's by now, or gone.
func (r *reader) decoded(t *testing.T, e entry, size int) {
	t.Helper()
	text := r.Do("head", fmt.Sprintf("%s/decoded/%d.json", r.at, e.index))
	if gone(text) {
		return
	}
	var d struct {
		Index, Term uint64
		Type        string
		Size        int
		Request     json.RawMessage
		Base64      string
	}
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatalf("entry %d decoded: %v: %q", e.index, err, text)
	}
	if d.Index != e.index || d.Term == e.term && d.Size != size || d.Base64 != "" {
		t.Fatalf("entry %d of term %d, %d bytes, decoded: %s", e.index, e.term, size, text)
	}
	if d.Term == e.term {
		e.typ = d.Type
		r.seen.add(t, "decoded/", e)
	}
}

func number(t *testing.T, name string) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(name, 10, 64)
	fixture.Must(t, err)
	return n
}

func (r *reader) list(t *testing.T, folder string) []string {
	t.Helper()
	names := r.Do("list", r.at+"/"+folder)
	if gone(names) || names == "" {
		return nil
	}
	return strings.Split(names, "\n")
}

// gone reports whether an answer is what reading gives of an entry that the node has removed.
func gone(answer string) bool {
	return answer == syscall.ENOENT.Error() || answer == syscall.EIO.Error() || answer == syscall.ESTALE.Error()
}
