package etcd

import (
	"fmt"
	"slices"
	"sort"

	"github.com/walfs/walfs/walcore"
)

// span is entries of the log that are in slots of one segment one after the other, with
// indexes that follow one another, of one term and type.
type span struct {
	segment     int // its place among the segments
	slot, n     int
	index, term uint64
	typ         walcore.EntryType
}

func (s span) end() uint64 { return s.index + uint64(s.n) } // the index behind the last one

// from is the part of a span with an index of at least index.
func (s span) from(index uint64) span {
	if index > s.index {
		k := int(min(index-s.index, uint64(s.n)))
		s.slot, s.index, s.n = s.slot+k, s.index+uint64(k), s.n-k
	}
	return s
}

// gap is indexes that no entry has, both ends included.
type gap struct {
	first, last uint64
	lost        bool // they were in the log; otherwise a snapshot stands for them
}

// chain is the log that segments make, one after the other.
//
// Each segment goes on from the sum of the one before. Where that does not fit, or a record
// is damaged, the chain is broken: records are lost, and they may have replaced entries
// before them. What comes behind the break is right by its own sums; what is kept of that
// before it, keptBefore says.
type chain struct {
	segments []*segment

	spans    []span // upwards
	replaced []span // by a later leader's entries, in the order of the records
	gaps     []gap  // upwards, each with entries behind it
	problems problemList

	state     *walcore.HardState
	snapshots []snapshotRecord
	ids       *ids

	begin    uint64          // the lowest index that it ever had; 0: none
	broken   bool            // records are lost behind what was read last
	received *snapshotRecord // stands for what is missing behind the last entry; nil: nothing is
}

// link makes the log. The last segment is the one that is written to.
func link(segments []*segment) *chain {
	c := &chain{segments: segments, ids: commonIDs(segments)}
	for i, s := range segments {
		if c.follows(i) {
			c.read(i)
		}
		if s.fault != nil {
			c.reportFault(i)
		}
	}
	return c
}

// commonIDs are those that most segments have, of several the newest ones.
func commonIDs(segments []*segment) (most *ids) {
	counts := map[ids]int{}
	for _, s := range segments {
		if s.ids == nil {
			continue
		}
		counts[*s.ids]++
		if most == nil || counts[*s.ids] >= counts[*most] {
			most = s.ids
		}
	}
	return most
}

// follows reports whether a segment can come behind those before it, and whether the chain is
// broken there.
func (c *chain) follows(i int) bool {
	s := c.segments[i]
	name := s.name.String()
	leftOut := func(kind walcore.Kind, format string, args ...any) bool {
		c.problems.file(name, kind, format+": no entry of it is shown", args...)
		c.broken = true
		return false
	}
	if s.ids != nil && *s.ids != *c.ids {
		return leftOut(walcore.KindConflict, "is of node %x of cluster %x, the directory's is node %x of cluster %x", s.ids.node, s.ids.cluster, c.ids.node, c.ids.cluster)
	}
	if !s.begun && s.fault == nil {
		return leftOut(walcore.KindCut, "holds no record")
	}
	if i == 0 {
		return true
	}
	before := c.segments[i-1]
	if s.name.seq != before.name.seq+1 {
		c.problems.file(name, walcore.KindHole, "comes behind %s: the segments between them are missing", before.name)
		c.broken = true
	}
	if !c.broken && s.start == before.sum {
		return true
	}
	// What a segment's name says, and that hard states only go forward, tell one that has
	// the name of another.
	switch {
	case len(s.runs) > 0 && s.runs[0].index > s.name.index && !s.hasSnapshotBefore(s.runs[0]):
		return leftOut(walcore.KindOrder, "begins with index %d, and by its name with one up to %d: it has another one's name", s.runs[0].index, s.name.index)
	case s.hasState && c.state != nil && (s.first.Term < c.state.Term || s.first.Commit < c.state.Commit):
		return leftOut(walcore.KindOrder, "has an older hard state (term %d, commit %d) than the segments before it (term %d, commit %d): it has another one's name",
			s.first.Term, s.first.Commit, c.state.Term, c.state.Commit)
	case !c.broken:
		c.problems.file(name, walcore.KindChecksum, "goes on from the sum %08x, and %s ends with %08x: records between them are lost", s.start, before.name, before.sum)
		c.broken = true
	}
	return true
}

