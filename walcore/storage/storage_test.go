package storage

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/format"
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// Readers of every kind run beside a writer that appends, rewrites, rotates and
// compacts. What they get is right, or an error of raft's.
func TestReadersBesideWriter(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(memDir(t), "w")
	s := create(t, dir, Options{Logger: quiet, limits: limits{slots: 100, bytes: format.PayloadAt + 30000}})
	fixture.Must(t, s.Save(hard(1, 1, 0), someEntries(1, 1, 1), nil))
	var stop atomic.Bool
	var wg sync.WaitGroup
	// Each reads at least once, however busy the machine is.
	during := func(read func(testing.TB, *DiskStorage, string)) {
		wg.Go(func() {
			for {
				last := stop.Load()
				if read(t, s, dir); last || t.Failed() {
					return
				}
			}
		})
	}
	during(readStorage)
	during(readStorage)
	during(readDirectory)
	term := uint64(1)
	for i := range fixture.Size(200, 600) {
		last, _ := s.LastIndex()
		first, _ := s.FirstIndex()
		from := last + 1
		switch {
		case i%10 == 9:
			from = max(last-uint64(i%150), first)
			term++
		case i%50 == 48 && last > first+200:
			fixture.Must(t, s.CreateSnapshot(last-200, oneVoter, []byte("state")))
		}
		fixture.Must(t, s.Save(hard(term, 1, first-1), someEntries(term, from, 1+i%30), nil))
	}
	stop.Store(true)
	wg.Wait()
}

// readStorage calls what readers of a storage call.
func readStorage(t testing.TB, s *DiskStorage, _ string) {
	first, _ := s.FirstIndex()
	last, _ := s.LastIndex()
	if _, err := s.Term((first + last) / 2); err != nil && err != raft.ErrCompacted && err != raft.ErrUnavailable {
		t.Errorf("term: %v", err)
	}
	list, err := s.Entries(first, last+1, 20000)
	if err != nil && err != raft.ErrCompacted && err != raft.ErrUnavailable {
		t.Errorf("entries: %v", err)
	}
	for i, e := range list {
		if e.GetIndex() != first+uint64(i) || !bytes.Equal(e.Data, killData(e.GetTerm(), e.GetIndex())) {
			t.Errorf("entry %v at %d", e, first+uint64(i))
		}
	}
	s.Snapshot()
	s.InitialState()
	s.Stats()
	s.Problems()
}

// readDirectory reads the log as another program does.
func readDirectory(t testing.TB, _ *DiskStorage, dir string) {
	r, err := dgraph.OpenReader(dir, dgraph.ReaderOptions{})
	if err != nil {
		t.Errorf("reader: %v", err)
		return
	}
	defer r.Close()
	for e := range r.Entries(0) {
		data, err := e.Data()
		if err == nil && !bytes.Equal(data, killData(e.Term, e.Index)) {
			t.Errorf("reader: entry %d of term %d has %q", e.Index, e.Term, data)
		}
	}
}

func TestRaftErrors(t *testing.T) {
	s := create(t, filepath.Join(t.TempDir(), "w"), Options{})
	if _, err := s.Entries(1, 1, 0); err != raft.ErrUnavailable {
		t.Errorf("an empty log: %v", err)
	}
	fixture.Must(t, s.Save(hard(1, 1, 10), someEntries(1, 1, 10), nil))
	fixture.Must(t, s.CreateSnapshot(5, &raftpb.ConfState{Voters: []uint64{1}}, nil))
	if err := s.CreateSnapshot(5, nil, nil); err != raft.ErrSnapOutOfDate {
		t.Errorf("a second snapshot: %v", err)
	}
	if err := s.CreateSnapshot(11, nil, nil); !errors.Is(err, raft.ErrUnavailable) {
		t.Errorf("a snapshot behind the log: %v", err)
	}
	if _, err := s.Entries(5, 7, 1000); err != raft.ErrCompacted {
		t.Errorf("an entry below the snapshot: %v", err)
	}
	if list, err := s.Entries(6, 11, 0); err != nil || len(list) != 1 {
		t.Errorf("no room: %d entries, %v", len(list), err)
	}
	if _, err := s.Entries(9, 8, 0); err == nil {
		t.Error("a range that ends before it begins passes")
	}
	fixture.Must(t, s.Close())
	if _, err := s.Term(6); err != walcore.ErrClosed {
		t.Errorf("closed: %v", err)
	}
	if err := s.Save(nil, someEntries(1, 11, 1), nil); err != walcore.ErrClosed {
		t.Errorf("closed: %v", err)
	}
}

func TestTermAllocatesNothing(t *testing.T) {
	s := create(t, filepath.Join(t.TempDir(), "w"), Options{})
	fixture.Must(t, s.Save(nil, someEntries(1, 1, 1000), nil))
	if n := testing.AllocsPerRun(100, func() { s.Term(500) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
	if n := testing.AllocsPerRun(100, func() { s.Entries(1, 1001, 1<<40) }); n > 6 {
		t.Errorf("Entries: %v allocations for 1000 entries", n)
	}
}

func TestStats(t *testing.T) {
	s := create(t, filepath.Join(t.TempDir(), "w"), Options{})
	before := s.Stats()
	fixture.Must(t, s.Save(hard(1, 1, 0), someEntries(1, 1, 3), nil))
	a := s.Stats()
	if a.Saves != 1 || a.Entries != 3 || a.Bytes == 0 || a.Flushes != before.Flushes+3 || a.FlushTime <= before.FlushTime {
		t.Errorf("%+v", a)
	}
	// The commit index alone waits for nothing.
	fixture.Must(t, s.Save(hard(1, 1, 3), nil, nil))
	if b := s.Stats(); b.Flushes != a.Flushes {
		t.Errorf("%+v after %+v", b, a)
	}
}

func TestRefused(t *testing.T) {
	s := create(t, filepath.Join(t.TempDir(), "w"), Options{})
	fixture.Must(t, s.Save(nil, someEntries(3, 1, 10), nil))
	fixture.Must(t, s.CreateSnapshot(4, oneVoter, nil))
	gap := someEntries(3, 11, 2)
	gap[1].Index = proto.Uint64(13)
	for name, list := range map[string][]*raftpb.Entry{
		"below the first":     someEntries(3, 4, 1),
		"beyond the last":     someEntries(3, 12, 1),
		"with a gap":          gap,
		"a term going down":   someEntries(2, 11, 1),
		"a huge index":        {{Term: proto.Uint64(3), Index: proto.Uint64(1 << 60)}},
		"a huge term":         {{Term: proto.Uint64(1 << 60), Index: proto.Uint64(11)}},
		"no index":            {{Term: proto.Uint64(3)}},
		"a term far too high": {{Term: proto.Uint64(1<<64 - 1), Index: proto.Uint64(11)}},
	} {
		if err := s.Save(nil, list, nil); !errors.Is(err, walcore.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	fixture.Must(t, s.Save(nil, someEntries(3, 11, 1), nil))
	if last, _ := s.LastIndex(); last != 11 {
		t.Error(fmt.Sprint(last))
	}
}
