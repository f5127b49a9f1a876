package explain

import (
	"encoding/json"
	"time"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/membership"
	"github.com/walfs/walfs/walcore/pending"
	"github.com/walfs/walfs/walcore/replay"
	"github.com/walfs/walfs/walcore/stats"
)

// Report is what a directory says of its node. It is the JSON of walfs explain. What is
// not known is null.
type Report struct {
	System  string  `json:"system"`
	App     *string `json:"app"` // alpha or zero; null: another program's log
	RaftID  *uint64 `json:"raft_id"`
	GroupID *uint64 `json:"group_id"`
	// NodeID and ClusterID are in hex, of etcd's alone; Stable is of HashiCorp's alone.
	NodeID    string          `json:"node_id,omitempty"`
	ClusterID string          `json:"cluster_id,omitempty"`
	Stable    *walcore.Stable `json:"stable,omitempty"`
	Members   []Member        `json:"members"` // as of the commit index

	FirstIndex *uint64   `json:"first_index"`
	LastIndex  *uint64   `json:"last_index"`
	LastTerm   *uint64   `json:"last_term"` // of the last entry, or else of the snapshot
	Entries    int64     `json:"entries"`   // those that are whole
	Bytes      int64     `json:"bytes"`     // of their payloads
	Dead       stats.Sum `json:"dead"`      // of them, those at or below the snapshot
	// Missing says that entries between the snapshot and the commit index are missing or
	// not whole: what is said of Replay, Compaction and Pending leaves them out.
	Missing         bool               `json:"missing"`
	HardState       *walcore.HardState `json:"hard_state"`
	CheckpointIndex *uint64            `json:"checkpoint_index"`
	Snapshot        *Snapshot          `json:"snapshot"`
	// SentSnapshot is the indexes below the snapshot that the log never had, since a
	// leader sent the snapshot in their place.
	SentSnapshot *replay.Range `json:"sent_snapshot"`
	Uncommitted  *replay.Range `json:"uncommitted"` // behind the commit index; null: none, or not known
	LogFiles     []LogFile     `json:"log_files"`   // those with entries
	LastWritten  *time.Time    `json:"last_written"`

	Replay     *Replay     `json:"replay"`
	Compaction *Compaction `json:"compaction"`
	Pending    *Pending    `json:"pending"`
	CDC        bool        `json:"change_data_capture"` // it has written entries behind the snapshot
	Elections  Elections   `json:"elections"`

	Odd        []Oddity          `json:"odd"`
	Ignored    []string          `json:"ignored"`
	Problems   []walcore.Problem `json:"problems"`
	Unreadable Unreadable        `json:"unreadable"`
	NotKnown   []Unknown         `json:"not_known"`

	system *walcore.System
	own    *uint64 // the node's id, if it is a number and known
}

// IDText is a node's id as its system writes it.
func (r *Report) IDText(id uint64) string { return r.system.ID(id) }

// IsOwn reports whether an id is known to be the node's own.
func (r *Report) IsOwn(id uint64) bool { return r.own != nil && *r.own == id }

// Member is a node of the group.
type Member membership.Member

// MarshalJSON writes a member. Its id is a number, or the string that it is with HashiCorp's
// library. An address of "" is not in the log.
func (m Member) MarshalJSON() ([]byte, error) {
	id := any(m.ID)
	if m.ID == 0 {
		id = m.Text
	}
	return json.Marshal(struct {
		ID      any             `json:"id"`
		Role    membership.Role `json:"role"`
		Name    string          `json:"name,omitempty"`
		Address string          `json:"address"`
	}{id, m.Role, m.Name, m.Address})
}

// Snapshot is the stored snapshot; all zero where there is none. Size is that of the
// application's data, in bytes.
type Snapshot struct {
	Index uint64 `json:"index"`
	Term  uint64 `json:"term"`
	Size  int64  `json:"size"`
}

// LogFile is a log file with entries. Time is when it was created, or, where the file was
// copied since, when it was last written.
type LogFile struct {
	Name       string    `json:"name"`
	FirstIndex uint64    `json:"first_index"`
	LastIndex  uint64    `json:"last_index"`
	Entries    int       `json:"entries"`
	Time       time.Time `json:"time"`
}

// Replay is what a restart goes through. Entries and bytes are those of Applied.
type Replay struct {
	Handed  replay.Range `json:"handed"`  // what Raft hands over
	Applied replay.Range `json:"applied"` // the part of it that the application applies
	stats.Sum
	Kinds   []Kind   `json:"kinds"`   // by bytes, most first
	Changes []Change `json:"changes"` // restores, drops, schemas among them
}

