package export

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"

	"github.com/walfs/walfs/walcore"
)

// columnsVersion is another one whenever the columns, or what they hold, have changed: what
// was exported before is written anew then.
const columnsVersion = 1

// identity says what a log file's tables are made of. Where it is the same, they would be.
type identity struct {
	Columns   int     `json:"columns_version"`
	System    string  `json:"system"`
	Group     *uint64 `json:"group"`
	Node      *uint64 `json:"node"`
	File      string  `json:"file"`
	Entries   uint64  `json:"entries"`
	First     uint64  `json:"first_index"`
	Last      uint64  `json:"last_index"`
	LastTerm  uint64  `json:"last_term"`
	Bytes     int64   `json:"bytes"` // of payloads
	Sum       string  `json:"sum"`   // of where which entries are
	Committed *uint64 `json:"committed_until"`
	Decoding  string  `json:"decoding"`
	Secrets   bool    `json:"secrets"`
}

// record is the file that says that a log file was exported. It is JSON, and written last.
type record struct {
	Identity   identity       `json:"of"`
	Unreadable int            `json:"unreadable"` // entries: the file is exported again, perhaps with a key
	Tables     []tableWritten `json:"tables"`
}

type tableWritten struct {
	Table string `json:"table"`
	Rows  int    `json:"rows"`
	Bytes int64  `json:"bytes"` // of the file
}

// source is a log file and what is to be exported of it.
type source struct {
	file *walcore.File
	identity
}

// sources goes through the entries without their payloads. It tells failed of the gaps
// between them.
func sources(log walcore.Log, o *Options) []*source {
	meta := log.Meta()
	var all []*source
	byID := map[uint64]*source{}
	sums := map[uint64]uint64{}
	next := uint64(1)
	hash := fnv.New64a()
	var fields [8 * 7]byte
	for e := range log.Entries(1) {
		if err := log.Gap(next, e.Index-1); err != nil {
			o.Failed(err)
		}
		next = e.Index + 1
		s := byID[e.File.ID]
		if s == nil {
			s = &source{e.File, identity{Columns: columnsVersion, System: meta.System.Name, Group: meta.GroupID, Node: meta.RaftID,
				File: validText([]byte(e.File.Name)), First: e.Index, Decoding: o.Decoding, Secrets: o.ShowSecrets}}
			byID[e.File.ID] = s
			all = append(all, s)
		}
		s.Entries++
		s.Last, s.LastTerm = e.Index, e.Term
		s.Bytes += e.Size
		for i, n := range [...]uint64{sums[e.File.ID], e.Index, e.Term, uint64(e.Type), uint64(e.Size), uint64(e.Slot), e.Offset} {
			binary.LittleEndian.PutUint64(fields[8*i:], n)
		}
		hash.Reset()
		hash.Write(fields[:])
		sums[e.File.ID] = hash.Sum64()
	}
	if err := log.Gap(next, walcore.MaxNumber); err != nil {
		o.Failed(err)
	}
	for id, s := range byID {
		s.Sum = fmt.Sprintf("%016x", sums[id])
		if h := meta.HardState; h != nil {
			until := max(min(h.Commit, s.Last), s.First-1)
			s.Committed = &until
		}
	}
	return all
}

// names says where a log file's tables and its record are.
type names struct {
	tables map[*table]string
	record string
}

func (o *Options) names(meta *walcore.Meta, file string) names {
	place, name := Place(meta), escape(file)+"."+o.Format
	n := names{tables: map[*table]string{}, record: filepath.Join(o.Folder, records, place, name+".json")}
	for _, t := range tables {
		n.tables[t] = filepath.Join(o.Folder, t.name, place, name)
	}
	return n
}

// exported reports whether the tables of a log file are there, and need not be written
// anew.
func (s *source) exported(n names) bool {
	var r record
	text, err := os.ReadFile(n.record)
	if err != nil || json.Unmarshal(text, &r) != nil || r.Unreadable > 0 || len(r.Tables) != len(tables) {
		return false
	}
	then, err := json.Marshal(r.Identity)
	if err != nil || !bytes.Equal(then, s.json()) {
		return false
	}
	for i, t := range tables {
		st, err := os.Stat(n.tables[t])
		if err != nil || !st.Mode().IsRegular() || st.Size() != r.Tables[i].Bytes {
			return false
		}
	}
	return true
}

// json is the identity in one line.
func (i *identity) json() []byte {
	text, err := json.Marshal(i)
	if err != nil {
		panic(err) // it has nothing that JSON has not
	}
	return text
}

// write writes the record.
func (r *record) write(name string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	f, err := newUnfinished(name)
	if err != nil {
		return err
	}
	if _, err = f.Write(append(text, '\n')); err == nil {
		err = f.flush()
	}
	if err == nil {
		err = f.finish()
	}
	if err != nil {
		f.abandon()
	}
	return err
}
