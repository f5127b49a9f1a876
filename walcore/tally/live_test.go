//go:build unix

package tally

import (
	"math/rand/v2"
	"testing"

	"github.com/walfs/walfs/test/etcdlog"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/raftdir"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/detect"
	"github.com/walfs/walfs/walcore/payload"
)

// alphas derives an Alpha's entry from its index and term.
func alphas(index, term uint64) []byte {
	if index%3 == 0 {
		return []byte(delta(index-1, index+1000))
	}
	return []byte(mutation(index, "0-name"))
}

// followed is a directory that is read again while a node writes to it.
type followed struct {
	*testing.T
	log     walcore.Follower
	counter *Counter
	decoder payload.Decoder
}

func follow(t *testing.T, dir string, decoder payload.Decoder) *followed {
	log, err := detect.Open(dir, detect.Options{})
	fixture.Must(t, err)
	f := &followed{t, log.(walcore.Follower), New(), decoder}
	f.counter.limits.partEntries = 20
	t.Cleanup(func() { f.log.Close() })
	return f
}

// check counts what the log is now, and that it is what one gets at once.
func (f *followed) check(what string) {
	f.Helper()
	newest, err := f.log.Refresh()
	fixture.Must(f, err)
	f.log = newest
	got, err := f.counter.Update(f.Context(), f.log, f.decoder, nil)
	if err != nil || !got.Done {
		f.Fatalf("%s: %v, %+v", what, err, got)
	}
	checkAnew(f, got, f.log, f.decoder, New().limits)
}

// TestDgraphRuns: a node appends, rewrites, makes snapshots and empties payloads.
func TestDgraphRuns(t *testing.T) {
	w := raftdir.Create(t.TempDir()+"/w", raftdir.Options{Slots: 50, Data: alphas})
	defer w.Close()
	w.Append(170)
	decoder := newDecoder()
	f := follow(t, w.Dir(), decoder)
	f.check("at first")
	decoder.decoded = 0
	rng := rand.New(rand.NewPCG(1, 2))
	for range fixture.Size(12, 200) {
		switch behind := uint64(rng.IntN(60)); rng.IntN(4) {
		case 0:
			w.Rewind(max(w.First+1, w.Last-behind))
			f.check("rewritten")
		case 1:
			w.CommitTo(w.Last)
			w.Snapshot(max(w.First, w.Last-behind))
			f.check("compacted")
		default:
			w.Append(1 + int(behind))
			f.check("appended")
		}
	}
	w.Empty(w.First + 3)
	f.check("emptied")
	first := *f.counter.tally
	w.Append(5)
	decoder.decoded = 0
	newest, err := f.log.Refresh()
	fixture.Must(t, err)
	f.log = newest
	got, err := f.counter.Update(t.Context(), newest, decoder, nil)
	if err != nil || decoder.decoded != 5 || got.Counted.Entries != first.Counted.Entries+5 {
		t.Errorf("5 entries were appended, %d decoded: %v, %+v", decoder.decoded, err, got)
	}
}

// TestEtcdRuns: an etcd appends, begins segments, rewrites, and removes segments.
func TestEtcdRuns(t *testing.T) {
	dir := t.TempDir() + "/data"
	w, err := etcdlog.Create(dir, etcdlog.Options{})
	fixture.Must(t, err)
	defer w.Close()
	next, term := uint64(1), uint64(1)
	put := func(n int) {
		for range n {
			fixture.Must(t, w.Append(etcdlog.Entry{Term: term, Index: next, Data: []byte("a text")}))
			next++
		}
		fixture.Must(t, w.State(term, 1, next-1))
		fixture.Must(t, w.Flush())
	}
	fixture.Must(t, w.State(1, 1, 0))
	put(50)
	f := follow(t, dir, payload.NewEtcd(payload.Options{}))
	f.check("at first")
	put(7)
	f.check("appended")
	fixture.Must(t, w.Cut())
	put(30)
	f.check("another segment")
	term, next = 2, next-10
	put(4)
	f.check("rewritten")
	fixture.Must(t, w.Snapshot(1, 70, []byte("blob"), 1))
	fixture.Must(t, w.Cut())
	put(9)
	f.check("a snapshot")
}