// Kind is how many of the entries are of a kind.
type Kind struct {
	Kind string `json:"kind"`
	stats.Sum
}

// KindUnreadable stands for the kinds of entries that cannot be read.
const KindUnreadable = stats.UnreadableName

// Change is the entries of one kind that a restart should not replay unnoticed.
type Change struct {
	Kind    string  `json:"kind"`
	Entries int     `json:"entries"`
	First   []Named `json:"first"` // at most 10
}

// Named is an entry, with what it says in one line.
type Named struct {
	Index uint64 `json:"index"`
	What  string `json:"what"`
}

// Why a snapshot of an Alpha is due.
const (
	DueNoSnapshot = "no_snapshot"    // there is none yet, and a transaction was committed
	DueFullFiles  = "full_log_files" // more than four
	DueEntries    = "entries"        // the checkpoint is 10,000 entries behind the first one
)

// Compaction is what an Alpha's next snapshot depends on. Counts go up to the commit index.
type Compaction struct {
	Due        []string `json:"due"`            // empty: it is not
	FullFiles  int      `json:"full_log_files"` // all but the one that is written to
	Committed  uint64   `json:"committed"`      // entries behind the snapshot
	Checkpoint uint64   `json:"checkpoint"`     // entries behind the snapshot, up to the checkpoint
	Hold       *Hold    `json:"hold"`           // null: no transaction is pending
	// HeldBack says that the Hold is what keeps the log long: too much is behind it, or the
	// checkpoint has stood right before it since the node last looked, and much has come.
	HeldBack bool `json:"held_back"`
	// AtMost is the highest index that the next snapshot can have; null: it can have none.
	AtMost *uint64  `json:"at_most"`
	Frees  []string `json:"frees"` // the log files that a snapshot there deletes
}

// Hold is what a snapshot cannot pass: an entry of a transaction that began no earlier than
// the oldest one that is pending.
type Hold struct {
	StartTs    uint64 `json:"start_ts"`    // the oldest pending transaction
	FirstIndex uint64 `json:"first_index"` // where that one began
	Index      uint64 `json:"index"`       // the entry
	Behind     uint64 `json:"behind"`      // entries from there to the commit index
	// Dropped is the index of a drop behind FirstIndex. Some drops end all transactions.
	Dropped *uint64 `json:"dropped"`
}

// Pending is the transactions that began behind the snapshot, up to the commit index, and
// were not decided there.
type Pending struct {
	Count   int     `json:"count"`
	Oldest  *uint64 `json:"oldest_start_ts"`
	Newest  *uint64 `json:"newest_start_ts"`
	Txns    []Txn   `json:"transactions"` // by the entry that they began in
	Unknown int     `json:"untracked"`    // of Count, those of which it is not known whether they were decided
	// Behind is how many more began behind the commit index, and are pending.
	Behind int `json:"began_behind_commit"`
}

// Txn is a pending transaction. File is the log file it began in.
type Txn struct {
	pending.Txn
	File    string `json:"file"`
	Decided bool   `json:"decided_behind_commit"` // by an entry that may not be committed
}

// Elections is what the terms tell of elections.
type Elections struct {
	Terms  int    `json:"terms"`  // that have entries
	Recent []Term `json:"recent"` // the last 10 of them
	// Short are terms that ended after fewer than ShortTerm entries, the last 10.
	Short      []Term `json:"short"`
	ShortCount int    `json:"short_count"`
	// Skipped are terms between others that have no entry, the last 10 ranges.
	Skipped      []TermRange `json:"skipped"`
	SkippedCount uint64      `json:"skipped_count"` // terms
	// Open are the terms behind the last entry's: elections from which this node got no
	// entry.
	Open *TermRange `json:"open"`
}

// Term is the entries of a term. Began is the time of the first, where the system stores
// one.
type Term struct {
	Term    uint64     `json:"term"`
	First   uint64     `json:"first_index"`
	Last    uint64     `json:"last_index"`
	Entries int        `json:"entries"`
	Began   *time.Time `json:"began"`
}

// TermRange is terms, both ends included.
type TermRange struct {
	First uint64 `json:"first"`
	Last  uint64 `json:"last"`
}

// Unreadable is how many payloads behind the snapshot could not be read.
type Unreadable struct {
	NoKey     int    `json:"no_key"`      // encrypted, and no key was given
	NoDataKey int    `json:"no_data_key"` // the data key of their log file is missing
	Damaged   int    `json:"damaged"`
	First     uint64 `json:"first_index"` // of the damaged ones; 0: none
}

// Unknown is something that the directory does not tell, and why.
type Unknown struct {
	What string `json:"what"`
	Why  string `json:"why"`
}
