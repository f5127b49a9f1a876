//go:build linux

package torture

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/child"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/raftdir"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/backup"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/storage"
	"go.etcd.io/raft/v3"
)

// copyRuns are writers whose directories are copied. Key ids are not erased: nobody could
// start a node on a copy then, nor on the original.
var copyRuns = []run{
	{name: "plain", program: "writer", args: []string{"-files", "5"}, small: true},
	{name: "plain, small files", program: "writer", args: []string{"-rate", "20000", "-slots", "500"}},
	{name: "encrypted", encrypted: true, program: "writer", args: []string{"-files", "5", "-keep-key-id"}},
	{name: "encrypted, small files", encrypted: true, program: "writer", args: []string{"-rate", "20000", "-slots", "500", "-keep-key-id"}, small: true},
	{name: "storage", program: "storage", small: true},
	{name: "storage, encrypted, with checksums", encrypted: true, program: "storage", args: []string{"-checksums"}},
}

// TestCopies copies a directory again and again while it is written: to folders and to
// archives. Each copy has the entries and the metadata of one moment, as the writer's
// history tells, and a node starts on it.
func TestCopies(t *testing.T) {
	if child.Race {
		t.Skip("the readers of a mount are what the race detector is for")
	}
	for _, r := range copyRuns {
		if !r.small && !fixture.Full() {
			continue
		}
		t.Run(r.name, func(t *testing.T) {
			dir, history := filepath.Join(t.TempDir(), "w"), filepath.Join(t.TempDir(), "history")
			r.args = append(r.args, "-history", history)
			var wrote child.Output
			writer, keyArgs := startWriter(t, r, dir, &wrote)
			var key []byte
			if r.encrypted {
				key = fixture.ReadFile(t, keyArgs[1])
			}
			var copies []copied
			for i := range fixture.Size(3, 100) {
				if i == 0 { // there is something to copy
					child.Await(t, "a second log file", func() bool { _, err := os.Stat(filepath.Join(dir, "00002.wal")); return err == nil })
				}
				copies = append(copies, copyOnce(t, dir, key, i))
			}
			writer.Stop()
			var begun map[uint64]uint64
			fixture.Must(t, json.Unmarshal(fixture.ReadFile(t, history), &begun))
			rewritten := 0
			for _, c := range copies {
				c.check(t, begun)
				if len(c.terms) > 1 {
					rewritten++
				}
			}
			t.Logf("%d copies, %d with more than one term, the last of %d to %d", len(copies), rewritten,
				copies[len(copies)-1].first, copies[len(copies)-1].last)
			if rewritten < len(copies)/2 {
				t.Errorf("%d of %d copies have more than one term", rewritten, len(copies))
			}
		})
	}
}

// copied is what was found in a copy.
type copied struct {
	first, last    uint64 // of the entries
	terms          []walcore.TermSpan
	hardState      walcore.HardState
	snap, snapTerm uint64
}

// copyOnce copies a directory and looks at what it has got.
func copyOnce(t *testing.T, dir string, key []byte, i int) copied {
	t.Helper()
	log, err := dgraph.OpenReader(dir, dgraph.ReaderOptions{})
	fixture.Must(t, err)
	out := filepath.Join(t.TempDir(), fmt.Sprint("copy", i))
	var made *backup.Copy
	if i%3 < 2 {
		made, err = backup.ToFolder(context.Background(), log, out, backup.Options{Compact: i%3 == 1})
	} else {
		made, err = backup.ToTar(context.Background(), log, out+".tar", backup.Options{})
		if err == nil {
			fixture.Must(t, os.Mkdir(out, 0o700))
			unpack(t, out+".tar", out)
		}
	}
	if err != nil {
		t.Fatalf("copy %d: %v", i, err)
	}
	fixture.Must(t, made.Log.Close())
	r, err := dgraph.OpenReader(out, dgraph.ReaderOptions{Key: key})
	fixture.Must(t, err)
	defer r.Close()
	c := copied{terms: r.Terms(), hardState: *r.Meta().HardState, snap: *r.Meta().SnapshotIndex, snapTerm: *r.Meta().SnapshotTerm}
	for _, p := range r.Problems() {
		t.Errorf("copy %d: %v", i, p)
	}
	c.entries(t, r)
	if s := r.Meta().Snapshot; s.Index > 0 {
		data := make([]byte, s.Data.Size)
		_, err := s.Data.ReadAt(data, 0)
		fixture.Must(t, err)
		if !bytes.Equal(data, raftdir.Blob(s.Index, s.Term)) {
			t.Errorf("copy %d: the snapshot's data are not those of index %d", i, s.Index)
		}
	}
	reachesCommit(t, out, key, c.hardState.Commit)
	fixture.Must(t, os.RemoveAll(out))
	return c
}

