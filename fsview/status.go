package fsview

import (
	"encoding/json"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/dgraph"
	"go.etcd.io/raft/v3/raftpb"
)

// Status is status.json. A null is a value that the directory does not tell.
type Status struct {
	RaftID          *uint64           `json:"raft_id"`
	GroupID         *uint64           `json:"group_id"`
	CheckpointIndex *uint64           `json:"checkpoint_index"`
	HardState       *HardState        `json:"hard_state"`
	Snapshot        *Snapshot         `json:"snapshot"`
	FirstIndex      *uint64           `json:"first_index"`
	LastIndex       *uint64           `json:"last_index"`
	Entries         uint64            `json:"entries"` // those that are whole
	Bytes           uint64            `json:"bytes"`   // of their payloads
	Terms           []Term            `json:"terms"`
	Types           Types             `json:"types"`
	Files           []LogFile         `json:"files"`
	Ignored         []string          `json:"ignored"`
	Problems        []walcore.Problem `json:"problems"`
}

// HardState is raftpb.HardState.
type HardState struct {
	Term   uint64 `json:"term"`
	Vote   uint64 `json:"vote"`
	Commit uint64 `json:"commit"`
}

// Snapshot is the stored snapshot; all zero where there is none. Size is the
// application's blob's.
type Snapshot struct {
	Index     uint64    `json:"index"`
	Term      uint64    `json:"term"`
	Size      int64     `json:"size"`
	ConfState ConfState `json:"conf_state"`
}

// ConfState is raftpb.ConfState.
type ConfState struct {
	Voters         []uint64 `json:"voters,omitempty"`
	Learners       []uint64 `json:"learners,omitempty"`
	VotersOutgoing []uint64 `json:"voters_outgoing,omitempty"`
	LearnersNext   []uint64 `json:"learners_next,omitempty"`
	AutoLeave      bool     `json:"auto_leave"`
}

// Term is the entries of one term.
type Term struct {
	Term       uint64 `json:"term"`
	FirstIndex uint64 `json:"first_index"`
	LastIndex  uint64 `json:"last_index"`
	Entries    uint64 `json:"entries"`
}

// Types counts entries by type.
type Types struct {
	Normal       uint64 `json:"normal"`
	ConfChange   uint64 `json:"conf_change"`
	ConfChangeV2 uint64 `json:"conf_change_v2"`
}

// LogFile is one NNNNN.wal. Indexes are 0 where it holds no entry.
type LogFile struct {
	Name       string `json:"name"`
	Size       int64  `json:"size"`
	FirstIndex uint64 `json:"first_index"`
	LastIndex  uint64 `json:"last_index"`
	Entries    uint64 `json:"entries"`
	Encrypted  bool   `json:"encrypted"`
	KeyID      uint64 `json:"key_id"`
}

// NewStatus reads what there is to say of a directory. It looks at every
// slot and payload length, at no payload.
func NewStatus(r *dgraph.Reader) *Status {
	m := r.Meta()
	s := &Status{
		RaftID:          m.RaftID,
		GroupID:         m.GroupID,
		CheckpointIndex: m.CheckpointIndex,
		Snapshot:        snapshotStatus(r),
		Terms:           []Term{},
		Files:           []LogFile{},
		Ignored:         append([]string{}, r.Ignored...),
	}
	if hs := m.HardState; hs != nil {
		s.HardState = &HardState{Term: hs.GetTerm(), Vote: hs.GetVote(), Commit: hs.GetCommit()}
	}
	if i, ok := r.FirstIndex(); ok {
		s.FirstIndex = &i
	}
	if i, ok := r.LastIndex(); ok {
		s.LastIndex = &i
	}
	for _, f := range r.Log().Files() {
		s.Files = append(s.Files, s.addFile(f))
	}
	s.Problems = append([]walcore.Problem{}, r.Problems()...)
	return s
}

func (s *Status) addFile(f *dgraph.LogFile) LogFile {
	lf := LogFile{Name: f.Name, Size: f.Attr.Size, Encrypted: f.Header.KeyID != 0, KeyID: f.Header.KeyID}
	for e := range f.Entries(0) {
		if lf.Entries == 0 {
			lf.FirstIndex = e.Index
		}
		lf.LastIndex = e.Index
		lf.Entries++
		s.addEntry(&e)
	}
	return lf
}

func (s *Status) addEntry(e *dgraph.Entry) {
	s.Entries++
	s.Bytes += uint64(e.Size)
	switch e.Type {
	case raftpb.EntryType_EntryNormal:
		s.Types.Normal++
	case raftpb.EntryType_EntryConfChange:
		s.Types.ConfChange++
	case raftpb.EntryType_EntryConfChangeV2:
		s.Types.ConfChangeV2++
	}
	if k := len(s.Terms) - 1; k < 0 || s.Terms[k].Term != e.Term {
		s.Terms = append(s.Terms, Term{Term: e.Term, FirstIndex: e.Index})
	}
	t := &s.Terms[len(s.Terms)-1]
	t.LastIndex = e.Index
	t.Entries++
}

func snapshotStatus(r *dgraph.Reader) *Snapshot {
	m := r.Meta()
	if snap := m.Snapshot; snap != nil {
		md := snap.Metadata
		return &Snapshot{Index: md.GetIndex(), Term: md.GetTerm(), Size: snap.DataSize, ConfState: confState(md.GetConfState())}
	}
	if !m.SnapshotDamaged() {
		return &Snapshot{}
	}
	return nil
}

func confState(cs *raftpb.ConfState) ConfState {
	return ConfState{
		Voters:         cs.GetVoters(),
		Learners:       cs.GetLearners(),
		VotersOutgoing: cs.GetVotersOutgoing(),
		LearnersNext:   cs.GetLearnersNext(),
		AutoLeave:      cs.GetAutoLeave(),
	}
}

// JSON is the text of status.json: indented, with a newline at the end.
func (s *Status) JSON() ([]byte, error) { return indented(s) }

func indented(v any) ([]byte, error) {
	b, err := json.MarshalIndent(v, "", "  ")
	return append(b, '\n'), err
}
