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
