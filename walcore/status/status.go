package status

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/walfs/walfs/walcore"
)

// Status is status.json. A null is a value that is not known.
type Status struct {
	System          string             `json:"system"`
	NodeID          string             `json:"node_id,omitempty"`    // in hex, of etcd's alone
	ClusterID       string             `json:"cluster_id,omitempty"` // in hex, of etcd's alone
	RaftID          *uint64            `json:"raft_id"`
	GroupID         *uint64            `json:"group_id"`
	CheckpointIndex *uint64            `json:"checkpoint_index"`
	HardState       *walcore.HardState `json:"hard_state"`
	Stable          *walcore.Stable    `json:"stable,omitempty"` // of HashiCorp's alone
	Snapshot        *Snapshot          `json:"snapshot"`
	FirstIndex      *uint64            `json:"first_index"`
	LastIndex       *uint64            `json:"last_index"`
	Entries         uint64             `json:"entries"` // those that are whole
	Bytes           *uint64            `json:"bytes"`   // of their payloads
	Terms           []Term             `json:"terms"`
	Types           Types              `json:"types"`
	Files           []File             `json:"files"`
	Ignored         []string           `json:"ignored"`
	Checked         string             `json:"checked"` // what Problems are made of: slots or ends
	Problems        []walcore.Problem  `json:"problems"`
}

// What Checked says: slots with their lengths, and metadata; or payloads, too. Or only the first and the
// last slot of some log files, which are presumed to be sound: then Types and Bytes are not known.
const (
	CheckedEnds       = "ends"
	CheckedSlots      = "slots"
	CheckedEverything = "everything"
)

// Snapshot is the stored snapshot; all zero where there is none. Size is that of
// the application's data.
type Snapshot struct {
	Index     uint64            `json:"index"`
	Term      uint64            `json:"term"`
	Size      int64             `json:"size"`
	ConfState walcore.ConfState `json:"conf_state"`
}

// Term is the entries of one term.
type Term struct {
	Term       uint64 `json:"term"`
	FirstIndex uint64 `json:"first_index"`
	LastIndex  uint64 `json:"last_index"`
	Entries    uint64 `json:"entries"`
}

// Types counts entries by type, in the order of the system's types. Its JSON is
// an object. Nil is not known.
type Types []TypeCount

// TypeCount is how many entries have a type.
type TypeCount struct {
	Name    string
	Entries uint64

	typ walcore.EntryType
}

