package storage

import (
	"errors"
	"fmt"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/dgraph"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// allowed is what a power loss may leave.
type allowed struct {
	logs []expectedLog // one of them, or less of its entries; the last is the newest
	// What must be there: entries up to kept, or up to keptNew if the disk has
	// the snapshot that the change has brought.
	kept, keptNew uint64

	manual bool // the commit index and the entries came in any order
	wrong  bool // payloads behind what is kept can be anything
}

func (o allowed) next() expectedLog { return o.logs[len(o.logs)-1] }

// keeps tells which entries a disk with this snapshot must hold, and in which
// log to look for them.
func (o allowed) keeps(snapIndex uint64) (kept uint64, of expectedLog) {
	if next := o.next(); snapIndex == next.snapIndex {
		return o.keptNew, next
	}
	return o.kept, o.logs[0]
}

// mayRefuse says that Open may find entries missing that were committed, or, where
// nothing tells whether a payload was written, others behind them that can be read.
func (o allowed) mayRefuse() bool {
	for _, w := range o.logs {
		if kept := min(o.kept, o.keptNew); o.manual && w.hs.commit > kept || o.wrong && w.last() > kept {
			return true
		}
	}
	return false
}

// compare says how a storage differs from what may be there. "" means that it
// does not.
func (o allowed) compare(s *DiskStorage) string {
	snap, err := s.Snapshot()
	if err != nil {
		return err.Error()
	}
	first, _ := s.FirstIndex()
	last, _ := s.LastIndex()
	hs, _, _ := s.InitialState()
	md := snap.GetMetadata()
	snapOf, voted := false, false
	for _, w := range o.logs {
		snapOf = snapOf || md.GetIndex() == w.snapIndex && md.GetTerm() == w.snapTerm && string(snap.Data) == w.snapData
		voted = voted || hs.GetTerm() == w.hs.term && hs.GetVote() == w.hs.vote
	}
	kept, _ := o.keeps(md.GetIndex())
	term, err := s.Term(last)
	if err != nil {
		return err.Error()
	}
	switch {
	case !snapOf:
		return fmt.Sprintf("snapshot %d/%d", md.GetIndex(), md.GetTerm())
	case !voted:
		return fmt.Sprintf("hard state %v", hs)
	case term > hs.GetTerm():
		return fmt.Sprintf("the log ends with term %d, the hard state's is %d", term, hs.GetTerm())
	case md.GetIndex() > 0 && first != md.GetIndex()+1:
		return fmt.Sprintf("first index %d behind snapshot %d", first, md.GetIndex())
	case last < kept:
		return fmt.Sprintf("last index %d, but %d was acknowledged", last, kept)
	case hs.GetCommit() > last:
		return fmt.Sprintf("commit %d, last %d", hs.GetCommit(), last)
	}
	if first > last {
		return ""
	}
	sure := last
	if _, err := s.Entries(first, last+1, 1<<40); err != nil {
		if !o.wrong || !errors.Is(err, walcore.ErrDamaged) {
			return err.Error()
		}
	}
	if o.wrong {
		sure = min(kept, last)
	}
	problem := ""
	for i := range o.logs {
		// The newest first: its answer is the one to tell.
		p := o.logs[len(o.logs)-1-i].match(s, first, sure, last)
		if p == "" {
			return ""
		}
		if problem == "" {
			problem = p
		}
	}
	return problem
}

// match compares the entries from first on: whole up to sure, their terms up
// to last.
func (w expectedLog) match(s *DiskStorage, first, sure, last uint64) string {
	if last > w.last() {
		return fmt.Sprintf("last index %d, want at most %d", last, w.last())
	}
	if first = max(first, w.snapIndex+1); first <= sure {
		got, err := s.Entries(first, sure+1, 1<<40)
		if err != nil {
			return err.Error()
		}
		for _, e := range got {
			if want := w.entry(e.GetIndex()); !proto.Equal(e, want) {
				return fmt.Sprintf("entry %v, want %v", e, want)
			}
		}
	}
	for i := max(first, sure+1); i <= last; i++ {
		if term, err := s.Term(i); err != nil || term != w.term(i) {
			return fmt.Sprintf("entry %d is of term %d, want %d, %v", i, term, w.term(i), err)
		}
	}
	return ""
}

// checkReader wants everything kept from a reader, and nothing from it that
// was never saved.
func (c *crashTest) checkReader(o allowed, dir string, tree bool) string {
	r, err := dgraph.OpenReader(dir, dgraph.ReaderOptions{Key: c.opts.Key, Plain: c.opts.Plain})
	if err != nil {
		if c.now.name == "create" {
			return ""
		}
		return fmt.Sprintf("reader: %v", err)
	}
	defer r.Close()
	snap := uint64(0)
	if i := r.Meta().SnapshotIndex; i != nil {
		snap = *i
	}
	kept, of := o.keeps(snap)
	next := snap + 1 // of those that are kept
	look := func(what string, e walcore.Entry, data []byte, err error) string {
		must := e.Index == next && e.Index <= kept
		if must {
			next++
		}
		switch want := c.saved[[2]uint64{e.Index, e.Term}]; {
		case must && err != nil:
			return fmt.Sprintf("%s: entry %d: %v", what, e.Index, err)
		case must && of.entry(e.Index) != want:
			return fmt.Sprintf("%s: entry %d is of term %d, want %v", what, e.Index, e.Term, of.entry(e.Index))
		case err != nil: // told, not hidden
		case want == nil:
			return fmt.Sprintf("%s: entry %d of term %d was never saved", what, e.Index, e.Term)
		case o.wrong && !must && e.Index > min(o.kept, o.keptNew):
		case string(want.Data) != string(data) || want.GetType() != raftpb.EntryType(e.Type):
			return fmt.Sprintf("%s: entry %d of term %d has %q, want %v", what, e.Index, e.Term, data, want)
		}
		return ""
	}
	for e := range r.Entries(0) {
		data, err := e.Data()
		if p := look("reader", e, data, err); p != "" {
			return p
		}
	}
	if next <= kept {
		return fmt.Sprintf("reader: entry %d is not shown, up to %d was acknowledged", next, kept)
	}
	if !tree {
		return ""
	}
	next = snap + 1
	err = viewEntries(r, func(index uint64, data []byte, err error) string {
		e, lost := r.Entry(index)
		return look("tree", e, data, errors.Join(lost, err))
	})
	if err != nil {
		return err.Error()
	}
	if next <= kept {
		return fmt.Sprintf("tree: entry %d is not shown, up to %d was acknowledged", next, kept)
	}
	return ""
}

func (c *crashTest) checkStorage(o allowed, dir string, more bool) string {
	opts := c.opts
	opts.wrap = nil
	// Before the first wal.meta is there the directory is not a log yet.
	opts.Create = c.now.name == "create"
	s, err := Open(dir, opts)
	if err != nil {
		if errors.Is(err, walcore.ErrDamaged) && o.mayRefuse() {
			c.refused.Add(1)
			return ""
		}
		return err.Error()
	}
	defer s.Close()
	if p := o.compare(s); p != "" || !more {
		return p
	}
	// What was put right stays right, and takes more.
	last, _ := s.LastIndex()
	term, err := s.Term(last)
	if err != nil {
		return err.Error()
	}
	e := &raftpb.Entry{Term: proto.Uint64(term + 1), Index: proto.Uint64(last + 1), Data: []byte("more")}
	hs, _, _ := s.InitialState()
	if hs.GetTerm() <= term {
		hs = hard(term+1, 0, hs.GetCommit())
	}
	if err := s.Save(hs, []*raftpb.Entry{e}, nil); err != nil {
		return err.Error()
	}
	if err := s.Close(); err != nil {
		return err.Error()
	}
	opts.Create = false
	if s, err = Open(dir, opts); err != nil {
		return fmt.Sprintf("opened again: %v", err)
	}
	defer s.Close()
	if p := s.Problems(); len(p) > 0 {
		return fmt.Sprintf("opened again: %v", p)
	}
	got, err := s.Entries(last+1, last+2, 0)
	if err != nil || !proto.Equal(got[0], e) {
		return fmt.Sprintf("opened again: %v, %v", got, err)
	}
	return ""
}
