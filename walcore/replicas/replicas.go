// Package replicas compares the logs of one Raft group's nodes. Raft promises
// that entries of the same index and term are the same, and that a committed
// entry is the same everywhere; Compare finds where that does not hold, and
// tells it from a follower that only lags.
//
//	report, err := replicas.Compare(readers)
package replicas

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"iter"
	"math"

	"github.com/walfs/walfs/fsview"
	"github.com/walfs/walfs/walcore"
)

// Report is what Compare finds, and the JSON of walfs diff.
type Report struct {
	Replicas []Replica `json:"replicas"`
	// Common is the range of indexes that all logs reach; nil where they do
	// not overlap.
	Common *Range `json:"common"`
	// Parted is the first index at which two logs differ.
	Parted *Difference `json:"parted"`
	// Broken is the first at which they differ although both had committed
	// it: Raft's promise is broken. Nil for logs of different groups, which
	// have promised nothing.
	Broken  *Difference `json:"broken"`
	Differs uint64      `json:"differs"` // how many indexes do
	// Ahead is what a replica has above the last index of another.
	Ahead []Ahead `json:"ahead"`
	// Notes are other things that replicas of one group should not have.
	Notes []string `json:"notes"`
	// Unreadable counts entries that could not be compared in full: damaged,
	// or sealed without a key.
	Unreadable uint64 `json:"unreadable"`

	oneGroup bool // no two of the logs name different groups
}

// Alike reports whether nothing differs but how far the logs reach.
func (r *Report) Alike() bool { return r.Parted == nil && len(r.Notes) == 0 }

// Replica is one directory.
type Replica struct {
	Dir        string            `json:"dir"`
	RaftID     *uint64           `json:"raft_id"`
	GroupID    *uint64           `json:"group_id"`
	FirstIndex uint64            `json:"first_index"` // of the entries in the log; 0: none
	LastIndex  uint64            `json:"last_index"`
	HardState  *fsview.HardState `json:"hard_state"`
	Snapshot   *fsview.Snapshot  `json:"snapshot"`
	Problems   int               `json:"problems"`
}

// Range is indexes, both ends included.
type Range struct {
	First uint64 `json:"first_index"`
	Last  uint64 `json:"last_index"`
}

// Ahead says that Dir's log goes on where Behind's ends.
type Ahead struct {
	Dir    string `json:"dir"`
	Behind string `json:"behind"`
	Range
}

// Difference is an index and what the replicas that have it hold there.
type Difference struct {
	Index   uint64    `json:"index"`
	What    string    `json:"what"` // term, type or payload
	Byte    *int      `json:"byte"` // of a payload: the first that differs, from 0
	Entries []Version `json:"entries"`
}

// Version is one replica's entry. Data is its payload, not shown in JSON.
type Version struct {
	Dir       string  `json:"dir"`
	Term      uint64  `json:"term"`
	Type      string  `json:"type"`
	Size      int64   `json:"size"`
	SHA256    *string `json:"sha256"` // nil: the payload could not be read
	Committed bool    `json:"committed"`

	Entry walcore.Entry `json:"-"`
	Data  []byte        `json:"-"`
}

// Compare reads all logs side by side, and holds no more of them than their
// readers do.
// What cannot be read is left out and counted: of an entry whose payload is
// sealed or damaged, term and type are still compared.
func Compare(readers []*walcore.Reader) *Report {
	rep := &Report{}
	logs := make([]*log, len(readers))
	for i, r := range readers {
		rep.Replicas = append(rep.Replicas, newReplica(r))
		logs[i] = newLog(r)
		defer logs[i].stop()
	}
	rep.Common = common(rep.Replicas)
	rep.Ahead = ahead(rep.Replicas)
	rep.Notes, rep.oneGroup = notes(rep.Replicas)
	for {
		index := uint64(math.MaxUint64)
		for _, l := range logs {
			if l.ok {
				index = min(index, l.entry.Index)
			}
		}
		if index == math.MaxUint64 {
			return rep
		}
		var here []*log
		for _, l := range logs {
			if l.ok && l.entry.Index == index {
				here = append(here, l)
			} else if l.r.Log().Gap(index, index) != nil {
				rep.Unreadable++
			}
		}
		rep.at(index, here)
		for _, l := range here {
			l.entry, l.ok = l.next()
		}
	}
}

// log is a replica's entries, one ahead.
type log struct {
	r        *walcore.Reader
	next     func() (walcore.Entry, bool)
	stop     func()
	entry    walcore.Entry
	ok       bool
	payloads walcore.Scanner
	data     []byte
	err      error // why there is no data
}

func newLog(r *walcore.Reader) *log {
	l := &log{r: r}
	l.next, l.stop = iter.Pull(r.Log().Entries(0))
	l.entry, l.ok = l.next()
	return l
}

// at compares the entries of those that have one with an index.
func (r *Report) at(index uint64, here []*log) {
	for _, l := range here {
		if l.data, l.err = l.payloads.Data(&l.entry); l.err != nil {
			r.Unreadable++
		}
	}
	for i, a := range here {
		for _, b := range here[i+1:] {
			if what := differs(a, b); what != "" {
				r.differ(index, what, here)
				return
			}
		}
	}
}

// differs says by what two entries differ, "" if by nothing that can be read.
func differs(a, b *log) string {
	switch {
	case a.entry.Term != b.entry.Term:
		return "term"
	case a.entry.Type != b.entry.Type:
		return "type"
	case a.entry.Size != b.entry.Size, a.err == nil && b.err == nil && !bytes.Equal(a.data, b.data):
		return "payload"
	}
	return ""
}

func (r *Report) differ(index uint64, what string, here []*log) {
	r.Differs++
	broken := r.oneGroup && broken(index, here)
	if r.Parted != nil && (r.Broken != nil || !broken) {
		return
	}
	d := &Difference{Index: index, What: what}
	for _, l := range here {
		v := Version{Dir: l.r.Path, Term: l.entry.Term, Type: fsview.TypeName(l.entry.Type), Size: l.entry.Size,
			Committed: l.committed(index), Entry: l.entry}
		if l.err == nil {
			sum := sha256.Sum256(l.data)
			text := hex.EncodeToString(sum[:])
			v.SHA256, v.Data = &text, bytes.Clone(l.data)
		}
		d.Entries = append(d.Entries, v)
	}
	if what == "payload" {
		d.Byte = firstByte(here)
	}
	if r.Parted == nil {
		r.Parted = d
	}
	if broken && r.Broken == nil {
		r.Broken = d
	}
}

func (l *log) committed(index uint64) bool { return index <= l.r.Meta().HardState.GetCommit() }

// broken reports whether two committed entries differ.
func broken(index uint64, here []*log) bool {
	for i, a := range here {
		for _, b := range here[i+1:] {
			if a.committed(index) && b.committed(index) && differs(a, b) != "" {
				return true
			}
		}
	}
	return false
}

// firstByte finds where payloads begin to differ; nil where those that differ in
// size cannot be read.
func firstByte(here []*log) *int {
	var at *int
	for i, a := range here {
		for _, b := range here[i+1:] {
			if a.err != nil || b.err != nil || bytes.Equal(a.data, b.data) {
				continue
			}
			n := 0
			for n < min(len(a.data), len(b.data)) && a.data[n] == b.data[n] {
				n++
			}
			if at == nil || n < *at {
				at = &n
			}
		}
	}
	return at
}