// MarshalJSON writes an object whose names are those of the types.
func (t Types) MarshalJSON() ([]byte, error) {
	if t == nil {
		return []byte("null"), nil
	}
	var b bytes.Buffer
	b.WriteByte('{')
	for i, n := range t {
		name, err := json.Marshal(n.Name)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%s:%d", name, n.Entries)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// UnmarshalJSON reads what MarshalJSON has written.
func (t *Types) UnmarshalJSON(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	if _, err := d.Token(); err != nil { // the object's brace
		return err
	}
	if string(b) == "null" {
		*t = nil
		return nil
	}
	*t = Types{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		n := TypeCount{Name: fmt.Sprint(name)}
		if err := d.Decode(&n.Entries); err != nil {
			return err
		}
		*t = append(*t, n)
	}
	return nil
}

// File is a log file. Indexes are 0 where it holds no entry. DiskBytes are those of the
// blocks it takes: fewer than Size, since it is sparse, and other ones in a copy on
// another file system.
type File struct {
	Name       string `json:"name"`
	Size       int64  `json:"size"`
	DiskBytes  int64  `json:"disk_bytes"`
	FirstIndex uint64 `json:"first_index"`
	LastIndex  uint64 `json:"last_index"`
	Entries    uint64 `json:"entries"`
	Encrypted  bool   `json:"encrypted"`
	KeyID      uint64 `json:"key_id"`
}

// New makes the status of a log. It goes through all entries and reads no payload. Of a
// walcore.Partial it says what is known so far.
// Problems that the caller has found can be given, and are added to the log's own.
func New(l walcore.Log, more ...walcore.Problem) *Status {
	m := l.Meta()
	s := &Status{
		System:          m.System.Name,
		NodeID:          hex(m.NodeID),
		ClusterID:       hex(m.ClusterID),
		Stable:          m.Stable,
		RaftID:          m.RaftID,
		GroupID:         m.GroupID,
		CheckpointIndex: m.CheckpointIndex,
		HardState:       m.HardState,
		Snapshot:        snapshot(m.Snapshot),
		Terms:           []Term{},
		Types:           Types{},
		Bytes:           new(uint64),
		Files:           []File{},
		Ignored:         append([]string{}, m.Ignored...),
		Checked:         CheckedSlots,
	}
	for _, t := range m.System.Types {
		s.Types = append(s.Types, TypeCount{Name: t.Name, typ: t.Type})
	}
	if i, ok := l.FirstIndex(); ok {
		s.FirstIndex = &i
	}
	if i, ok := l.LastIndex(); ok {
		s.LastIndex = &i
	}
	if f, ok := l.(walcore.Filer); ok {
		for _, f := range f.Files() {
			s.Files = append(s.Files, s.addFile(f))
		}
	} else {
		for e := range l.Entries(0) {
			s.addEntry(&e)
		}
	}
	if p, ok := l.(walcore.Partial); ok && s.Bytes == nil {
		s.Checked, s.Types = CheckedEnds, nil
		s.Problems = append([]walcore.Problem{}, p.Found()...)
	} else {
		s.Problems = append([]walcore.Problem{}, l.Problems()...)
	}
	s.Problems = append(s.Problems, more...)
	return s
}

func (s *Status) addFile(f *walcore.File) File {
	file := File{Name: f.Name, Size: f.Attr.Size, DiskBytes: f.Attr.DiskBytes(), Encrypted: f.Encrypted, KeyID: f.KeyID}
	if counted, ok := f.Source.(walcore.Counted); ok {
		if c, ok := counted.Count(); ok {
			s.addCount(&file, c)
			return file
		}
	}
	for e := range f.Source.Entries(0) {
		if file.Entries == 0 {
			file.FirstIndex = e.Index
		}
		file.LastIndex = e.Index
		file.Entries++
		s.addEntry(&e)
	}
	return file
}

// addCount adds what a file's entries add up to.
func (s *Status) addCount(file *File, c walcore.FileCount) {
	for _, t := range c.Terms {
		n := t.Last + 1 - t.First
		if file.Entries == 0 {
			file.FirstIndex = t.First
		}
		file.LastIndex = t.Last
		file.Entries += n
		s.Entries += n
		s.addTerm(t.Term, t.First, t.Last, n)
	}
	if c.Types == nil {
		s.Bytes = nil
	} else if s.Bytes != nil {
		*s.Bytes += c.Bytes
	}
	for i := range s.Types {
		s.Types[i].Entries += c.Types[s.Types[i].typ]
	}
}

func (s *Status) addEntry(e *walcore.Entry) {
	s.Entries++
	if s.Bytes != nil {
		*s.Bytes += uint64(e.Size)
	}
	for i := range s.Types {
		if s.Types[i].typ == e.Type {
			s.Types[i].Entries++
			break
		}
	}
	s.addTerm(e.Term, e.Index, e.Index, 1)
}

// addTerm adds n entries of a term.
func (s *Status) addTerm(term, first, last, n uint64) {
	if k := len(s.Terms) - 1; k < 0 || s.Terms[k].Term != term {
		s.Terms = append(s.Terms, Term{Term: term, FirstIndex: first})
	}
	t := &s.Terms[len(s.Terms)-1]
	t.LastIndex = last
	t.Entries += n
}

// hex is an id as etcd prints it, or "" if it is not known.
func hex(id *uint64) string {
	if id == nil {
		return ""
	}
	return strconv.FormatUint(*id, 16)
}

func snapshot(s *walcore.Snapshot) *Snapshot {
	if s == nil {
		return nil
	}
	return &Snapshot{Index: s.Index, Term: s.Term, Size: s.Data.Size, ConfState: s.ConfState}
}

// JSON is the text of status.json.
func (s *Status) JSON() ([]byte, error) { return Indented(s) }

// Indented is the JSON of v as the tree shows it: indented, with a newline at
// the end.
func Indented(v any) ([]byte, error) {
	b, err := json.MarshalIndent(v, "", "  ")
	return append(b, '\n'), err
}
