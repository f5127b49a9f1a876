package storage

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"
)

// model runs the same calls on a DiskStorage and on Raft's own MemoryStorage.
type model struct {
	t    *rapid.T
	dir  string
	opts Options
	s    *DiskStorage
	m    *raft.MemoryStorage
}

func (m *model) first() uint64 { i, _ := m.m.FirstIndex(); return i }

func (m *model) last() uint64 { i, _ := m.m.LastIndex(); return i }

func (m *model) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

func (m *model) upTo(name string, from, to uint64) uint64 {
	return rapid.Uint64Range(from, to).Draw(m.t, name)
}

func (m *model) entries(from, term uint64) []*raftpb.Entry {
	var list []*raftpb.Entry
	n := m.upTo("n", 1, 25)
	for i := range n {
		term += m.upTo("term+", 0, 20) / 20
		e := &raftpb.Entry{Term: proto.Uint64(term), Index: proto.Uint64(from + i)}
		if size := m.upTo("size", 0, 200); size > 0 {
			e.Data = []byte(fmt.Sprintf("%*d", size, from+i))
		}
		if m.upTo("type", 0, 9) == 0 {
			e.Type = raftpb.EntryConfChangeV2.Enum()
		}
		list = append(list, e)
	}
	return list
}

func (m *model) stored() *raftpb.HardState { hs, _, _ := m.m.InitialState(); return hs }

func (m *model) lastTerm() uint64 { term, _ := m.m.Term(m.last()); return term }

func (m *model) save() {
	from := m.last() + 1
	if least := max(m.first(), m.stored().GetCommit()+1); m.upTo("overwrite", 0, 3) == 0 && least <= m.last() {
		from = m.upTo("from", least, m.last())
	}
	term, err := m.m.Term(from - 1)
	m.must(err)
	list := m.entries(from, max(term, 1))
	var hs *raftpb.HardState
	if m.upTo("hs", 0, 1) == 0 {
		e := list[len(list)-1]
		hs = m.hardState(e.GetIndex(), e.GetTerm())
	}
	m.must(m.s.Save(hs, list, nil))
	m.must(m.m.Append(list))
	if hs != nil {
		m.must(m.m.SetHardState(hs))
	}
}

// hardState draws one that keeps what the last one has promised, for a log that ends
// with an entry of the term lastTerm at the index last.
func (m *model) hardState(last, lastTerm uint64) *raftpb.HardState {
	old := m.stored()
	term := max(old.GetTerm(), lastTerm, 1) + m.upTo("hs term+", 0, 2)
	vote := m.upTo("vote", 0, 3)
	if term == old.GetTerm() && old.GetVote() != 0 {
		vote = old.GetVote()
	}
	return &raftpb.HardState{Term: &term, Vote: &vote, Commit: proto.Uint64(m.upTo("commit", m.first()-1, last))}
}

// refused makes a call that Raft could not go on with. It changes nothing, as the
// comparison after it shows.
func (m *model) refused() {
	hs, last := m.hardState(m.last(), m.lastTerm()), m.last()
	var entries []*raftpb.Entry
	var snap *raftpb.Snapshot
	switch m.upTo("why", 0, 7) {
	case 0:
		hs.Commit = proto.Uint64(last + 1)
	case 1:
		entries = m.entries(last+2, m.lastTerm())
	case 2:
		if hs.Term = proto.Uint64(max(m.stored().GetTerm(), m.lastTerm(), 1) - 1); hs.GetTerm() == 0 || proto.Equal(hs, m.stored()) {
			return
		}
	case 3:
		if m.stored().GetVote() == 0 || m.stored().GetTerm() < m.lastTerm() {
			return
		}
		hs = &raftpb.HardState{Term: m.stored().Term, Vote: proto.Uint64(m.stored().GetVote() + 1), Commit: hs.Commit}
	case 4:
		commit := m.stored().GetCommit()
		if commit < m.first() {
			return
		}
		entries = m.entries(m.upTo("committed", m.first(), commit), m.lastTerm())
	case 5:
		if entries = m.entries(last+1, hs.GetTerm()+1); proto.Equal(hs, m.stored()) {
			return // as if there were none
		}
	default:
		snap = &raftpb.Snapshot{Metadata: &raftpb.SnapshotMetadata{Index: proto.Uint64(last + 1), Term: hs.Term, ConfState: &raftpb.ConfState{Learners: []uint64{1}}}}
		hs = nil
	}
	if err := m.s.Save(hs, entries, snap); !errors.Is(err, walcore.ErrRefused) {
		m.t.Fatalf("%v, entries %v, snapshot %v: %v", hs, entries, snap, err)
	}
}