// entries reads all entries of a copy.
func (c *copied) entries(t *testing.T, r *dgraph.Reader) {
	t.Helper()
	var s walcore.Scanner
	for e := range r.Entries(0) {
		if c.first == 0 {
			c.first = e.Index
		} else if e.Index != c.last+1 {
			t.Fatalf("entry %d follows %d", e.Index, c.last)
		}
		c.last = e.Index
		data, err := s.Data(&e)
		if err != nil || !bytes.Equal(data, raftdir.Payload(e.Index, e.Term)) || uint32(e.Type) != raftdir.TypeOf(e.Index) {
			t.Fatalf("entry %d, term %d is wrong: %v", e.Index, e.Term, err)
		}
	}
}

// check compares a copy with the writer's history. In a term that began at some index, the
// entries before are those of earlier terms that were there then.
func (c *copied) check(t *testing.T, begun map[uint64]uint64) {
	t.Helper()
	next := c.last + 1 // the entries from here on are those of later terms
	for k := len(c.terms) - 1; k >= 0; k-- {
		span := c.terms[k]
		if span.Last != next-1 {
			t.Errorf("term %d ends at %d, the next begins at %d", span.Term, span.Last, next)
		}
		next = span.First
		if k > 0 && begun[span.Term] != span.First {
			t.Errorf("term %d begins at %d, want %d", span.Term, span.First, begun[span.Term])
		}
		// Terms between two that have entries have lost theirs.
		for term := span.Term - 1; k > 0 && term > c.terms[k-1].Term; term-- {
			if begun[term] < span.First {
				t.Errorf("term %d began at %d and has no entries before %d", term, begun[term], span.First)
			}
		}
	}
	lastTerm := c.snapTerm
	if k := len(c.terms) - 1; k >= 0 {
		lastTerm = max(lastTerm, c.terms[k].Term)
	}
	// Where the snapshot stands for all entries, a compact copy has none.
	if h := c.hardState; h.Commit > max(c.last, c.snap) || h.Term < lastTerm || h.Commit < c.snap || c.snap+1 < c.first {
		t.Errorf("hard state %+v, snapshot %d, entries %d to %d in %v", h, c.snap, c.first, c.last, c.terms)
	}
}

// reachesCommit starts a node on a directory, which must come to its commit index.
func reachesCommit(t *testing.T, dir string, key []byte, commit uint64) {
	t.Helper()
	s, err := storage.Open(dir, storage.Options{Key: key, Logger: slog.New(slog.DiscardHandler)})
	fixture.Must(t, err)
	defer s.Close()
	for _, p := range s.Problems() {
		t.Error("opening the copy for writing:", p)
	}
	first, err := s.FirstIndex()
	fixture.Must(t, err)
	config := &raft.Config{ID: 1, ElectionTick: 10, HeartbeatTick: 1, MaxSizePerMsg: 1 << 20, MaxInflightMsgs: 256,
		Storage: s, Applied: first - 1, Logger: &raft.DefaultLogger{Logger: log.New(io.Discard, "", 0)}}
	rn, err := raft.NewRawNode(config)
	fixture.Must(t, err)
	applied := first - 1
	for rn.HasReady() {
		rd := rn.Ready()
		for _, e := range rd.CommittedEntries {
			applied = e.GetIndex()
		}
		rn.Advance(rd)
	}
	if applied != commit {
		t.Errorf("a node gets to %d, the commit index is %d", applied, commit)
	}
}

// unpack unpacks an archive.
func unpack(t *testing.T, archive, dir string) {
	t.Helper()
	if out, err := exec.Command("tar", "-xf", archive, "-C", dir).CombinedOutput(); err != nil {
		t.Fatalf("tar: %v %s", err, out)
	}
	fixture.Must(t, os.Remove(archive))
}
