//go:build linux

package storage

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// A dry run does all that a storage does, and leaves no trace in the directory.
func TestDryRunTouchesNothing(t *testing.T) {
	for _, name := range []string{"alpha", "sealed128", "bigsnap", "empty"} {
		t.Run(name, func(t *testing.T) {
			dir := fixture.Dir(t, name)
			if name == "alpha" {
				fixture.Edit(t, filepath.Join(dir, "00001.wal")).Set(974, fixture.Offset, 0) // a torn tail, to be mended
				fixture.Must(t, os.WriteFile(filepath.Join(dir, "wal.meta.new"), []byte("left behind"), 0o600))
				setCommit(t, dir, 974)
			}
			fixture.Age(t, dir)
			before := fixture.State(t, dir)
			opts := Options{Key: fixture.Key(name), DryRun: true, Logger: quiet, Checksums: true, limits: limits{slots: 700, bytes: format.MaxFileSize}}
			s, err := Open(dir, opts)
			fixture.Must(t, err)
			if got := len(s.Problems()); name == "alpha" && got != 1 {
				t.Errorf("%d problems found, want the torn tail: %v", got, s.Problems())
			}
			last, err := s.LastIndex()
			fixture.Must(t, err)
			term, err := s.Term(last)
			fixture.Must(t, err)
			more := someEntries(term+1, last+1, 800) // into a second file
			fixture.Must(t, s.Save(hard(term+1, 1, last+700), more, nil))
			fixture.Must(t, s.SetRaftID(77))
			got, err := s.Entries(last+1, last+801, 1<<40)
			fixture.Must(t, err)
			for i, e := range got {
				if !proto.Equal(e, more[i]) {
					t.Fatalf("entry %v, want %v", e, more[i])
				}
			}
			fixture.Must(t, s.TruncateEntriesUntil(last+100))
			fixture.Must(t, s.CreateSnapshot(last+750, &raftpb.ConfState{Voters: []uint64{1}}, make([]byte, 2<<20)))
			fixture.Must(t, s.Rewind(last+760))
			fixture.Must(t, s.SetState(State{RaftID: 5, Term: term + 2, Commit: last + 755}))
			if now, _ := s.LastIndex(); now != last+760 {
				t.Errorf("last index %d, want %d", now, last+760)
			}
			if _, err := Open(dir, opts); !errors.Is(err, walcore.ErrInUse) {
				t.Errorf("a second storage: %v", err)
			}
			fixture.Must(t, s.Close())
			if after := fixture.State(t, dir); after != before {
				t.Errorf("the directory has changed:\nbefore\n%s\nafter\n%s", before, after)
			}
		})
	}
}

// setCommit stores a commit index and a checkpoint in a fixture, by the reader's own format.
func setCommit(t *testing.T, dir string, commit uint64) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(dir, format.MetaName), os.O_WRONLY, 0)
	fixture.Must(t, err)
	defer f.Close()
	b := []byte{0, 0, 0, 7, 8, 2, 16, 1, 24, byte(commit) | 0x80, byte(commit >> 7)}
	_, err = f.WriteAt(b, 512)
	fixture.Must(t, err)
	_, err = f.WriteAt(binary.BigEndian.AppendUint64(nil, commit), 16)
	fixture.Must(t, err)
}
