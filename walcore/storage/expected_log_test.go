package storage

import (
	"bytes"
	"fmt"
	"math/rand"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// expectedLog is what a log should hold.
type expectedLog struct {
	snapIndex, snapTerm uint64
	snapData            string
	entries             []*raftpb.Entry // behind the snapshot
	hs                  hardState
}

func (w expectedLog) last() uint64 { return w.snapIndex + uint64(len(w.entries)) }

func (w expectedLog) term(i uint64) uint64 {
	if i == w.snapIndex {
		return w.snapTerm
	}
	return w.entry(i).GetTerm()
}

// entry is the entry at an index, or nil.
func (w expectedLog) entry(i uint64) *raftpb.Entry {
	if i <= w.snapIndex || i > w.last() {
		return nil
	}
	return w.entries[i-w.snapIndex-1]
}

func newEntry(r *rand.Rand, term, index uint64, most int) *raftpb.Entry {
	e := &raftpb.Entry{Term: proto.Uint64(term), Index: proto.Uint64(index)}
	if n := r.Intn(most); n > 0 {
		// No payload is like another, and none has a zero byte: a piece that
		// was not written shows.
		e.Data = fmt.Appendf(nil, "%d/%d/", term, index)
		for len(e.Data) < n {
			e.Data = append(e.Data, byte(1+r.Intn(255)))
		}
	}
	if r.Intn(5) == 0 {
		e.Type = raftpb.EntryType(1 + r.Intn(2)).Enum()
	}
	return e
}

// change is one call and what it makes of a expectedLog.
type change struct {
	name    string
	do      func(s *DiskStorage) error
	next    expectedLog
	kept    uint64 // entries up to here that were on disk stay there whatever happens
	flushes bool   // all of next is on disk after it, in either mode
}

func (w expectedLog) save(name string, hs hardState, entries []*raftpb.Entry, snap *raftpb.Snapshot) change {
	n := w
	n.hs = hs
	if snap != nil {
		n.snapIndex, n.snapTerm = snap.Metadata.GetIndex(), snap.Metadata.GetTerm()
		n.snapData, n.entries = string(snap.Data), nil
	}
	kept := n.last()
	if len(entries) > 0 {
		at := entries[0].GetIndex() - n.snapIndex - 1
		n.entries = append(n.entries[:at:at], entries...)
		kept = entries[0].GetIndex() - 1
	}
	return change{name: name, next: n, kept: kept, flushes: snap != nil && len(entries) == 0, do: func(s *DiskStorage) error {
		h := &raftpb.HardState{Term: &hs.term, Vote: &hs.vote, Commit: &hs.commit}
		return s.Save(h, entries, snap)
	}}
}

func (w expectedLog) run(r *rand.Rand, from, term uint64, n, most int) []*raftpb.Entry {
	var list []*raftpb.Entry
	for i := range n {
		list = append(list, newEntry(r, term, from+uint64(i), most))
	}
	return list
}

// next draws a change that a Raft could ask for.
func (w expectedLog) draw(r *rand.Rand, batch, most int) change {
	hs := w.hs
	hs.term = max(hs.term, w.term(w.last()), 1)
	switch k := r.Intn(12); {
	case k < 5 || w.last() == w.snapIndex && k < 10:
		n := 1 + r.Intn(batch)
		hs.commit = w.hs.commit + uint64(r.Intn(int(w.last()-w.hs.commit)+n+1))
		return w.save("append", hs, w.run(r, w.last()+1, hs.term, n, most), nil)
	case k < 8 && w.last() > max(w.hs.commit, w.snapIndex):
		from := max(w.hs.commit, w.snapIndex) + 1
		from += uint64(r.Intn(int(w.last() - from + 1)))
		hs.term++
		hs.vote = uint64(1 + r.Intn(3))
		return w.save("overwrite", hs, w.run(r, from, hs.term, 1+r.Intn(batch), most), nil)
	case k == 8:
		hs.term++
		hs.vote = uint64(1 + r.Intn(3))
		hs.commit = w.last() - uint64(r.Intn(int(w.last()-w.hs.commit)+1))
		return w.save("vote", hs, nil, nil)
	case k == 9:
		// A snapshot that ends in the log's middle conflicts with it there.
		index := w.hs.commit + 1 + uint64(r.Intn(int(w.last()-w.hs.commit)+10))
		return w.installAt(r, index, max(0, r.Intn(2*batch)-batch))
	case w.hs.commit > w.snapIndex:
		return w.snapshotAt(w.snapIndex + 1 + uint64(r.Intn(int(w.hs.commit-w.snapIndex))))
	}
	return w.draw(r, batch, most)
}

func (w expectedLog) snapshotAt(index uint64) change {
	n := w
	n.snapIndex, n.snapTerm = index, w.term(index)
	n.snapData = fmt.Sprintf("state at %d", index)
	n.entries = w.entries[index-w.snapIndex:]
	return change{name: "snapshot", next: n, kept: w.last(), flushes: true, do: func(s *DiskStorage) error {
		return s.CreateSnapshot(index, &raftpb.ConfState{Voters: []uint64{1, 2, 3}}, []byte(n.snapData))
	}}
}

func (w expectedLog) sync() change {
	return change{name: "sync", next: w, kept: w.last(), flushes: true, do: (*DiskStorage).Sync}
}

// installAt saves a snapshot, entries after it and a commit index among those.
func (w expectedLog) installAt(r *rand.Rand, index uint64, after int) change {
	hs := w.hs
	hs.term++
	hs.commit = index + uint64((after+1)/2)
	snap := &raftpb.Snapshot{Data: bytes.Repeat([]byte{byte(1 + r.Intn(255))}, 1+r.Intn(2000)),
		Metadata: &raftpb.SnapshotMetadata{ConfState: &raftpb.ConfState{Voters: []uint64{1, 2}}, Index: &index, Term: proto.Uint64(hs.term)}}
	return w.save("install", hs, w.run(r, index+1, hs.term, after, 300), snap)
}

// tour is a history over several files: appends, a rewrite from inside the
// first file, a compaction, a new file when one is full to the last slot, and
// a snapshot that ends in the log's middle.
func tour() []func(r *rand.Rand, w expectedLog) change {
	// n entries of a term from an index on, and a commit index.
	save := func(name string, from, term uint64, n int, commit uint64) func(r *rand.Rand, w expectedLog) change {
		return func(r *rand.Rand, w expectedLog) change {
			return w.save(name, hardState{term, 1, commit}, w.run(r, from, term, n, 100), nil)
		}
	}
	return []func(r *rand.Rand, w expectedLog) change{
		save("append", 1, 1, 100, 5),
		func(r *rand.Rand, w expectedLog) change { return w.sync() },
		save("overwrite", 10, 2, 5, 9),
		save("append", 15, 2, 90, 60),
		func(r *rand.Rand, w expectedLog) change { return w.snapshotAt(55) },
		save("fill a file", 105, 2, 16, 61),
		save("rotate", 121, 2, 24, 61),
		func(r *rand.Rand, w expectedLog) change { return w.installAt(r, 70, 3) },
	}
}
