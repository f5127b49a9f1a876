package hashicorp

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
)

// holds checks that a log has the writer's entries, and no others.
func (w *boltWriter) holds(r *Reader) {
	w.t.Helper()
	i := 0
	for e := range r.Entries(0) {
		if i == len(w.entries) || e.Index != w.entries[i].index {
			w.t.Fatalf("entry %d is not the log's", e.Index)
		}
		w.isRight(e, w.entries[i].term)
		i++
	}
	if i != len(w.entries) {
		w.t.Errorf("%d entries, want %d", i, len(w.entries))
	}
	if problems := r.Problems(); len(problems) > 0 {
		w.t.Errorf("%v", problems)
	}
}

// isRight checks an entry's payload, whatever its size.
func (w *boltWriter) isRight(e walcore.Entry, term uint64) {
	w.t.Helper()
	data, err := e.Data()
	if at, stored := e.Time(); err != nil || e.Term != term || !bytes.Equal(data, entryData(e.Index, e.Term, int(e.Size))) || !stored || at.Unix() != 1700000000+int64(e.Index) {
		w.t.Fatalf("entry %d of term %d, want term %d: %.40q, at %v, %v", e.Index, e.Term, term, data, at, err)
	}
}

// TestTreesOfAllSizes: from an empty bucket to three levels, with values larger than a page.
func TestTreesOfAllSizes(t *testing.T) {
	for _, pageSize := range []int{4096, 1024, 16384} {
		w := newBoltWriter(t, pageSize)
		r := open(t, w.dir())
		w.holds(r)
		for _, n := range []int{1, 2, 40, 3000} {
			for len(w.entries) < n {
				size := 100
				if len(w.entries)%17 == 0 {
					size = len(w.entries) * 9
				}
				w.append(1+uint64(len(w.entries)/50), size)
			}
			w.commit()
			w.holds(open(t, w.dir()))
		}
		w.append(100, smallValue+3*chunkSize+5) // read in pieces
		w.commit()
		r = open(t, w.dir())
		w.holds(r)
		e, err := r.Entry(3001)
		fixture.Must(t, err)
		part := make([]byte, 1000)
		for _, off := range []int64{0, chunkSize - 500, smallValue} {
			_, err := e.ReadAt(part, off)
			fixture.Must(t, err)
			if !bytes.Equal(part, entryData(e.Index, e.Term, int(e.Size))[off:][:1000]) {
				t.Errorf("other bytes at %d", off)
			}
		}
		// Without the first meta page, the second one and its page size are found.
		_, err = w.f.WriteAt(make([]byte, 80), 0)
		fixture.Must(t, err)
		if r := open(t, w.dir()); len(r.Problems()) != 1 || r.Problems()[0].Kind != walcore.KindMeta {
			t.Errorf("%v", r.Problems())
		}
	}
}

func refresh(t testing.TB, r *Reader) *Reader {
	t.Helper()
	next, err := r.Refresh()
	fixture.Must(t, err)
	return next.(*Reader)
}

// TestRefreshFollowsRaftDB: entries come, go at both ends, and are replaced.
func TestRefreshFollowsRaftDB(t *testing.T) {
	w := newBoltWriter(t, 4096)
	r := open(t, w.dir())
	type step struct {
		do          string
		keep        int // entries
		first, last uint64
	}
	for _, s := range []step{
		{"append", 0, 1, 0},
		{"append", 500, 1, 500},
		{"compact", 1000, 301, 1000},
		{"replace", 700, 301, 900},
		{"append", 700, 301, 1000},
		{"replace all", 0, 1, 0},
		{"append", 0, 301, 800},
		{"empty", 0, 1, 0},
	} {
		before := r
		switch s.do {
		case "append":
			for range 500 {
				w.append(w.currentTerm()+1, 150)
			}
		case "compact":
			w.entries = w.entries[300:]
		case "replace":
			w.entries = w.entries[:len(w.entries)-100]
			w.append(w.currentTerm()+1, 150)
			for range 99 {
				w.append(w.currentTerm(), 150)
			}
		case "replace all":
			w.entries = w.entries[:0]
			w.append(w.currentTerm()+1, 10)
			w.entries[0].index = 301
			w.entries[0].value = msgpackEntry(301, w.currentTerm(), entryData(301, w.currentTerm(), 10))
			for range 499 {
				w.append(w.currentTerm(), 150)
			}
		case "empty":
			w.entries = w.entries[:0]
		}
		w.commit()
		r = refresh(t, r)
		w.holds(r)
		first, last := r.Unchanged(before)
		if first > last {
			first, last = 1, 0
		}
		if first != s.first && s.first <= s.last || last < s.first && s.first <= s.last {
			t.Errorf("%s: %d to %d are unchanged, want %d to %d", s.do, first, last, s.first, s.last)
		}
		for index := first; index <= last; index++ {
			a, err := before.Entry(index)
			b, err2 := r.Entry(index)
			if err != nil || err2 != nil || a.Term != b.Term {
				t.Fatalf("%s: entry %d is not unchanged: %v, %v", s.do, index, err, err2)
			}
		}
		// What the log before has, is right or said to have changed.
		for e := range before.Entries(0) {
			if data, err := e.Data(); err == nil && !bytes.Equal(data, entryData(e.Index, e.Term, int(e.Size))) || err != nil && !errors.Is(err, walcore.ErrChanged) {
				t.Fatalf("%s: entry %d before: %.30q, %v", s.do, e.Index, data, err)
			}
		}
		// Once the folder's time can tell of a change, the log stays the same.
		for again := refresh(t, r); again != r; again = refresh(t, r) {
			r = again
		}
	}
}

