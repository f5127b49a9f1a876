//go:build unix

package dgraph

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/raftdir"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// TestLazyOpeningReadsEnds: of a full file that is not the newest a few slots are read, and of the others
// nothing until an entry is asked for.
func TestLazyOpeningReadsEnds(t *testing.T) {
	m := fullFiles(t, 3)
	r := m.openAs(t, lazily(ReaderOptions{}))
	terms := fmt.Sprint(r.Terms())
	for _, name := range m.logNames() {
		if f := m.files[name]; f.read > 40*format.SlotSize {
			t.Errorf("%s: %d bytes are read when it is opened", name, f.read)
		}
	}
	if _, err := r.LastIndex(); !err || r.Checked() {
		t.Error("the last index is not known, or all was looked at")
	}
	before := m.files["00003.wal"].read
	if e, err := r.Entry(30_001); err != nil || e.Term != 1 || e.Slot != 0 {
		t.Errorf("%+v, %v", e, err)
	}
	if m.files["00002.wal"].read < format.SlotTableSize || m.files["00003.wal"].read != before {
		t.Error("an entry is not read from its file alone")
	}
	for r.CheckNext() {
	}
	next, err := r.refresh()
	fixture.Must(t, err)
	if same, err := next.refresh(); next == r || same != next || err != nil {
		t.Errorf("that all was looked at is not news, or each time; %v", err)
	}
	for _, f := range m.files {
		f.read = 0
	}
	if p := next.Problems(); len(p) > 0 || !r.Checked() || r.now() != r || m.files["00001.wal"].read > 0 {
		t.Errorf("it is not as presumed, or looked at again: %v", p)
	}
	if eager := m.openAs(t, ReaderOptions{}); fmt.Sprint(eager.Terms()) != terms {
		t.Errorf("terms %v, want %v", terms, eager.Terms())
	}
}

// TestFewFilesAreReadWhole: for them it is not worth it.
func TestFewFilesAreReadWhole(t *testing.T) {
	if r := manyFiles(t, raftdir.Options{}).openAs(t, ReaderOptions{Lazy: true}); r.lazy != nil || !r.Checked() {
		t.Error("nine files are read lazily")
	}
}

// TestTableCacheIsBounded: tables are dropped, and read again.
func TestTableCacheIsBounded(t *testing.T) {
	m := fullFiles(t, 4)
	r := m.openAs(t, lazily(ReaderOptions{}))
	c := r.follower.cache
	e, err := r.Entry(1)
	fixture.Must(t, err)
	c.most = 2*c.bytes + c.bytes/2
	for range 2 {
		next := uint64(1)
		for e := range r.Entries(0) {
			if e.Index != next {
				t.Fatalf("entry %d, want %d", e.Index, next)
			}
			next++
		}
		held := 0
		for _, f := range r.files {
			if f.kept == nil && f.table.loaded.Load() != nil {
				held++
			}
		}
		if next != 4*format.SlotsPerFile+6 || c.bytes > c.most || held == 0 || held > 2 || len(c.held) != held {
			t.Errorf("up to %d, %d bytes of %d, %d tables of %d", next, c.bytes, c.most, held, len(c.held))
		}
	}
	if again, err := r.Entry(1); err != nil || again != e {
		t.Errorf("%+v, %v; before %+v", again, err, e)
	}
}

// dropTables drops what is in memory.
func (r *Reader) dropTables() {
	for _, f := range r.files {
		if f.kept == nil {
			f.table.loaded.Store(nil)
		}
	}
}

// TestPresumptionFailsOnTheWay: who goes through the entries gets those of files before the one that is not
// as presumed, and then those of a reader that has read all.
func TestPresumptionFailsOnTheWay(t *testing.T) {
	m := manyFiles(t, raftdir.Options{})
	f := m.files["00005.wal"]
	binary.BigEndian.PutUint64(f.bytes[7*format.SlotSize+8:], 1<<60) // an index
	r, eager := m.openAs(t, lazily(ReaderOptions{})), m.openAs(t, ReaderOptions{})
	if r.lazy == nil {
		t.Fatal("it was seen when it was opened")
	}
	collect := func(r *Reader) (indexes []uint64) {
		for e := range r.Entries(0) {
			if indexes = append(indexes, e.Index); e.File.Name == "00003.wal" && r.now() != r {
				t.Error("it was found before its time")
			}
		}
		return indexes
	}
	if got, want := collect(r), collect(eager); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if r.now() == r {
		t.Error("it was not found")
	}
	// A file stays the same File.
	for i, f := range r.files {
		if now := r.Files(); now[i] != f.File || f.Source != walcore.Source(f) {
			t.Errorf("%s is another file now", f.Name)
		}
	}
}

