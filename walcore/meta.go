package walcore

import (
	"io"
	"slices"
	"strconv"
)

// Meta is what a directory says of its node, beside the entries. A nil field is
// not known, which is not zero.
type Meta struct {
	Path    string   // the directory
	Dir     Attr     // of the directory
	Attr    Attr     // of the file that holds the metadata, or else the directory's
	Ignored []string // names in the directory that are no part of the log
	System  *System
	// Damaged says that the nil fields were damaged. Otherwise they are nil because
	// the system does not store them.
	Damaged bool

	RaftID          *uint64
	GroupID         *uint64
	CheckpointIndex *uint64 // the last applied index that has been stored
	HardState       *HardState
	// SnapshotIndex and SnapshotTerm are what stands beside the snapshot, not in
	// it; 0: there is none.
	SnapshotIndex, SnapshotTerm *uint64
	// Snapshot is the stored snapshot; one with index 0 says that there is none.
	Snapshot *Snapshot
}

// HardState has the fields of raftpb.HardState: what a node must not forget.
type HardState struct {
	Term   uint64 `json:"term"`
	Vote   uint64 `json:"vote"`
	Commit uint64 `json:"commit"`
}

// ConfState has the fields of raftpb.ConfState: who is in the group.
type ConfState struct {
	Voters         []uint64 `json:"voters,omitempty"`
	Learners       []uint64 `json:"learners,omitempty"`
	VotersOutgoing []uint64 `json:"voters_outgoing,omitempty"`
	LearnersNext   []uint64 `json:"learners_next,omitempty"`
	AutoLeave      bool     `json:"auto_leave"`
}

// Snapshot is a stored snapshot.
type Snapshot struct {
	Index, Term uint64
	ConfState   ConfState
	Attr        Attr    // of the file that it is in
	Data        Section // the application's blob
	Stored      Section // all of it, as it is stored
}

// Section is a part of a file; its bytes are read from 0 to Size. Reading fails with
// ErrChanged once the file holds something else there.
type Section struct {
	io.ReaderAt
	Size int64
}

// System says what a system calls its entries.
type System struct {
	Name  string // as in dgraph
	Types []TypeName
}

// EntryType is what an entry is for. The first three are Raft's own, with the
// numbers that raftpb gives them; those of a system follow.
type EntryType uint32

// Raft's own types.
const (
	EntryNormal EntryType = iota
	EntryConfChange
	EntryConfChangeV2
)

// TypeName is what an entry type is called: in the tree and on command lines,
// and as the system's own code has it.
type TypeName struct {
	Type         EntryType
	Name, Symbol string
}

// RaftTypes are the types that Raft itself has.
var RaftTypes = []TypeName{
	{EntryNormal, "normal", "EntryNormal"},
	{EntryConfChange, "conf_change", "EntryConfChange"},
	{EntryConfChangeV2, "conf_change_v2", "EntryConfChangeV2"},
}

// TypeName gives the names of a type. A type that the system does not have gets its
// number as its name, and known is false.
func (s *System) TypeName(t EntryType) (name TypeName, known bool) {
	for _, n := range s.Types {
		if n.Type == t {
			return n, true
		}
	}
	number := strconv.FormatInt(int64(int32(t)), 10)
	return TypeName{t, number, number}, false
}

// FindType finds a type by its name.
func (s *System) FindType(name string) (EntryType, bool) {
	i := slices.IndexFunc(s.Types, func(n TypeName) bool { return n.Name == name })
	if i < 0 {
		return 0, false
	}
	return s.Types[i].Type, true
}