func (m *model) snapshot() {
	i := m.upTo("index", m.first()-min(m.first(), 2), m.last())
	data := []byte(fmt.Sprintf("up to %d", i))
	cs := &raftpb.ConfState{Voters: []uint64{1, 10 + i}, Learners: []uint64{9}, VotersOutgoing: []uint64{1, 7}, LearnersNext: []uint64{7}}
	if _, before, _ := m.m.InitialState(); len(before.Voters) > 0 && m.upTo("no conf state", 0, 3) == 0 {
		cs = nil
	}
	err := m.s.CreateSnapshot(i, cs, data)
	_, want := m.m.CreateSnapshot(i, cs, data)
	if !errors.Is(err, want) {
		m.t.Fatalf("snapshot at %d: %v, want %v", i, err, want)
	}
	if want == nil {
		m.must(m.m.Compact(i))
		m.raise()
	}
}

// raise does to the model what InitialState promises.
func (m *model) raise() {
	hs, _, _ := m.m.InitialState()
	if snap := m.first() - 1; hs != nil && hs.GetCommit() < snap {
		m.must(m.m.SetHardState(&raftpb.HardState{Term: hs.Term, Vote: hs.Vote, Commit: &snap}))
	}
}

func (m *model) install() {
	i := m.upTo("index", max(m.first()-1, m.stored().GetCommit()), m.last()+20)
	if i == 0 {
		return
	}
	term, _ := m.m.Term(m.last())
	snap := &raftpb.Snapshot{Data: []byte{byte(i)}, Metadata: &raftpb.SnapshotMetadata{
		Index: &i, Term: proto.Uint64(term + 1), ConfState: &raftpb.ConfState{Voters: []uint64{i}, VotersOutgoing: []uint64{i}, AutoLeave: proto.Bool(true)}}}
	err, want := m.s.Save(nil, nil, snap), m.m.ApplySnapshot(snap)
	if !errors.Is(err, want) {
		m.t.Fatalf("install at %d: %v, want %v", i, err, want)
	}
	m.raise()
}

func (m *model) reopen() {
	m.must(m.s.Close())
	var err error
	m.s, err = Open(m.dir, m.opts)
	m.must(err)
	for _, p := range m.s.Problems() {
		if p.Kind != walcore.KindHardState { // of any term here
			m.t.Fatal(p)
		}
	}
}

func (m *model) read() {
	lo := m.upTo("lo", m.first()-min(m.first(), 2), m.last()+1)
	hi := m.upTo("hi", lo, m.last()+1)
	most := m.upTo("max", 0, 2000)
	got, err := m.s.Entries(lo, hi, most)
	want, wantErr := m.m.Entries(lo, hi, most)
	if !errors.Is(err, wantErr) || len(got) != len(want) {
		m.t.Fatalf("entries %d to %d, %d bytes: %d, %v; want %d, %v", lo, hi, most, len(got), err, len(want), wantErr)
	}
	for i := range got {
		if !proto.Equal(got[i], want[i]) {
			m.t.Fatalf("entry %v, want %v", got[i], want[i])
		}
	}
	if _, err := m.s.Entries(m.first(), m.last()+2, most); err != raft.ErrUnavailable {
		m.t.Fatalf("behind the end: %v", err)
	}
}

func (m *model) compare() {
	first, err := m.s.FirstIndex()
	m.must(err)
	last, err := m.s.LastIndex()
	m.must(err)
	if first != m.first() || last != m.last() || m.s.NumEntries() != int(last+1-first) {
		m.t.Fatalf("%d to %d, want %d to %d", first, last, m.first(), m.last())
	}
	i := m.upTo("term of", first-min(first, 2), last+2)
	term, err := m.s.Term(i)
	want, wantErr := m.m.Term(i)
	if term != want || err != wantErr {
		m.t.Fatalf("term of %d: %d, %v; want %d, %v", i, term, err, want, wantErr)
	}
	hs, cs, err := m.s.InitialState()
	m.must(err)
	wantHS, wantCS, _ := m.m.InitialState()
	if raft.IsEmptyHardState(hs) != raft.IsEmptyHardState(wantHS) || hs != nil && !proto.Equal(hs, wantHS) ||
		!proto.Equal(cs, raftpb.EnsureConfState(wantCS)) {
		m.t.Fatalf("state %v %v, want %v %v", hs, cs, wantHS, wantCS)
	}
	snap, err := m.s.Snapshot()
	m.must(err)
	if w, _ := m.m.Snapshot(); string(snap.Data) != string(w.Data) || snap.Metadata.GetIndex() != w.Metadata.GetIndex() ||
		snap.Metadata.GetTerm() != w.Metadata.GetTerm() || !proto.Equal(snap.Metadata.ConfState, raftpb.EnsureConfState(w.Metadata.ConfState)) {
		m.t.Fatalf("snapshot %v, want %v", snap, w)
	}
}

