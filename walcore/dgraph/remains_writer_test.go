//go:build unix

package dgraph

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/nativelog"
	"go.etcd.io/raft/v3/raftpb"
)

// ourLog is a directory that our writer writes.
type ourLog struct {
	t   *testing.T
	dir string
	o   WriterOptions
}

func newOurLog(t *testing.T, o WriterOptions) *ourLog {
	return &ourLog{t, filepath.Join(t.TempDir(), "w"), o}
}

// save saves n entries of a term. The first of a leader's is empty.
func (l *ourLog) save(term, from uint64, n int, leader bool) {
	l.t.Helper()
	o := l.o
	o.Create = true
	w, err := OpenWriter(l.dir, o)
	fixture.Must(l.t, err)
	var entries []*raftpb.Entry
	for index := from; len(entries) < n; index++ {
		data := nativelog.Mutation(index, term)
		if index == from && leader {
			data = nil
		}
		typ := raftpb.EntryNormal
		entries = append(entries, &raftpb.Entry{Term: &term, Index: &index, Type: &typ, Data: data})
	}
	fixture.Must(l.t, w.Save(&raftpb.HardState{Term: &term, Vote: new(uint64), Commit: new(uint64)}, entries, nil))
	fixture.Must(l.t, w.Close())
}

func (l *ourLog) file() fixture.File { return fixture.Edit(l.t, filepath.Join(l.dir, "00001.wal")) }

// loseSlots makes the slots from one on zero: a crash came before they were written.
func (l *ourLog) loseSlots(from int) { l.file().Write(int64(from)*32, make([]byte, 64*32)) }

func (l *ourLog) open() *Reader {
	l.t.Helper()
	r, err := OpenReader(l.dir, ReaderOptions{Key: l.o.Key})
	fixture.Must(l.t, err)
	l.t.Cleanup(func() { r.Close() })
	return r
}

var aKey = []byte("0123456789abcdef")

// TestRemainsOfOurWriter: in an encrypted file it writes over nothing, so that the indexes
// of what is left are known.
func TestRemainsOfOurWriter(t *testing.T) {
	fixture.NotForRace(t)
	l := newOurLog(t, WriterOptions{Key: aKey})
	l.save(1, 1, 20, false)
	l.save(2, 21, 5, true)
	l.save(3, 11, 10, true)
	got, err := l.open().Remains(recognizer)
	fixture.Must(t, err)
	want := uint64(11)
	for _, f := range got.Found {
		if want == 21 {
			want++ // an empty one
		}
		data, err := f.Data()
		if term := uint64(1 + want/21); err != nil || f.Index != want || f.Term != 0 || f.Slot != -1 || !bytes.Equal(data, nativelog.Mutation(want, term)) {
			t.Errorf("entry %d, %x, %v, want entry %d", f.Index, data, err, want)
		}
		want++
	}
	if want != 26 {
		t.Errorf("they end before %d", want)
	}
}

// TestAppendCutOff: what an append has left that was cut off is not replaced, in an
// encrypted file neither, where it begins behind what an earlier rewrite has left.
func TestAppendCutOff(t *testing.T) {
	fixture.NotForRace(t)
	l := newOurLog(t, WriterOptions{Key: aKey})
	l.save(1, 1, 20, false)
	old := payloadsFrom(t, l.open(), 11)
	l.save(2, 11, 4, false)
	l.loseSlots(10)
	if got := wantRemains(t, l.open(), nil); got.Searched[0].Note == "" {
		t.Error("nothing says that payloads were left out")
	}
	// No length leads from the log's end to the append any more, nor to the others.
	l.file().Write(old[0].at, []byte{9})
	wantRemains(t, l.open(), old[1:])
}

// TestAppendedAgain: a leader has sent the entries of an append again that was cut off.
func TestAppendedAgain(t *testing.T) {
	fixture.NotForRace(t)
	l := newOurLog(t, WriterOptions{Key: aKey})
	l.save(1, 1, 10, false)
	l.save(1, 11, 3, false)
	l.loseSlots(10)
	l.save(1, 11, 3, false)
	if got := wantRemains(t, l.open(), nil); len(got.Searched) < 2 {
		t.Errorf("searched: %+v", got.Searched)
	}
}
