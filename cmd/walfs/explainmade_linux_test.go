package main

import (
	"encoding/binary"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/nativelog"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// made is an Alpha's log that is made up, entry by entry.
type made struct {
	nativelog.Meta
	term    uint64
	index   uint64 // of the last entry
	entries []nativelog.Entry
}

func (m *made) add(data []byte) {
	m.index++
	m.entries = append(m.entries, nativelog.Entry{Term: m.term, Index: m.index, Data: data})
}

// voters are the conf changes that begin a group.
func (m *made) voters(t *testing.T, ids ...uint64) {
	for _, id := range ids {
		typ, data := fixture.ConfChange(t, fmt.Sprint("v", id))
		m.index++
		m.entries = append(m.entries, nativelog.Entry{Term: m.term, Index: m.index, Type: uint32(typ), Data: data})
	}
}

func (m *made) write(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "w")
	fixture.Must(t, nativelog.Write(dir, m.Meta, m.all()))
	return dir
}

func (m *made) all() iter.Seq[nativelog.Entry] {
	return func(yield func(nativelog.Entry) bool) {
		for _, e := range m.entries {
			if !yield(e) {
				return
			}
		}
	}
}

// field is a field of a message, and number one that is a number.
func field(num protowire.Number, value ...[]byte) []byte {
	b := protowire.AppendTag(nil, num, protowire.BytesType)
	var all []byte
	for _, v := range value {
		all = append(all, v...)
	}
	return protowire.AppendBytes(b, all)
}

func number(num protowire.Number, n uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, num, protowire.VarintType), n)
}

// proposal is an Alpha's proposal behind a key of node 1.
func proposal(fields ...[]byte) []byte {
	b := binary.BigEndian.AppendUint64(nil, 1<<48)
	for _, f := range fields {
		b = append(b, f...)
	}
	return b
}

// edge is an entry with an edge of a transaction.
func edge(ts uint64) []byte {
	entity := protowire.AppendFixed64(protowire.AppendTag(nil, 1, protowire.Fixed64Type), 1)
	return proposal(field(2, number(1, 1), number(2, ts), field(3, entity, field(2, []byte("0-name")), field(3, []byte("value")))))
}

// commit is an entry that commits a transaction, or aborts it with a commitTs of 0.
func commit(ts, commitTs uint64) []byte {
	return proposal(field(8, field(1, number(1, ts), number(2, commitTs))))
}

func drop() []byte { return proposal(field(2, number(1, 1), number(2, 7), number(7, 1))) }

func restore() []byte {
	return proposal(field(12, number(1, 1), number(2, 9), field(3, []byte("/backup"))))
}

func schema(predicate string) []byte {
	return proposal(field(2, number(1, 1), number(2, 5), field(4, field(1, []byte(predicate)), number(2, 9))))
}

func threeVoters(index, term uint64) *raftpb.Snapshot {
	return &raftpb.Snapshot{Data: []byte{}, Metadata: &raftpb.SnapshotMetadata{
		ConfState: &raftpb.ConfState{Voters: []uint64{1, 2, 3}}, Index: proto.Uint64(index), Term: proto.Uint64(term)}}
}

// TestExplainMade does the same for directories that no fixture is like.
func TestExplainMade(t *testing.T) {
	fixture.OneSize(t)
	fixture.NotForRace(t)
	for _, test := range []struct {
		name string
		code int
		make func(t *testing.T) string
	}{
		{"held-back", 0, heldBack},
		{"many-files", 0, manyFiles},
		{"restore", 0, restored},
		{"elections", 0, manyElections},
		{"vote-without-term", 0, func(t *testing.T) string {
			return (&made{Meta: nativelog.Meta{RaftID: 2, GroupID: 1, Vote: 1}}).write(t)
		}},
		{"commit-far-behind", 0, farBehind},
		{"commit-beyond", exitDamage, func(t *testing.T) string {
			m := small(t)
			m.Commit = 99
			return m.write(t)
		}},
		{"all-missing", exitDamage, func(t *testing.T) string {
			m := small(t)
			m.entries = nil
			return m.write(t)
		}},
		{"all-dead", 0, func(t *testing.T) string {
			m := small(t)
			m.Commit, m.Checkpoint, m.Snapshot = m.index, m.index, threeVoters(m.index, m.term)
			return m.write(t)
		}},
		{"no-group", 0, func(t *testing.T) string {
			m := small(t)
			m.GroupID = 0
			return m.write(t)
		}},
		{"removed-and-ignored", 0, func(t *testing.T) string {
			m := small(t)
			m.RaftID = 9
			dir := m.write(t)
			for i := range 12 {
				fixture.Must(t, os.WriteFile(fmt.Sprintf("%s/old%02d", dir, i), nil, 0o600))
			}
			return dir
		}},
		{"decided-behind-commit", 0, decidedBehind},
		{"damaged", exitDamage, damagedAlpha},
		{"no-meta", exitDamage, func(t *testing.T) string {
			dir := small(t).write(t)
			fixture.Must(t, os.Truncate(dir+"/wal.meta", 100))
			return dir
		}},
	} {
		t.Run(test.name, explainGolden{name: "made-" + test.name, dir: test.make, code: test.code}.test)
	}
}