// hasSnapshotBefore reports whether a snapshot was received just before an entry.
func (s *segment) hasSnapshotBefore(r run) bool {
	return slices.ContainsFunc(s.snapshots, func(snap snapshotRecord) bool { return snap.slot <= r.slot && snap.index+1 >= r.index })
}

// read adds a segment's records.
func (c *chain) read(i int) {
	s := c.segments[i]
	snapshots := s.snapshots
	for k, r := range s.runs {
		end := s.n
		if k+1 < len(s.runs) {
			end = s.runs[k+1].slot
		}
		for len(snapshots) > 0 && snapshots[0].slot < end {
			// One within a run does not change how the run goes on.
			if snapshots[0].slot <= r.slot {
				c.receive(&snapshots[0])
			}
			snapshots = snapshots[1:]
		}
		if !c.add(span{segment: i, slot: r.slot, n: end - r.slot, index: r.index, term: r.term, typ: r.typ}) {
			c.broken = true
			break
		}
	}
	for k := range snapshots {
		c.receive(&snapshots[k])
	}
	c.snapshots = append(c.snapshots, s.snapshots...)
	if s.hasState {
		last := s.last
		c.state = &last
	}
	if s.fault != nil && !c.isTorn(i) {
		c.broken = true
	}
}

// receive takes note of a snapshot. A node takes one itself of entries that it has. One that
// it has received stands for entries that it does not have, or for others than it has: these
// are not in the log any more, but for those that were committed before.
func (c *chain) receive(s *snapshotRecord) {
	if s.index == 0 {
		return
	}
	before, ok := c.lastBelow(s.index + 1)
	if has := ok && s.index < before.end(); has && before.term == s.term || !has && s.index <= c.last() {
		return // of entries that it has, or once had
	}
	if ok && before.term != s.term {
		commit := s.commit
		if c.broken {
			commit = c.committed()
		}
		c.keep(commit + 1)
	}
	c.received = s
}

// add adds entries to the log. If they cannot be behind those before them, it reports that,
// and changes nothing.
func (c *chain) add(next span) bool {
	keep := c.keptBefore(next)
	if before, ok := c.lastBelow(keep); ok && before.term > next.term {
		c.problems.slot(c.segments[next.segment], next.slot, walcore.KindTerm, next.index,
			"is of term %d, and the entry %d before it of term %d: terms never go down. It, and what comes behind it in the file, is left out",
			next.term, min(before.end(), keep)-1, before.term)
		return false
	}
	skips := c.received != nil && !c.broken && c.received.index+1 >= next.index
	if end := c.end(); c.begin > 0 && next.index > end && !skips && !c.broken {
		c.problems.slot(c.segments[next.segment], next.slot, walcore.KindHole, next.index, "follows index %d: those between them are missing", end-1)
	}
	for _, s := range c.spans[c.firstFrom(next.index):] {
		c.replaced = append(c.replaced, s.from(next.index))
	}
	c.keep(keep)
	if first := max(c.end(), c.begin); c.begin > 0 && first < next.index {
		c.gaps = append(c.gaps, gap{first, next.index - 1, !skips})
	}
	c.append(next)
	c.broken, c.received = false, nil
	return true
}

// append makes next the log's end.
func (c *chain) append(next span) {
	if c.begin == 0 || next.index < c.begin {
		c.begin = next.index
	}
	c.spans = append(c.spans, next)
}

func (c *chain) last() uint64 { return endOf(c.spans) - 1 }

// end is the index behind the last one that was spoken of: of an entry, or of a gap.
func (c *chain) end() uint64 {
	end := endOf(c.spans)
	if k := len(c.gaps) - 1; k >= 0 {
		end = max(end, c.gaps[k].last+1)
	}
	return end
}

// endOf is the index behind the last one of spans.
func endOf(spans []span) uint64 {
	if len(spans) == 0 {
		return 1
	}
	return spans[len(spans)-1].end()
}