// TestTableThatChanges: a table, or the lengths of payloads, that are other ones when they are read again are not
// given under the same identity.
func TestTableThatChanges(t *testing.T) {
	for name, change := range map[string]func(b []byte){
		"a slot": func(b []byte) { b[3*format.SlotSize+7]++; b[3*format.SlotSize+15] += 5 },
		"a length": func(b []byte) {
			clear(b[format.DecodeSlot(b).Offset:][:format.LengthSize])
		},
	} {
		m := manyFiles(t, raftdir.Options{})
		r := m.openAs(t, lazily(ReaderOptions{}))
		e, err := r.Entry(41)
		if err != nil || e.File.Name != "00003.wal" {
			t.Fatalf("%+v, %v", e, err)
		}
		r.dropTables()
		change(m.files["00003.wal"].bytes)
		if _, err := r.Entry(41); !errors.Is(err, walcore.ErrChanged) {
			t.Errorf("%s: %v", name, err)
		}
		n := 0
		for e := range r.Entries(41) {
			if n++; e.File.Name == "00003.wal" {
				t.Fatalf("%s: entry %d is given", name, e.Index)
			}
		}
		if n == 0 || !errors.Is(r.Gap(41, 60), walcore.ErrChanged) || len(r.Problems()) == 0 {
			t.Errorf("%s: %d entries, and no word of those between", name, n)
		}
		next, err := r.refresh()
		fixture.Must(t, err)
		now, err := next.Entry(43)
		if next == r || err != nil || now.File.Identity == e.File.Identity {
			t.Errorf("%s: then it is %+v, %v", name, now, err)
		}
		next.Problems()
		next, err = next.refresh() // all was looked at, which is news
		fixture.Must(t, err)
		if last, err := next.refresh(); err != nil || last != next {
			t.Errorf("%s: each look finds something new; %v", name, err)
		}
	}
}

// TestFollowersLearnOfAFailedPresumption: the next look finds a change, once, and what was given before is not
// among what is unchanged.
func TestFollowersLearnOfAFailedPresumption(t *testing.T) {
	m := manyFiles(t, raftdir.Options{})
	// Most slots of 00005.wal hold the indexes of 00004.wal in another term: neither is an entry.
	slots, other := m.files["00005.wal"].bytes, m.files["00004.wal"].bytes
	for i := 5; i < 14; i++ { // none that is read when it is opened
		copy(slots[i*format.SlotSize:], other[i*format.SlotSize:][:format.SlotSize])
		slots[i*format.SlotSize+7]++
	}
	r := m.openAs(t, lazily(ReaderOptions{}))
	if same, err := r.refresh(); err != nil || same != r || r.lazy == nil {
		t.Fatalf("something has changed, or it was seen when it was opened: %v", err)
	}
	given := map[uint64]bool{}
	for e := range r.Entries(0) {
		given[e.Index] = true
	}
	next, err := r.refresh()
	fixture.Must(t, err)
	if next == r || next.lazy != nil {
		t.Fatal("the next look has not read all")
	}
	if first, last := next.Unchanged(r); first != 1 || last != 60 {
		t.Errorf("%d to %d are unchanged; 00004.wal begins at 61", first, last)
	}
	for e := range r.Outline(0) {
		delete(given, e.Index)
	}
	if _, err := next.Entry(70); err == nil || len(given) > 0 {
		t.Errorf("of the entries that were given, these are not among what was: %v; 70: %v", given, err)
	}
	if same, err := next.refresh(); err != nil || same != next {
		t.Errorf("each look finds something new: %v", err)
	}
}

// TestRefreshOfALazyLog: of old files nothing but their ends is read, whatever is appended.
func TestRefreshOfALazyLog(t *testing.T) {
	w := raftdir.Create(filepath.Join(t.TempDir(), "w"), raftdir.Options{Slots: 20})
	defer w.Close()
	w.Append(150)
	m := &memory{open: 1}
	m.take(t, w.Dir())
	r := m.openAs(t, lazily(ReaderOptions{}))
	r.Problems()
	for range 3 {
		for _, f := range m.files {
			f.read = 0
		}
		w.Append(9)
		m.take(t, w.Dir())
		next, err := r.refresh()
		fixture.Must(t, err)
		if next == r || next.lazy == nil {
			t.Fatal("it does not go on lazily")
		}
		if first, last := next.Unchanged(r); first != 1 || last != w.Last-9 {
			t.Errorf("%d to %d are unchanged, want 1 to %d", first, last, w.Last-9)
		}
		for _, name := range m.logNames()[:6] {
			if f := m.files[name]; f.read > 400 {
				t.Errorf("%s: %d bytes", name, f.read)
			}
		}
		r = next
		if p := r.Problems(); len(p) > 0 {
			t.Error(p)
		}
	}
}

// TestManyReadLazily: many goroutines use a lazily read log whose tables are dropped at once, sound or not.
func TestManyReadLazily(t *testing.T) {
	for _, damaged := range []bool{false, true} {
		m := manyFiles(t, raftdir.Options{})
		if damaged {
			binary.BigEndian.PutUint64(m.files["00006.wal"].bytes[7*format.SlotSize+8:], 1<<60)
		}
		r := m.openAs(t, lazily(ReaderOptions{}))
		r.follower.cache.most = 1
		var wait sync.WaitGroup
		for seed := range uint64(4) {
			wait.Go(func() {
				random := rand.New(rand.NewPCG(seed, 1))
				for range 40 {
					if err := ask(r, m, random); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wait.Wait()
		now := r.now()
		if (now != r) != damaged {
			t.Errorf("damaged %v, and it was read as a whole: %v", damaged, now != r)
		}
		got, want := everything(now), everything(m.openAs(t, ReaderOptions{}))
		if !reflect.DeepEqual(got, want) {
			t.Errorf("damaged %v: it gives other answers", damaged)
		}
	}
}
