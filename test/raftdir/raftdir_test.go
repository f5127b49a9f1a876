//go:build unix

package raftdir_test

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/raftdir"
	"github.com/walfs/walfs/walcore/dgraph"
)

// TestWalfsReadsIt: a directory to which a Writer no longer writes is sound.
func TestWalfsReadsIt(t *testing.T) {
	for name, o := range map[string]raftdir.Options{
		"plain":     {Slots: 100},
		"encrypted": {Slots: 100, Key: []byte("0123456789abcdef0123456789abcdef"), KeepKeyID: true, NewDataKey: 2},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "w")
			w := raftdir.Create(dir, o)
			defer w.Close()
			w.Append(350)
			w.Rewind(250) // back into an earlier file
			w.Append(300)
			w.Rewind(540)
			w.HalfSlot()()
			w.Append(59)
			w.CommitTo(600)
			w.Snapshot(420)
			r, err := dgraph.OpenReader(dir, dgraph.ReaderOptions{Key: o.Key})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if p := r.Problems(); len(p) > 0 {
				t.Errorf("problems: %v", p)
			}
			next := w.First
			for e := range r.Entries(0) {
				term := uint64(3)
				switch {
				case e.Index <= 250:
					term = 1
				case e.Index <= 540:
					term = 2
				}
				data, err := e.Data()
				if e.Index != next || e.Term != term || w.TermOf(e.Index) != term || uint32(e.Type) != raftdir.TypeOf(e.Index) ||
					err != nil || !bytes.Equal(data, raftdir.Payload(e.Index, term)) {
					t.Fatalf("entry %d, term %d, type %v: %v", e.Index, e.Term, e.Type, err)
				}
				next++
			}
			if next != 601 || w.Last != 600 || w.First != 401 {
				t.Errorf("the log ends before %d, the writer's is %d to %d", next, w.First, w.Last)
			}
			if s := r.Meta().Snapshot; s == nil || s.Index != 420 {
				t.Errorf("snapshot: %+v", s)
			}
		})
	}
}

// TestPayloadIsNoProtobuf: there is no wire type 7.
func TestPayloadIsNoProtobuf(t *testing.T) {
	for index := range uint64(2000) {
		if b := raftdir.Payload(index, index%7); len(b) > 0 && (b[0]&7 != 7 || b[8]&7 != 7) {
			t.Fatalf("entry %d: %.30q", index, b)
		}
	}
}
