package etcd

import (
	"fmt"
	"path"
	"slices"

	"github.com/walfs/walfs/walcore"
)

var system = walcore.System{Name: walcore.Etcd, Types: walcore.RaftTypes, HexIDs: true}

// summarize puts what the records say into the words that all systems share.
func (r *Reader) summarize(c *chain) {
	m := &r.meta
	if c.ids != nil {
		m.NodeID, m.ClusterID = &c.ids.node, &c.ids.cluster
	} else if m.Damaged = true; len(c.segments) > 0 {
		r.report(c.segments[0].name.String(), walcore.KindMeta, "no segment says whose log it is")
	}
	commit := uint64(0)
	if c.state != nil {
		commit = c.state.Commit
	}
	if c.broken {
		m.Damaged = true // records that are lost may have had a later one
	} else {
		m.HardState = &walcore.HardState{}
		if c.state != nil {
			*m.HardState = *c.state
		}
	}
	r.readSnapshots(c.snapshots, commit)
	last := r.last()
	if m.Snapshot != nil {
		m.SnapshotIndex, m.SnapshotTerm = &m.Snapshot.Index, &m.Snapshot.Term
		if first := m.Snapshot.Index + 1; m.Snapshot.Index > 0 || c.begin <= 1 {
			r.firstIndex = &first
		}
		last = max(last, m.Snapshot.Index)
	}
	if !c.broken && (m.Snapshot != nil || r.last() > 0) {
		r.lastIndex = &last
		if commit > last {
			r.report(".", walcore.KindCommit, "the commit index is %d, the log ends at %d: entries are lost", commit, last)
		}
	}
	snapshot := uint64(0)
	if m.Snapshot != nil {
		snapshot = m.Snapshot.Index
	}
	if begin := r.begin(); begin > snapshot+1 {
		r.report(".", walcore.KindSnapshot, "the log begins with index %d, and no whole snapshot reaches up to it (index %d): a node cannot start from them", begin, snapshot)
	}
}

// unreadableSegment is the newest segment that cannot be read.
func (r *Reader) unreadableSegment() (newest segmentName, ok bool) {
	for _, name := range r.unreadable {
		if n, is := parseSegmentName(path.Base(name)); is {
			newest, ok = n, true
		}
	}
	return newest, ok
}

// begin is the first entry's index, 0 if there is none.
func (l *log) begin() uint64 {
	if len(l.spans) == 0 {
		return 0
	}
	return l.spans[0].index
}

// readSnapshots reads the files of snapshots.
func (r *Reader) readSnapshots(named []snapshotRecord, commit uint64) {
	known := r.follower.snapshots
	r.follower.snapshots = map[*openFile]*snapshotFile{}
	newest := uint64(0)
	for _, s := range named {
		newest = max(newest, s.index)
	}
	for _, n := range r.native {
		term, index, ok := parsePair(path.Base(n.name), ".snap")
		if !ok || path.Dir(n.name) != r.follower.layout.Snap {
			continue
		}
		s := known[n.openFile]
		if s == nil || s.attr != n.attr {
			s = &snapshotFile{attr: n.attr}
			s.snapshot, s.err = readSnapshot(n.openFile, n.attr, term, index)
		}
		r.follower.snapshots[n.openFile] = s
		if s.err != nil && index > newest {
			continue // a node that writes it, or was killed at that, has not named it yet
		}
		if s.err != nil {
			r.report(n.name, walcore.KindSnapshot, "is not whole: %v", s.err)
			continue
		}
		r.meta.Snapshots = append(r.meta.Snapshots, s.snapshot)
	}
	slices.SortFunc(r.meta.Snapshots, byIndex)
	chosen, missing := chooseSnapshot(r.meta.Snapshots, named, commit)
	switch {
	case chosen != nil:
		r.meta.Snapshot = chosen
	case missing == nil:
		r.meta.Snapshot = &walcore.Snapshot{}
	default:
		r.meta.Damaged = true
	}
	if missing != nil {
		where := r.follower.layout.Snap
		if where == "" {
			where = "snap"
		}
		r.report(fmt.Sprintf("%s/%016x-%016x.snap", where, missing.term, missing.index), walcore.KindSnapshot,
			"the log names it, and there is no such file that is whole")
	}
}
