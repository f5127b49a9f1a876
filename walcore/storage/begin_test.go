package storage

import (
	"errors"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// TestBegin: a log without a snapshot begins where its first entries say, and only an
// empty one can.
func TestBegin(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, Options{Create: true, Logger: quiet})
	fixture.Must(t, err)
	list := func(first uint64, terms ...uint64) (entries []*raftpb.Entry) {
		for i, term := range terms {
			entries = append(entries, &raftpb.Entry{Index: proto.Uint64(first + uint64(i)), Term: proto.Uint64(term)})
		}
		return entries
	}
	fixture.Must(t, s.Begin(nil))
	for _, bad := range [][]*raftpb.Entry{list(0, 1), list(7, 2, 1), list(walcore.MaxNumber+1, 1)} {
		if err := s.Begin(bad); !errors.Is(err, walcore.ErrRefused) {
			t.Errorf("%v: %v", bad, err)
		}
	}
	fixture.Must(t, s.Begin(list(7, 2, 2, 3)))
	fixture.Must(t, s.Save(nil, list(10, 3), nil))
	if err := s.Begin(list(11, 3)); !errors.Is(err, walcore.ErrRefused) {
		t.Errorf("begun twice: %v", err)
	}
	fixture.Must(t, s.Close())
	s, err = Open(dir, Options{Logger: quiet})
	fixture.Must(t, err)
	defer s.Close()
	first, err := s.FirstIndex()
	fixture.Must(t, err)
	last, err := s.LastIndex()
	fixture.Must(t, err)
	if first != 7 || last != 10 {
		t.Errorf("%d to %d", first, last)
	}
}
