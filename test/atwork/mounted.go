//go:build linux

package atwork

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/walfs/walfs/test/child"
	"github.com/walfs/walfs/test/fixture"
)

// Reader reads a mount through a process of its own: a mount that hangs must not hang the test.
type Reader struct {
	*child.Looker
	At    string
	Seen  Seen
	Right int // entries that were read whole
}

// NewReader reads the mount at a folder.
func NewReader(t *testing.T, at string, seen Seen) *Reader {
	t.Helper()
	return &Reader{Looker: child.StartLooker(t), At: at, Seen: seen}
}

// Read reads the first entries of the last term, some, and the last ones: a node removes the
// first ones, and writes the last ones, while they are read.
func (r *Reader) Read(t *testing.T, all bool) (entries []Entry) {
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
			data := r.Do("head", r.At+"/terms/"+term+"/"+name)
			if gone(data) {
				continue
			}
			e := Entry{Index: number(t, name), Term: number(t, term), Sum: sha256.Sum256([]byte(data))}
			r.Seen.Add(t, "the mount", e)
			r.decoded(t, e, len(data))
			r.Right++
			entries = append(entries, e)
		}
	}
	return entries
}

// decoded reads what an entry means. The index may be another term's by now, or gone.
func (r *Reader) decoded(t *testing.T, e Entry, size int) {
	t.Helper()
	text := r.Do("head", fmt.Sprintf("%s/decoded/%d.json", r.At, e.Index))
	if gone(text) {
		return
	}
	var d struct {
		Index, Term uint64
		Type        string
		Size        int
		Base64      string
	}
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatalf("entry %d decoded: %v: %q", e.Index, err, text)
	}
	if d.Index != e.Index || d.Term == e.Term && d.Size != size || d.Base64 != "" {
		t.Fatalf("entry %d of term %d, %d bytes, decoded: %s", e.Index, e.Term, size, text)
	}
	if d.Term == e.Term {
		e.Type = d.Type
		r.Seen.Add(t, "decoded/", e)
	}
}

func number(t *testing.T, name string) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(name, 10, 64)
	fixture.Must(t, err)
	return n
}

func (r *Reader) list(t *testing.T, folder string) []string {
	t.Helper()
	names := r.Do("list", r.At+"/"+folder)
	if gone(names) || names == "" {
		return nil
	}
	return strings.Split(names, "\n")
}

// AwaitStatus waits until the mount has seen the last write: its status is what walfs reads of
// the directory, to which nobody writes any more.
func (r *Reader) AwaitStatus(t *testing.T, dir string) {
	t.Helper()
	status := string(Walfs(t, "cat", dir, "status.json"))
	child.Await(t, "the mount to show the directory at rest", func() bool {
		return fixture.WithoutDiskBytes(r.Do("head", r.At+"/status.json")) == fixture.WithoutDiskBytes(status)
	})
}

// gone reports whether an answer is what reading gives of an entry that the node has removed.
func gone(answer string) bool {
	return answer == syscall.ENOENT.Error() || answer == syscall.EIO.Error() || answer == syscall.ESTALE.Error()
}
