//go:build unix

package dgraph

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/nativelog"
	"github.com/walfs/walfs/test/raftdir"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// manyFiles is a directory in memory of nine log files, of three terms, two of them in one file.
func manyFiles(t testing.TB, o raftdir.Options) *memory {
	t.Helper()
	o.Slots = 20
	w := raftdir.Create(filepath.Join(t.TempDir(), "w"), o)
	defer w.Close()
	w.Append(33)
	w.Rewind(33)
	w.Append(60)
	w.Rewind(85)
	w.Append(85)
	w.CommitTo(150)
	m := &memory{open: 1}
	m.take(t.(*testing.T), w.Dir())
	return m
}

// fullFiles is a directory in memory whose log files are full: 30,000 entries each.
func fullFiles(t *testing.T, files int) *memory {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "w")
	n := uint64(files*format.SlotsPerFile + 5)
	fixture.Must(t, nativelog.Write(dir, nativelog.Meta{RaftID: 1, GroupID: 1, Term: 9, Vote: 1, Commit: n}, func(yield func(nativelog.Entry) bool) {
		for i := uint64(1); i <= n; i++ {
			if !yield(nativelog.Entry{Term: 1 + i/45_000, Index: i, Data: []byte{byte(i), byte(i >> 8)}}) {
				return
			}
		}
	}))
	m := &memory{open: 1}
	m.take(t, dir)
	return m
}

// copied is a directory with the same files, to be damaged.
func (m *memory) copied() *memory {
	c := &memory{attr: m.attr, open: 1, files: map[string]*memoryFile{}}
	for name, f := range m.files {
		c.files[name] = &memoryFile{attr: f.attr, bytes: bytes.Clone(f.bytes)}
	}
	return c
}

func (m *memory) openAs(t *testing.T, opts ReaderOptions) *Reader {
	t.Helper()
	r, err := openReader(m, "w", opts)
	fixture.Must(t, err)
	return r
}

func lazily(opts ReaderOptions) ReaderOptions {
	opts.Lazy, opts.lazyFrom = true, 1
	return opts
}

// logNames are the log files but the newest.
func (m *memory) logNames() []string {
	names := slices.Sorted(maps.Keys(m.files))
	names = slices.DeleteFunc(names, func(n string) bool { _, is := format.ParseFileName(n); return !is })
	return names[:len(names)-1]
}

// everything is all that a reader gives but payloads, as text.
func everything(r *Reader) map[string]any {
	all := map[string]any{"terms": fmt.Sprint(r.Terms()), "problems": fmt.Sprint(r.Problems()), "count": walcore.Count(r), "unreadable": fmt.Sprint(r.Unreadable())}
	first, known := r.FirstIndex()
	last, lastKnown := r.LastIndex()
	all["bounds"] = fmt.Sprint(first, known, last, lastKnown)
	list := func(entries iter.Seq[walcore.Entry]) string {
		var b bytes.Buffer
		for e := range entries {
			fmt.Fprintln(&b, e.Index, e.Term, e.Type, e.Size, e.Offset, e.Slot, e.File.Name, e.File.Identity)
		}
		return b.String()
	}
	all["opens"] = opening(r)
	all["entries"], all["outline"], all["replaced"] = list(r.Entries(0)), list(r.outline(0)), list(r.Replaced(0))
	for _, f := range r.Files() {
		all[f.Name] = list(f.Source.Entries(0))
	}
	for index := range last + 3 {
		_, err := r.Entry(index)
		all[fmt.Sprint("entry ", index)] = fmt.Sprint(err)
		all[fmt.Sprint("gap ", index)] = fmt.Sprint(r.Gap(index, index+1))
	}
	return all
}

// opening is what opening the directory for writing makes of it.
func opening(r *Reader) string {
	plan, err := r.Recovery()
	if err != nil {
		return err.Error()
	}
	said := fmt.Sprint(plan.Removed, plan.Dropped, plan.Warnings)
	for _, f := range plan.Files {
		said += fmt.Sprint("; ", f.Name, f.Slots, f.Obsolete, f.End, f.Used)
	}
	return said
}

// ask asks a reader something. Each entry that it gives must be one that is in the directory.
func ask(r *Reader, m *memory, random *rand.Rand) (err error) {
	last, _ := r.LastIndex()
	check := func(e walcore.Entry) {
		raw := m.files[e.File.Name].bytes
		s := format.DecodeSlot(raw[e.Slot*format.SlotSize:])
		if s.Index != e.Index || s.Term != e.Term || s.Offset != e.Offset || walcore.EntryType(s.Type) != e.Type {
			err = fmt.Errorf("entry %+v, and its slot is %+v", e, s)
		}
		data, readErr := e.Data()
		stored := raw[e.Offset+format.LengthSize:]
		if missing := int(e.Size) - len(stored); missing > 0 { // zeros, up to the file's size
			stored = append(bytes.Clone(stored), make([]byte, missing)...)
		}
		if n := binary.BigEndian.Uint32(raw[e.Offset:]); readErr == nil && (int64(n) != e.Size || !e.File.Encrypted &&
			!bytes.Equal(data, stored[:e.Size])) {
			err = errors.Join(err, fmt.Errorf("entry %+v has other bytes than are stored", e))
		}
	}
	switch random.IntN(7) {
	case 0, 1:
		if e, err := r.Entry(random.Uint64N(last + 2)); err == nil {
			check(e)
		}
	case 2:
		left := random.IntN(60)
		for e := range r.Entries(random.Uint64N(last + 1)) {
			if check(e); left == 0 {
				break
			}
			left--
		}
	case 3:
		files := r.Files()
		f := files[random.IntN(len(files))]
		for e := range f.Source.Entries(0) {
			if check(e); e.File != f {
				err = errors.Join(err, fmt.Errorf("entry %d is of %s, and %s has given it", e.Index, e.File.Name, f.Name))
			}
		}
	case 4:
		r.Terms()
		r.Gap(random.Uint64N(last+1), last)
	case 5:
		r.FirstIndex()
		for range r.Replaced(0) {
		}
	case 6:
		for range r.Outline(random.Uint64N(last + 1)) {
		}
	}
	return err
}