// small is a group of three that has committed a transaction.
func small(t *testing.T) *made {
	m := &made{Meta: nativelog.Meta{RaftID: 1, GroupID: 1, Term: 2, Vote: 1}, term: 1}
	m.voters(t, 1, 2, 3)
	m.term = 2
	m.add(nil)
	m.add(edge(10))
	m.add(commit(10, 11))
	m.Commit = m.index
	return m
}

// heldBack is the log of the question why w/ does not shrink.
func heldBack(t *testing.T) string {
	m := &made{Meta: nativelog.Meta{RaftID: 1, GroupID: 1, Term: 2, Vote: 2, Checkpoint: 860, Snapshot: threeVoters(15, 2)}, term: 2, index: 15}
	txn := func(ts uint64) {
		m.add(edge(ts))
		m.add(commit(ts, ts+1))
	}
	for m.index < 859 {
		txn(m.index + 1000)
	}
	m.add(nil)
	m.add(edge(5000)) // 861
	for m.index < 12_860 {
		txn(m.index*2 + 5000)
	}
	m.add(drop())
	m.add(edge(90_000))
	m.Commit = m.index
	return m.write(t)
}

// manyFiles has more full log files than Dgraph waits for, and nothing pending.
func manyFiles(t *testing.T) string {
	m := small(t)
	last := nativelog.Entry{Term: 2}
	const files = 5
	dir := filepath.Join(t.TempDir(), "w")
	m.Commit, m.Checkpoint = files*30_000+10, files*30_000
	fixture.Must(t, nativelog.Write(dir, m.Meta, func(yield func(nativelog.Entry) bool) {
		for _, e := range m.entries {
			if !yield(e) {
				return
			}
		}
		for last.Index = m.index + 1; last.Index <= m.Commit; last.Index++ {
			if !yield(last) {
				return
			}
		}
	}))
	return dir
}

// restored has all that a restart should not replay unnoticed.
func restored(t *testing.T) string {
	m := small(t)
	m.Checkpoint = m.index
	m.add(restore())
	m.add(drop())
	for i := range 12 {
		m.add(schema(fmt.Sprintf("0-predicate%d", i)))
	}
	m.add(proposal(field(14, number(1, 1), number(2, 3))))
	m.Commit = m.index
	return m.write(t)
}

// manyElections has leaders that did not last, and one of whom there is no entry.
func manyElections(t *testing.T) string {
	m := small(t)
	for range 14 {
		m.term += 1 + m.term%2
		for range m.term % 9 {
			m.add(nil)
		}
		m.add(nil)
	}
	m.Term, m.Vote, m.Commit = m.term+3, 3, m.index-2
	return m.write(t)
}

// farBehind led and heard from nobody.
func farBehind(t *testing.T) string {
	m := small(t)
	for range 2500 {
		m.add(edge(20))
	}
	return m.write(t)
}

// decidedBehind has decisions that may not be committed, and a checkpoint right before what
// is pending, as any node has under load.
func decidedBehind(t *testing.T) string {
	m := small(t)
	m.Checkpoint = m.index
	for ts := range uint64(7) {
		m.add(edge(20 - ts))
	}
	m.Commit = m.index
	m.add(commit(16, 30))
	m.add(edge(31))
	return m.write(t)
}

// damagedAlpha has an entry that is not whole.
func damagedAlpha(t *testing.T) string {
	dir := fixture.Dir(t, "alpha")
	fixture.Edit(t, filepath.Join(dir, "00001.wal")).SetLength(100, 0x0fffffff)
	return dir
}