// compareDisk compares what the independent parser has found.
func (m *model) compareDisk(p *parsedDir) {
	hs, _, _ := m.m.InitialState()
	snap, _ := m.m.Snapshot()
	if p.commit < p.snapIndex && !raft.IsEmptyHardState(hs) {
		m.t.Fatalf("on disk: commit index %d, snapshot at %d", p.commit, p.snapIndex)
	}
	cs := snap.GetMetadata().GetConfState()
	if got, want := []uint64{p.snapIndex, p.snapTerm, p.term, p.vote, max(p.commit, p.snapIndex)}, []uint64{snap.GetMetadata().GetIndex(),
		snap.GetMetadata().GetTerm(), hs.GetTerm(), hs.GetVote(), max(hs.GetCommit(), m.first()-1)}; !slices.Equal(got, want) {
		m.t.Fatalf("on disk: snapshot index, term, hard state %d, want %d", got, want)
	}
	conf := parsedConf{cs.GetVoters(), cs.GetLearners(), cs.GetVotersOutgoing(), cs.GetLearnersNext(), cs.GetAutoLeave()}
	if fmt.Sprint(p.conf) != fmt.Sprint(conf) || p.snapData != string(snap.Data) {
		m.t.Fatalf("on disk: snapshot %v with %q, want %v with %q", p.conf, p.snapData, conf, snap.Data)
	}
	next := m.first()
	for _, got := range p.entries {
		if (got.sum != 0) != m.opts.Checksums {
			m.t.Fatalf("on disk: entry %d has the checksum %08x", got.index, got.sum)
		}
		if got.index < next {
			continue // compacted, in a file with others
		}
		list, err := m.m.Entries(next, next+1, 1<<40)
		m.must(err)
		if want := list[0]; got.index != next || got.term != want.GetTerm() || got.data != string(want.Data) || got.typ != uint32(want.GetType()) {
			m.t.Fatalf("on disk: %+v, want %v", got, want)
		}
		next++
	}
	if next != m.last()+1 {
		m.t.Fatalf("on disk: ends at %d, want %d", next-1, m.last())
	}
}

// Random calls answer as Raft's MemoryStorage does, whatever was opened anew
// in between, and what is on disk keeps to the format.
func TestAsMemoryStorage(t *testing.T) {
	fixture.NotForRace(t)
	base, ops := memDir(t), 0
	steps, runs := fixture.Size(15, 101), 99
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		m := &model{t: rt, dir: filepath.Join(base, fmt.Sprint(n)), m: raft.NewMemoryStorage(),
			opts: Options{Create: true, Logger: quiet, limits: limits{slots: 50, bytes: format.PayloadAt + 5000},
				Checksums: rapid.Bool().Draw(rt, "checksums"), Sync: SyncMode(m01(rt))}}
		if rapid.Bool().Draw(rt, "encrypted") {
			m.opts.Key = []byte("0123456789abcdef")
		}
		defer os.RemoveAll(m.dir)
		var err error
		m.s, err = Open(m.dir, m.opts)
		m.must(err)
		defer func() { m.s.Close() }()
		for range steps {
			switch k := m.upTo("op", 0, 19); {
			case k < 8:
				m.save()
			case k < 10:
				hs := m.hardState(m.last(), m.lastTerm())
				m.must(m.s.Save(hs, nil, nil))
				m.must(m.m.SetHardState(hs))
			case k < 11:
				m.snapshot()
			case k < 12:
				m.install()
			case k < 14:
				m.reopen()
			case k < 16:
				m.refused()
			default:
				m.read()
			}
			m.compare()
			ops++
		}
		m.must(m.s.Close())
		m.compareDisk(parseDir(rt2tb{t, rt}, m.dir, m.opts.Key))
	})
	t.Logf("%d operations", ops)
	if ops < runs*steps {
		t.Errorf("%d operations, want %d", ops, runs*steps)
	}
}

func m01(t *rapid.T) int { return rapid.IntRange(0, 1).Draw(t, "mode") }

// rt2tb lets a rapid test fail where a testing.TB is asked for.
type rt2tb struct {
	testing.TB
	rt *rapid.T
}

func (r rt2tb) Fatal(args ...any) { r.rt.Fatal(args...) }

func (r rt2tb) Fatalf(format string, args ...any) { r.rt.Fatalf(format, args...) }