// spoil damages a directory in one place, and says how.
func spoil(m *memory, random *rand.Rand) string {
	names := m.logNames()
	if random.IntN(4) == 0 { // the newest log file and wal.meta, too
		names = slices.DeleteFunc(slices.Sorted(maps.Keys(m.files)), func(name string) bool { return name == format.KeyRegistryName })
	}
	name := names[random.IntN(len(names))]
	f := m.files[name]
	if name == format.MetaName {
		at := random.IntN(4096)
		f.bytes[at] ^= 1 << random.IntN(8)
		return fmt.Sprint("wal.meta at ", at)
	}
	slot := random.IntN(21)
	at := slot * format.SlotSize
	switch random.IntN(9) {
	case 0, 1, 2:
		at += random.IntN(format.SlotSize)
		f.bytes[at] ^= 1 << random.IntN(8)
		return fmt.Sprintf("%s slot %d, byte %d", name, slot, at%format.SlotSize)
	case 3:
		n := 1 + random.IntN(3)
		clear(f.bytes[at : at+n*format.SlotSize])
		return fmt.Sprintf("%s without %d slots from %d on", name, n, slot)
	case 4:
		offset := format.DecodeSlot(f.bytes[at:]).Offset
		if offset == 0 {
			offset = format.PayloadAt
		}
		f.bytes[offset+uint64(random.IntN(format.LengthSize))] ^= 1 << random.IntN(8)
		return fmt.Sprintf("%s, the length of slot %d", name, slot)
	case 5:
		delete(m.files, name)
		return "without " + name
	case 6:
		other := m.files[names[random.IntN(len(names))]]
		copy(f.bytes[at:], other.bytes[at:at+format.SlotSize])
		return fmt.Sprintf("%s slot %d is another file's", name, slot)
	case 7:
		f.attr.Size = []int64{0, 100, format.SlotTableSize, format.PayloadAt, f.attr.Size - 1}[random.IntN(5)]
		return fmt.Sprintf("%s cut to %d", name, f.attr.Size)
	}
	clear(f.bytes[:format.SlotTableSize])
	return name + " without slots"
}

// TestLazyIsAsEager: a lazily read log gives entries that are there, in whatever order it is asked, and once
// everything was looked at all that it says is what one says that has read all tables at the beginning.
func TestLazyIsAsEager(t *testing.T) {
	for name, o := range map[string]raftdir.Options{"plain": {}, "encrypted": {Key: []byte("0123456789abcdef"), KeepKeyID: true, NewDataKey: 3}} {
		whole := manyFiles(t, o)
		for seed := range fixture.Size(uint64(20), 500) {
			random := rand.New(rand.NewPCG(seed, 0))
			m := whole.copied()
			did := ""
			for range int(min(seed, 1)) * (1 + random.IntN(2)) {
				did += spoil(m, random) + "; "
			}
			opts := ReaderOptions{Key: o.Key}
			r := m.openAs(t, lazily(opts))
			if seed == 0 && r.lazy == nil {
				t.Fatal("a sound directory is read as a whole")
			}
			for range random.IntN(12) {
				if err := ask(r, m, random); err != nil {
					t.Fatalf("%s %d, %s: %v", name, seed, did, err)
				}
			}
			r.Problems()
			now := r.now()
			got, want := everything(now), everything(m.openAs(t, opts))
			for what := range want {
				if got[what] != want[what] {
					t.Errorf("%s %d, %s: %s: got %.500v, want %.500v", name, seed, did, what, got[what], want[what])
				}
			}
			// What a reader has read before must not count.
			for _, fresh := range []*Reader{m.openAs(t, lazily(opts)), m.openAs(t, opts)} {
				if opens := opening(fresh); opens != want["opens"] {
					t.Errorf("%s %d, %s: opening it for writing says %v, want %v", name, seed, did, opens, want["opens"])
				}
			}
			if len(got) != len(want) || seed == 0 && now != r {
				t.Errorf("%s %d, %s: the log is not what it is", name, seed, did)
			}
		}
	}
}

// TestFixturesLazily: every directory that Dgraph wrote gives the same, if a part of its slots is in a second file.
func TestFixturesLazily(t *testing.T) {
	lazy := 0
	for _, name := range fixture.All() {
		d := damage(t, name)
		second := d.path("00002.wal")
		if _, err := os.Lstat(second); err != nil && d.Slots() > 3 {
			d.Split(d.Slots()/2, second)
		}
		eager := d.open()
		d.opts = lazily(d.opts)
		r := d.open()
		if r.lazy == nil {
			continue
		}
		lazy++
		if got, want := shown(r), shown(eager); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %.300v, want %.300v", name, got, want)
		}
	}
	if lazy < 3 {
		t.Errorf("only %d are read lazily", lazy)
	}
}

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