// TestWriterAtWork: a writer commits as fast as it can, and reuses pages as early as it may.
// What is read meanwhile is always one of its logs.
func TestWriterAtWork(t *testing.T) {
	w := newBoltWriter(t, 4096)
	for range 300 {
		w.append(1, 200)
	}
	w.commit()
	r := open(t, w.dir())
	var stop atomic.Bool
	done := make(chan uint64)
	go func() {
		rnd := rand.New(rand.NewPCG(1, 2))
		for !stop.Load() {
			switch rnd.IntN(10) {
			case 0:
				w.entries = w.entries[max(rnd.IntN(10), len(w.entries)-400):]
			case 1:
				w.entries = w.entries[:len(w.entries)-rnd.IntN(20)]
				w.append(w.currentTerm()+1, 150)
			default:
				for range rnd.IntN(10) {
					w.append(w.currentTerm(), 150+rnd.IntN(5000)/(1+rnd.IntN(50)))
				}
			}
			w.commit()
		}
		done <- w.txid
	}()
	logs, changed, read := 0, 0, 0
	for logs < fixture.Size(80, 600) {
		next, err := r.Refresh()
		if errors.Is(err, walcore.ErrChanged) {
			continue
		}
		fixture.Must(t, err)
		if next != walcore.Follower(r) {
			logs++
		}
		r = next.(*Reader)
		if problems := r.Problems(); len(problems) > 0 {
			t.Fatalf("%v", problems)
		}
		last := walcore.Entry{}
		for e := range r.Entries(0) {
			if last.Index > 0 && e.Index != last.Index+1 || e.Term < last.Term {
				t.Fatalf("entry %d of term %d after %d of term %d", e.Index, e.Term, last.Index, last.Term)
			}
			last = e
			if e.Index%37 != uint64(logs)%37 {
				continue
			}
			switch data, err := e.Data(); {
			case errors.Is(err, walcore.ErrChanged):
				changed++
			case err != nil || !bytes.Equal(data, entryData(e.Index, e.Term, int(e.Size))):
				t.Fatalf("entry %d of term %d: %.40q, %v", e.Index, e.Term, data, err)
			default:
				read++
			}
		}
	}
	stop.Store(true)
	t.Logf("%d transactions, %d logs, %d entries read, %d had changed", <-done, logs, read, changed)
	w.holds(refresh(t, r))
	if read == 0 {
		t.Error("none was read")
	}
}

// TestRemovedEntry: to read an entry that a node has removed does not make the next look read all
// again: that it is gone, looks find out.
func TestRemovedEntry(t *testing.T) {
	w := newBoltWriter(t, 4096)
	for range 300 {
		w.append(1, 200)
	}
	w.commit()
	w.commit()
	r := open(t, w.dir())
	w.entries = w.entries[10:]
	w.commit()
	w.commit()
	e, err := r.Entry(3)
	fixture.Must(t, err)
	if _, err := e.Data(); !errors.Is(err, walcore.ErrChanged) {
		t.Errorf("%v", err)
	}
	if r.files[boltName].stale.Load() {
		t.Error("all is read again")
	}
	w.holds(refresh(t, r))
}
