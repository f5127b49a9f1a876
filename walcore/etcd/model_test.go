package etcd

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/etcdlog"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
)

// TestAnyLog writes logs as Raft does, in many small segments: entries, elections with and
// without entries that are replaced, commits, snapshots taken and received. Then it damages
// them in a way. No entry is given that is not the log's, whatever the damage is; and all are
// given where there is none.
func TestAnyLog(t *testing.T) {
	for seed := range uint64(fixture.Size(15, 150)) {
		testAnyLog(t, seed)
		if t.Failed() {
			t.Fatalf("with seed %d", seed)
		}
	}
}

func testAnyLog(t *testing.T, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 1))
	dir := filepath.Join(t.TempDir(), fmt.Sprint(seed))
	defer os.RemoveAll(dir)
	w, err := etcdlog.Create(dir, etcdlog.Options{SegmentSize: 1500})
	fixture.Must(t, err)
	defer w.Close()
	log := map[uint64]fixture.OtherEntry{} // the log as Raft has it
	written := map[fixture.OtherEntry]bool{}
	last, commit, term := uint64(0), uint64(0), uint64(1)
	for record := range 50 + rnd.IntN(150) {
		switch rnd.IntN(12) {
		case 0: // a new leader, which has other entries from some index on that is not committed
			term++
			if from := commit + 1 + rnd.Uint64N(last+1-commit); from <= last {
				for i := from; i <= last; i++ {
					delete(log, i)
				}
				last = from - 1
			}
		case 1:
			commit += rnd.Uint64N(last + 1 - commit)
			fixture.Must(t, w.State(term, 1, commit))
			continue
		case 2:
			if e, ok := log[commit]; ok && rnd.IntN(4) == 0 {
				fixture.Must(t, w.Snapshot(e.Term, commit, []byte("state"), 1))
			}
			continue
		case 3: // a snapshot that was received: what was not committed is not in the log any more
			if rnd.IntN(4) > 0 {
				continue
			}
			term++
			for i := commit + 1; i <= last; i++ {
				delete(log, i)
			}
			last = max(commit+1, last-min(last, 3)) + rnd.Uint64N(10)
			commit = last
			fixture.Must(t, w.Snapshot(term, last, []byte("state"), 1))
			fixture.Must(t, w.State(term, 1, commit))
		}
		last++
		data := fmt.Appendf(nil, "record %d", record)
		fixture.Must(t, w.Append(etcdlog.Entry{Term: term, Index: last, Data: data}))
		log[last] = fixture.OtherEntry{Index: last, Term: term, Size: int64(len(data)), Type: "EntryNormal", SHA256: sum(data)}
		written[log[last]] = true
	}
	files := segmentFiles(t, dir)
	damage := ""
	one, other := files[rnd.IntN(len(files))], files[rnd.IntN(len(files))]
	switch rnd.IntN(6) {
	case 0:
		damage = "one is removed"
		fixture.Must(t, os.Remove(one))
		if len(files) == 1 {
			return
		}
	case 1:
		damage = "two are swapped"
		swap(t, one, other)
	case 2:
		damage = "one is a copy of another"
		fixture.WriteFile(t, one, fixture.ReadFile(t, other))
	case 3:
		damage = "a bit is another one"
		b := fixture.ReadFile(t, one)
		b[rnd.IntN(len(b))] ^= 1 << rnd.IntN(8)
		fixture.WriteFile(t, one, b)
	case 4:
		damage = "one is cut"
		b := fixture.ReadFile(t, one)
		fixture.WriteFile(t, one, b[:rnd.IntN(len(b))])
	}
	r := open(t, dir)
	n := 0
	newest := files[len(files)-1]
	earlier := r.last() != last || one == newest || other == newest // without the last records it is the log of an earlier moment
	for e := range r.Entries(0) {
		n++
		data, err := e.Data()
		fixture.Must(t, err)
		got := fixture.OtherEntry{Index: e.Index, Term: e.Term, Size: e.Size, Type: "EntryNormal", SHA256: sum(data)}
		if want, ok := log[e.Index]; !written[got] || !earlier && (!ok || got != want) {
			t.Errorf("%s (%s, %s): entry %+v %q, want %+v; %v", damage, filepath.Base(one), filepath.Base(other), got, data, want, r.Problems())
		}
	}
	for i := range log {
		if _, err := r.Entry(i); errors.Is(err, walcore.ErrNoEntry) && i > r.begin() && !earlier {
			t.Errorf("%s (%s, %s): entry %d was never there; %v", damage, filepath.Base(one), filepath.Base(other), i, r.Problems())
		}
	}
	if damage == "" && (n != len(log) || len(r.Problems()) > 0) {
		t.Errorf("%d entries, want %d; problems %v", n, len(log), r.Problems())
	}
	fixture.Must(t, r.Close())
}
