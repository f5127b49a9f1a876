package diff

import (
	"context"
	"iter"
	"math"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/status"
)

// Report is what Compare finds, and the JSON of walfs diff.
type Report struct {
	Replicas []Replica `json:"replicas"`
	// Common is the range of indexes that all logs reach; nil where they do
	// not overlap.
	Common *Range `json:"common"`
	// Parted is the first index at which two logs differ. Entries that were
	// emptied in one of them do not count.
	Parted *Difference `json:"parted"`
	// Broken is the first index at which a promise of Raft is broken: where two
	// committed entries differ, or, if there is none, where two entries of the
	// same term do. It is nil for logs of different groups, to which the promises
	// do not apply.
	Broken  *Difference `json:"broken"`
	Differs uint64      `json:"differs"` // at how many indexes logs differ
	// Emptied lists the replicas with emptied entries whose payloads another
	// replica still has. That breaks no promise.
	Emptied []Emptied `json:"emptied"`
	// Ahead lists the entries that one replica has above the last index of
	// another.
	Ahead []Ahead `json:"ahead"`
	// Notes are other things that must not be in replicas of one group: different
	// group ids, or snapshots at one index that differ or cannot be compared.
	Notes []string `json:"notes"`
	// Unreadable counts entries that could not be compared in full: damaged,
	// or encrypted without a key.
	Unreadable uint64 `json:"unreadable"`

	oneGroup bool // no two of the logs name different groups
}

// Alike reports whether nothing differs, except how far the logs reach.
func (r *Report) Alike() bool {
	return r.Parted == nil && len(r.Emptied) == 0 && len(r.Notes) == 0
}

// Replica is one directory.
type Replica struct {
	Dir        string             `json:"dir"`
	System     string             `json:"system"`
	NodeID     string             `json:"node_id,omitempty"`    // in hex, of etcd's alone
	ClusterID  string             `json:"cluster_id,omitempty"` // in hex, of etcd's alone
	RaftID     *uint64            `json:"raft_id"`
	GroupID    *uint64            `json:"group_id"`
	FirstIndex uint64             `json:"first_index"` // of the entries in the log; 0: none
	LastIndex  uint64             `json:"last_index"`
	HardState  *walcore.HardState `json:"hard_state"`
	Stable     *walcore.Stable    `json:"stable,omitempty"` // of HashiCorp's alone
	Snapshot   *status.Snapshot   `json:"snapshot"`
	Problems   int                `json:"problems"`

	system   *walcore.System
	endKnown bool // it is known how far the log reaches
}

// Vote is whom the replica's node voted for, and whether that is known.
func (r *Replica) Vote() (id string, known bool) {
	if r.HardState == nil {
		return "", false
	}
	return r.system.ID(r.HardState.Vote), true
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

// Emptied says that Dir has normal entries without data, which another replica
// has with data. walfs truncate and dgraph debug --truncate make such entries.
// Range has the first and the last of them, Entries how many there are.
type Emptied struct {
	Dir string `json:"dir"`
	Range
	Entries uint64 `json:"entries"`
}

// Difference is an index at which replicas differ, and the entries they have there.
type Difference struct {
	Index   uint64    `json:"index"`
	What    string    `json:"what"`    // term, type or payload
	Promise Promise   `json:"promise"` // the one that it breaks
	Byte    *int      `json:"byte"`    // of a payload: the first that differs, from 0
	Entries []Version `json:"entries"`
}

// Version is one replica's entry. Data is its payload, not shown in JSON, and nil for
// one of more than payload.MaxData bytes.
type Version struct {
	Dir       string  `json:"dir"`
	Term      uint64  `json:"term"`
	Type      string  `json:"type"`
	Size      int64   `json:"size"`
	SHA256    *string `json:"sha256"`    // nil: the payload could not be read
	Committed *bool   `json:"committed"` // nil: the log does not tell

	Entry walcore.Entry `json:"-"`
	Data  []byte        `json:"-"`
}

// Compare reads all logs side by side, one index after the other, and holds one
// entry of each in memory. What cannot be read is left out, and counted in
// Unreadable: of an entry whose payload is encrypted or damaged, term, type and
// size are still compared. progress, if it is not nil, is told how many bytes of
// payloads are compared, of how many. It fails only if ctx ends.
func Compare(ctx context.Context, sources []walcore.Log, progress func(done, total int64)) (*Report, error) {
	rep := &Report{Emptied: []Emptied{}}
	logs := make([]*log, len(sources))
	var done, total int64
	for i, l := range sources {
		replica, bytes := newReplica(l)
		rep.Replicas = append(rep.Replicas, replica)
		total += bytes
		logs[i] = newLog(l)
		defer logs[i].stop()
	}
	rep.Common = common(rep.Replicas)
	rep.Ahead = ahead(rep.Replicas)
	rep.Notes, rep.oneGroup = groups(rep.Replicas)
	if rep.oneGroup {
		rep.snapshots(sources)
	}
	for {
		index := uint64(math.MaxUint64)
		for _, l := range logs {
			if l.ok {
				index = min(index, l.entry.Index)
			}
		}
		if index == math.MaxUint64 {
			return rep, nil
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		var here []*log
		for _, l := range logs {
			if l.ok && l.entry.Index == index {
				here = append(here, l)
			} else if l.Gap(index, index) != nil {
				rep.Unreadable++
			}
		}
		rep.compareAt(index, here)
		for _, l := range here {
			done += l.entry.Size
			l.entry, l.ok = l.next()
		}
		if progress != nil {
			progress(done, total)
		}
	}
}

// log is a replica, and the entry that has been reached in it.
type log struct {
	walcore.Log
	next     func() (walcore.Entry, bool)
	stop     func()
	entry    walcore.Entry
	ok       bool
	payloads walcore.Scanner
	data     []byte
	err      error // why there is no data
	emptied  bool  // the entry has no data, and another log's has
}

func newLog(source walcore.Log) *log {
	l := &log{Log: source}
	l.next, l.stop = iter.Pull(source.Entries(0))
	l.entry, l.ok = l.next()
	return l
}
