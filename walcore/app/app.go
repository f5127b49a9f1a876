// Package app tells which application a log belongs to, and reads what that has
// put in the snapshot.
//
//	d := payload.NewDgraph(app.Of(reader), payload.Options{})
package app

import (
	"fmt"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/format"
	"github.com/walfs/walfs/walcore/payload"
	"go.etcd.io/raft/v3/raftpb"
)

// Of tells whether a log is an Alpha's or a Zero's, by what its entries decode to
// where the group id does not tell.
func Of(r *dgraph.Reader) payload.App { return Classify(r).App() }

// keySize is how long the key is before a proposal.
const keySize = 8

// maxTries is after how many entries that could tell what they are, and do not,
// the log is taken for some other application's.
const maxTries = 1000

// Classify gives the classifier that has decided.
func Classify(r *dgraph.Reader) *payload.Classifier {
	c := &payload.Classifier{}
	if g := r.Meta().GroupID; g != nil {
		c.GroupID(*g)
	}
	if c.Settled() {
		return c
	}
	if blob, err := Snapshot(r); err == nil {
		c.Snapshot(blob)
	}
	var buf []byte
	tries := 0
	for e := range r.Log().Entries(0) {
		// An emptied log begins with any number of entries that tell nothing.
		if e.Type == raftpb.EntryType_EntryNormal {
			if e.Size <= keySize {
				continue
			}
			tries++
		}
		data, err := e.AppendData(buf[:0])
		if err == nil && c.Entry(payload.Entry{Term: e.Term, Index: e.Index, Type: uint32(e.Type), Data: data}) || tries == maxTries {
			break
		}
		buf = data
	}
	return c
}

// maxSnapshot bounds the snapshot that is read into memory to be decoded.
// Dgraph's are some hundred bytes.
const maxSnapshot = 64 << 20

// Snapshot reads the application's snapshot blob, nil if there is none.
func Snapshot(r *dgraph.Reader) ([]byte, error) {
	s := r.Meta().Snapshot
	if s == nil {
		return nil, nil
	}
	if s.DataSize > maxSnapshot {
		return nil, fmt.Errorf("the snapshot has %d bytes, too many to decode; read its data", s.DataSize)
	}
	blob := make([]byte, s.DataSize)
	if _, err := r.MetaFile().ReadAt(blob, s.DataAt); err != nil {
		return nil, err
	}
	return blob, SameSnapshot(r)
}

// SameSnapshot fails if the snapshot that r has found is no longer there.
func SameSnapshot(r *dgraph.Reader) error {
	same, err := r.Meta().SameSnapshot(r.MetaFile())
	if err == nil && !same {
		err = fmt.Errorf("%s: the snapshot was replaced: %w", format.MetaName, walcore.ErrChanged)
	}
	return err
}
