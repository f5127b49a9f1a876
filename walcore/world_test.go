package walcore

import (
	"bytes"
	"fmt"
	"math/rand"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// world is what a log should hold.
type world struct {
	snapIndex, snapTerm uint64
	snapData            string
	entries             []*raftpb.Entry // behind the snapshot
	hs                  hardState
}

func (w world) last() uint64 { return w.snapIndex + uint64(len(w.entries)) }

func (w world) term(i uint64) uint64 {
	if i == w.snapIndex {
		return w.snapTerm
	}
	return w.entries[i-w.snapIndex-1].GetTerm()
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

// change is one call and what it makes of a world.
type change struct {
	name string
	do   func(s *DiskStorage) error
	next world
	kept uint64 // entries up to here are in the log whatever happens
}

func (w world) save(name string, hs hardState, entries []*raftpb.Entry, snap *raftpb.Snapshot) change {
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
	return change{name: name, next: n, kept: kept, do: func(s *DiskStorage) error {
		h := &raftpb.HardState{Term: &hs.term, Vote: &hs.vote, Commit: &hs.commit}
		return s.Save(h, entries, snap)
	}}
}

func (w world) run(r *rand.Rand, from, term uint64, n, most int) []*raftpb.Entry {
	var list []*raftpb.Entry
	for i := range n {
		list = append(list, newEntry(r, term, from+uint64(i), most))
	}
	return list
}

// next draws a change that a Raft could ask for.
func (w world) draw(r *rand.Rand, batch, most int) change {
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
		hs.term++
		hs.commit = index
		snap := &raftpb.Snapshot{Data: bytes.Repeat([]byte{byte(1 + r.Intn(255))}, 1+r.Intn(2000)),
			Metadata: &raftpb.SnapshotMetadata{ConfState: &raftpb.ConfState{Voters: []uint64{1, 2}}, Index: &index, Term: proto.Uint64(hs.term)}}
		var after []*raftpb.Entry
		if r.Intn(2) == 0 {
			after = w.run(r, index+1, hs.term, 1+r.Intn(batch), most)
		}
		return w.save("install", hs, after, snap)
	case w.hs.commit > w.snapIndex:
		n := w
		n.snapIndex += 1 + uint64(r.Intn(int(w.hs.commit-w.snapIndex)))
		n.snapTerm = w.term(n.snapIndex)
		n.snapData = fmt.Sprintf("state at %d", n.snapIndex)
		n.entries = w.entries[n.snapIndex-w.snapIndex:]
		return change{name: "snapshot", next: n, kept: w.last(), do: func(s *DiskStorage) error {
			return s.CreateSnapshot(n.snapIndex, &raftpb.ConfState{Voters: []uint64{1, 2, 3}}, []byte(n.snapData))
		}}
	}
	return w.draw(r, batch, most)
}

// compare says how a storage differs from what a crash between old and
// c.next, or after it if done, may leave. "" means that it does not.
func (c change) compare(s *DiskStorage, old world, done bool) string {
	snap, err := s.Snapshot()
	if err != nil {
		return err.Error()
	}
	first, _ := s.FirstIndex()
	last, _ := s.LastIndex()
	hs, _, _ := s.InitialState()
	md := snap.GetMetadata()
	snapOf := func(w world) bool {
		return md.GetIndex() == w.snapIndex && md.GetTerm() == w.snapTerm && string(snap.Data) == w.snapData
	}
	switch {
	case done && !snapOf(c.next), !snapOf(old) && !snapOf(c.next):
		return fmt.Sprintf("snapshot %d/%d", md.GetIndex(), md.GetTerm())
	case md.GetIndex() > 0 && first != md.GetIndex()+1:
		return fmt.Sprintf("first index %d behind snapshot %d", first, md.GetIndex())
	case hs.GetCommit() > last:
		return fmt.Sprintf("commit %d, last %d", hs.GetCommit(), last)
	}
	voted := func(w world) bool { return hs.GetTerm() == w.hs.term && hs.GetVote() == w.hs.vote }
	if !voted(c.next) && (done || !voted(old)) {
		return fmt.Sprintf("hard state %v", hs)
	}
	kept := c.kept
	if snapOf(old) && !snapOf(c.next) && c.next.snapIndex > old.snapIndex {
		kept = old.last() // the snapshot comes first
	}
	if done {
		kept = c.next.last()
	}
	if last < kept {
		return fmt.Sprintf("last index %d, but %d was acknowledged", last, kept)
	}
	if first > last {
		return ""
	}
	got, err := s.Entries(first, last+1, 1<<40)
	if err != nil {
		return err.Error()
	}
	match := func(w world) string {
		if last > w.last() {
			return fmt.Sprintf("last index %d, want at most %d", last, w.last())
		}
		for _, e := range got {
			i := e.GetIndex()
			if i <= w.snapIndex {
				continue
			}
			if want := w.entries[i-w.snapIndex-1]; !proto.Equal(e, want) {
				return fmt.Sprintf("entry %v, want %v", e, want)
			}
		}
		return ""
	}
	problem := match(c.next)
	if problem != "" && !done && match(old) == "" {
		return ""
	}
	return problem
}