// keptBefore is up to which index, itself not included, entries stay when next is added.
// Where it is not certain that those before it are still in the log, it is what was
// committed, which nothing replaces.
//
// It is certain where no record between them is missing, or where both are of one term. A
// leader never replaces what it has written itself, and who has an entry of its has all of
// its before that.
func (c *chain) keptBefore(next span) uint64 {
	before, ok := c.lastBelow(next.index)
	if !ok || before.term == next.term || c.received != nil || !c.broken && next.index <= c.end() {
		return next.index
	}
	return min(next.index, c.committed()+1)
}

// committed is up to where entries were committed when the last segment but the one that is
// read had ended.
func (c *chain) committed() uint64 {
	if c.state == nil {
		return 0
	}
	return c.state.Commit
}

// lastBelow is the last span that has an entry below an index.
func (c *chain) lastBelow(index uint64) (span, bool) {
	k := sort.Search(len(c.spans), func(k int) bool { return c.spans[k].index >= index })
	if k == 0 {
		return span{}, false
	}
	return c.spans[k-1], true
}

// firstFrom finds the first span that ends behind an index.
func (c *chain) firstFrom(index uint64) int {
	return sort.Search(len(c.spans), func(k int) bool { return c.spans[k].end() > index })
}

// keep drops the entries with an index of at least end.
func (c *chain) keep(end uint64) {
	k := c.firstFrom(end)
	if k < len(c.spans) && c.spans[k].index < end {
		c.spans[k].n = int(end - c.spans[k].index)
		k++
	}
	c.spans = c.spans[:k]
	for len(c.gaps) > 0 && c.gaps[len(c.gaps)-1].first >= end {
		c.gaps = c.gaps[:len(c.gaps)-1]
	}
	if k := len(c.gaps) - 1; k >= 0 {
		c.gaps[k].last = min(c.gaps[k].last, end-1)
	}
}

// isTorn reports whether a segment ends with a record of which only a part was written. That
// is no damage: in the one that is written to, the log ends before it.
func (c *chain) isTorn(i int) bool {
	f := c.segments[i].fault
	return f != nil && i == len(c.segments)-1 && (f.cut || f.zeros)
}

// reportFault says what stands where the records of a segment end.
func (c *chain) reportFault(i int) {
	s := c.segments[i]
	if c.isTorn(i) {
		c.problems.at(s, walcore.KindTorn, "the last record was only partly written (%s): the log ends before it, and etcd cuts it off", s.fault.message)
		return
	}
	c.problems.at(s, s.fault.kind, "%s: what stands behind it in the file cannot be verified, and is left out", s.fault.message)
}

// problemList gathers problems, up to as many as anybody reads.
type problemList struct {
	list []walcore.Problem
	more int
}

const maxProblems = 1000

func (l *problemList) add(p walcore.Problem) {
	if len(l.list) >= maxProblems {
		l.more++
		return
	}
	l.list = append(l.list, p)
}

func (l *problemList) file(name string, kind walcore.Kind, format string, args ...any) {
	l.add(walcore.FileProblem(name, kind, fmt.Sprintf(format, args...)))
}

// at adds a problem with where the records of a segment end.
func (l *problemList) at(s *segment, kind walcore.Kind, format string, args ...any) {
	l.add(walcore.SlotProblem(s.name.String(), s.n, kind, fmt.Sprintf(format, args...)).At(uint64(s.end)))
}

// slot adds a problem with an entry.
func (l *problemList) slot(s *segment, slot int, kind walcore.Kind, index uint64, format string, args ...any) {
	l.add(walcore.SlotProblem(s.name.String(), slot, kind, fmt.Sprintf(format, args...)).At(uint64(s.row(slot).frame) * frameUnit).OfEntry(index))
}

// all gives the problems in a form to show.
func (l *problemList) all() []walcore.Problem {
	if l.more == 0 {
		return l.list
	}
	return append(slices.Clip(l.list), walcore.FileProblem(".", l.list[0].Kind, fmt.Sprintf("and %d more problems", l.more)))
}
