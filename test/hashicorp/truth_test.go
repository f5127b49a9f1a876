//go:build linux

package hashicorp

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"testing"
	"time"

	"github.com/hashicorp/raft"
	raftwal "github.com/hashicorp/raft-wal"
	"github.com/walfs/walfs/test/atwork"
	"github.com/walfs/walfs/test/fixture"
)

// truth is what HashiCorp's own code reads from a directory.
type truth struct {
	first, last uint64 // 1 and 0 of an empty log, of which the library says 0 and 0
	log         []atwork.Entry
	times       []time.Time // AppendedAt of each; zero: it has none
	stable      stable
	snapshots   []snapshot // the newest first
	// stuck says that the store takes no more entries: see goOn.
	stuck bool
}

// stable is what a node has promised, with walfs's names.
type stable struct {
	CurrentTerm       uint64 `json:"current_term"`
	LastVoteTerm      uint64 `json:"last_vote_term"`
	LastVoteCandidate string `json:"last_vote_candidate"`
}

type snapshot struct {
	*raft.SnapshotMeta
	data []byte
}

// readTruth reads a copy of a directory: their code writes where it reads.
func readTruth(t *testing.T, dir, name string) (l truth) {
	t.Helper()
	copied := t.TempDir()
	fixture.Must(t, os.CopyFS(copied, os.DirFS(dir)))
	s, err := stores[name](copied)
	fixture.Must(t, err)
	defer s.Close()
	l.first, err = s.FirstIndex()
	fixture.Must(t, err)
	l.last, err = s.LastIndex()
	fixture.Must(t, err)
	if l.last == 0 {
		l.first = 1
	}
	for index := l.first; index <= l.last; index++ {
		var e raft.Log
		fixture.Must(t, s.GetLog(index, &e))
		l.log, l.times = append(l.log, entryOf(&e)), append(l.times, e.AppendedAt)
	}
	l.stable.CurrentTerm, err = s.GetUint64([]byte("CurrentTerm"))
	fixture.Must(t, err)
	l.stable.LastVoteTerm = ifFound(t, s.GetUint64, "LastVoteTerm")
	l.stable.LastVoteCandidate = string(ifFound(t, s.Get, "LastVoteCand"))

	// It lists those only that it would not delete.
	store, err := raft.NewFileSnapshotStore(copied, 1000, io.Discard)
	fixture.Must(t, err)
	list, err := store.List()
	fixture.Must(t, err)
	for _, meta := range list {
		_, r, err := store.Open(meta.ID) // it compares the checksum
		if errors.Is(err, fs.ErrNotExist) {
			continue // the node was killed while it removed it
		}
		fixture.Must(t, err)
		data, err := io.ReadAll(r)
		fixture.Must(t, errors.Join(err, r.Close()))
		l.snapshots = append(l.snapshots, snapshot{meta, data})
	}

	err = s.StoreLog(&raft.Log{Index: l.last + 1, Term: l.stable.CurrentTerm, Type: raft.LogNoop})
	if l.stuck = errors.Is(err, raftwal.ErrSealed); !l.stuck {
		fixture.Must(t, err)
	}
	return l
}

// ifFound gives what a key has, or nothing: a node that has never voted has no vote.
func ifFound[V any](t *testing.T, get func(key []byte) (V, error), key string) V {
	t.Helper()
	v, err := get([]byte(key))
	if err != nil && err.Error() != "not found" {
		t.Fatal(err)
	}
	return v
}

// newest is the newest snapshot; its index is 0 where there is none.
func (l truth) newest() snapshot {
	if len(l.snapshots) == 0 {
		return snapshot{SnapshotMeta: &raft.SnapshotMeta{}}
	}
	return l.snapshots[0]
}

// goOn makes a store take entries again. raft-wal seals a segment in two steps: it writes the
// index of its entries behind them, and then, in another goroutine, wal-meta.db says so and names
// the next segment. A node that was killed between them opens its log with the full segment as
// the last one, does not finish the second step, and fails with ErrSealed whenever it has an
// entry to store. Deleting the last entry does that step; then the entry is stored again, since
// the node has promised to have it.
func goOn(t *testing.T, dir, name string) {
	t.Helper()
	s, err := stores[name](dir)
	fixture.Must(t, err)
	last, err := s.LastIndex()
	fixture.Must(t, err)
	var e raft.Log
	fixture.Must(t, s.GetLog(last, &e))
	fixture.Must(t, s.DeleteRange(last, last))
	fixture.Must(t, s.StoreLog(&e))
	fixture.Must(t, s.Close())
}
