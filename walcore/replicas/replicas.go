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
	// it: Raft's promise is broken.
	Broken  *Difference `json:"broken"`
	Differs uint64      `json:"differs"` // how many indexes do
	// Ahead is what a replica has above the last index of another.
	Ahead []Ahead `json:"ahead"`
	// Notes are other things that replicas of one group should not have.
	Notes []string `json:"notes"`
	// Unreadable counts entries that could not be compared.
	Unreadable uint64 `json:"unreadable"`
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
	What    string    `json:"what"`           // term, type or payload
	Byte    int       `json:"byte,omitempty"` // of a payload: the first that differs
	Entries []Version `json:"entries"`
}

// Version is one replica's entry. Data is its payload, not shown in JSON.
type Version struct {
	Dir       string `json:"dir"`
	Term      uint64 `json:"term"`
	Type      string `json:"type"`
	Size      int64  `json:"size"`
	SHA256    string `json:"sha256"`
	Committed bool   `json:"committed"`

	Entry walcore.Entry `json:"-"`
	Data  []byte        `json:"-"`
}

// Compare reads all logs side by side, in memory that does not grow with them.
// An entry that cannot be read is left out and counted.
func Compare(readers []*walcore.Reader) *Report {
	rep := &Report{Ahead: []Ahead{}, Notes: []string{}}
	logs := make([]*log, len(readers))
	for i, r := range readers {
		rep.Replicas = append(rep.Replicas, newReplica(r))
		logs[i] = newLog(r)
		defer logs[i].stop()
	}
	rep.Common = common(rep.Replicas)
	rep.Ahead = append(rep.Ahead, ahead(rep.Replicas)...)
	rep.Notes = append(rep.Notes, notes(rep.Replicas)...)
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
		rep.at(index, logs)
	}
}

// log is a replica's entries, one ahead.
type log struct {
	r     *walcore.Reader
	next  func() (walcore.Entry, bool)
	stop  func()
	entry walcore.Entry
	ok    bool
	data  []byte
}

func newLog(r *walcore.Reader) *log {
	l := &log{r: r}
	l.next, l.stop = iter.Pull(r.Log().Entries(0))
	l.entry, l.ok = l.next()
	return l
}

// at compares the entries with an index, and steps over them.
func (r *Report) at(index uint64, logs []*log) {
	var first *log
	what := ""
	for _, l := range logs {
		if !l.ok || l.entry.Index != index {
			continue
		}
		var err error
		if l.data, err = l.entry.AppendData(l.data[:0]); err != nil {
			r.Unreadable++
			continue
		}
		if first == nil {
			first = l
		} else if what == "" {
			what = differs(first, l)
		}
	}
	if what != "" {
		r.differ(index, what, logs)
	}
	for _, l := range logs {
		if l.ok && l.entry.Index == index {
			l.entry, l.ok = l.next()
		}
	}
}

func differs(a, b *log) string {
	switch {
	case a.entry.Term != b.entry.Term:
		return "term"
	case a.entry.Type != b.entry.Type:
		return "type"
	case !bytes.Equal(a.data, b.data):
		return "payload"
	}
	return ""
}

func (r *Report) differ(index uint64, what string, logs []*log) {
	r.Differs++
	if r.Parted != nil && r.Broken != nil {
		return
	}
	d := &Difference{Index: index, What: what}
	for _, l := range logs {
		if !l.ok || l.entry.Index != index {
			continue
		}
		sum := sha256.Sum256(l.data)
		d.Entries = append(d.Entries, Version{
			Dir: l.r.Path, Term: l.entry.Term, Type: fsview.TypeName(l.entry.Type), Size: l.entry.Size,
			SHA256:    hex.EncodeToString(sum[:]),
			Committed: index <= l.r.Meta().HardState.GetCommit(),
			Entry:     l.entry, Data: bytes.Clone(l.data),
		})
	}
	if what == "payload" {
		d.Byte = firstByte(d.Entries)
	}
	if r.Parted == nil {
		r.Parted = d
	}
	if broken(d) && r.Broken == nil {
		r.Broken = d
	}
}

// firstByte finds where payloads begin to differ.
func firstByte(versions []Version) int {
	a := versions[0].Data
	at := len(a)
	for _, v := range versions[1:] {
		n := 0
		for n < min(at, len(v.Data)) && a[n] == v.Data[n] {
			n++
		}
		if n < len(a) || n < len(v.Data) {
			at = min(at, n)
		}
	}
	return at
}

// broken reports whether two committed versions differ.
func broken(d *Difference) bool {
	var first *Version
	for i := range d.Entries {
		v := &d.Entries[i]
		switch {
		case !v.Committed:
		case first == nil:
			first = v
		case v.Term != first.Term || v.Type != first.Type || v.SHA256 != first.SHA256:
			return true
		}
	}
	return false
}
