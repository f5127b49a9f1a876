package walcore

import (
	"encoding/json"
	"io"
	"slices"
	"strconv"
)

// The systems whose logs are read, as System.Name has them.
const (
	Dgraph    = "dgraph"
	Etcd      = "etcd"
	HashiCorp = "hashicorp"
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

	RaftID  *uint64
	GroupID *uint64
	// NodeID and ClusterID are what etcd keeps in the place of a raft id and a group id.
	NodeID, ClusterID *uint64
	CheckpointIndex   *uint64 // the last applied index that has been stored
	HardState         *HardState
	// Stable is what HashiCorp's library keeps in the place of a hard state.
	Stable *Stable
	// SnapshotIndex and SnapshotTerm are what stands beside the snapshot, not in
	// it; 0: there is none.
	SnapshotIndex, SnapshotTerm *uint64
	// Snapshot is the stored snapshot that the node starts from; one with index 0 says that
	// there is none.
	Snapshot *Snapshot
	// Snapshots are all stored snapshots that are whole, the oldest first, where a directory
	// can have more than one. Snapshot is one of them. Nil: there is no other.
	Snapshots []*Snapshot
}

// HardState has the fields of raftpb.HardState: what a node must not forget.
type HardState struct {
	Term   uint64 `json:"term"`
	Vote   uint64 `json:"vote"`
	Commit uint64 `json:"commit"`
}

// AllSnapshots are the stored snapshots that are whole, the oldest first.
func (m *Meta) AllSnapshots() []*Snapshot {
	if m.Snapshots == nil && m.Snapshot != nil && m.Snapshot.Stored.Size > 0 {
		return []*Snapshot{m.Snapshot}
	}
	return m.Snapshots
}

// Stable is what a node of HashiCorp's library must not forget. It keeps no commit index.
type Stable struct {
	CurrentTerm       uint64 `json:"current_term"`
	LastVoteTerm      uint64 `json:"last_vote_term"`
	LastVoteCandidate string `json:"last_vote_candidate"` // an id or an address; "": nobody
}

// Server is a member of a group whose ids are strings.
type Server struct {
	ID, Address string
	Voter       bool
}

// ConfState has the fields of raftpb.ConfState: who is in the group.
type ConfState struct {
	// Servers are the members where ids are strings. Then the other fields are empty.
	Servers []Server `json:"-"`

	Voters         []uint64 `json:"voters,omitempty"`
	Learners       []uint64 `json:"learners,omitempty"`
	VotersOutgoing []uint64 `json:"voters_outgoing,omitempty"`
	LearnersNext   []uint64 `json:"learners_next,omitempty"`
	AutoLeave      bool     `json:"auto_leave"`
}

// MarshalJSON writes Servers as voters and learners, which have strings then.
func (c ConfState) MarshalJSON() ([]byte, error) {
	if c.Servers == nil {
		type plain ConfState
		return json.Marshal(plain(c))
	}
	var named struct {
		Voters   []string `json:"voters,omitempty"`
		Learners []string `json:"learners,omitempty"`
	}
	for _, s := range c.Servers {
		if s.Voter {
			named.Voters = append(named.Voters, s.ID)
		} else {
			named.Learners = append(named.Learners, s.ID)
		}
	}
	return json.Marshal(named)
}

// Snapshot is a stored snapshot.
type Snapshot struct {
	Index, Term uint64
	ConfState   ConfState
	Attr        Attr    // of the file that it is in
	Data        Section // the application's blob
	Stored      Section // all of it, as it is stored; of HashiCorp's what stands beside the blob
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
	// HexIDs says that the system writes ids of nodes in hex.
	HexIDs bool
}

// ID is a node's id as the system writes it.
func (s *System) ID(id uint64) string {
	if s.HexIDs {
		return strconv.FormatUint(id, 16)
	}
	return strconv.FormatUint(id, 10)
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

// HashiCorp's types. They are numbered from 0 on in its files, where Raft's mean something
// else: here they are other numbers.
const (
	LogCommand EntryType = 0x100 + iota
	LogNoop
	LogAddPeerDeprecated
	LogRemovePeerDeprecated
	LogBarrier
	LogConfiguration
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

// HashiCorpTypes are the types that HashiCorp's library has.
var HashiCorpTypes = []TypeName{
	{LogCommand, "log_command", "LogCommand"},
	{LogNoop, "log_noop", "LogNoop"},
	{LogAddPeerDeprecated, "log_add_peer_deprecated", "LogAddPeerDeprecated"},
	{LogRemovePeerDeprecated, "log_remove_peer_deprecated", "LogRemovePeerDeprecated"},
	{LogBarrier, "log_barrier", "LogBarrier"},
	{LogConfiguration, "log_configuration", "LogConfiguration"},
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
