//go:build unix

package dgraph

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/nativelog"
	"github.com/walfs/walfs/test/raftdir"
	"github.com/walfs/walfs/walcore"
	meaning "github.com/walfs/walfs/walcore/payload"
)

// oldPayload is what a replaced entry's payload was and where.
type oldPayload struct {
	at   int64
	data []byte
}

func payloadsFrom(t *testing.T, r *Reader, index uint64) (list []oldPayload) {
	t.Helper()
	for e := range r.Entries(index) {
		data, err := e.Data()
		fixture.Must(t, err)
		list = append(list, oldPayload{int64(e.Offset), data})
	}
	return list
}

// wantRemains compares what is found with what is left of old payloads: those that begin
// behind what was written over them.
func wantRemains(t *testing.T, r *Reader, want []oldPayload) walcore.Remains {
	t.Helper()
	got, err := r.Remains(recognizer)
	fixture.Must(t, err)
	for _, s := range got.Searched {
		t.Logf("%s %d to %d: %s, %v", s.File, s.From, s.To, s.Note, s.Err)
	}
	if len(got.Found) != len(want) {
		t.Fatalf("%d payloads are found, want %d", len(got.Found), len(want))
	}
	for i, f := range got.Found {
		data, err := f.Data()
		if err != nil || int64(f.Offset) != want[i].at || !bytes.Equal(data, want[i].data) {
			t.Fatalf("found at %d: %x, %v, want at %d: %x", f.Offset, data, err, want[i].at, want[i].data)
		}
	}
	return got
}

func behind(list []oldPayload, end int64) (left []oldPayload) {
	for _, p := range list {
		if p.at > end {
			left = append(left, p)
		}
	}
	return left
}

func endOf(t *testing.T, r *Reader) int64 {
	t.Helper()
	e, _ := r.Last()
	return int64(e.Offset) + 4 + e.Size
}

// openLog opens what a writer has written.
func openLog(t *testing.T, w *raftdir.Writer, key string) *Reader {
	t.Helper()
	r, err := OpenReader(w.Dir(), ReaderOptions{Key: []byte(key)})
	fixture.Must(t, err)
	t.Cleanup(func() { r.Close() })
	return r
}

// TestRemains: what Dgraph leaves of entries that a new leader replaces is found, all but
// what was written over.
func TestRemains(t *testing.T) {
	for _, key := range []string{"", "0123456789abcdef"} {
		for rewritten := range 40 {
			t.Run(fmt.Sprint(key, rewritten), func(t *testing.T) {
				w := raftdir.Create(filepath.Join(t.TempDir(), "w"), raftdir.Options{Key: []byte(key), Data: nativelog.Mutation})
				defer w.Close()
				w.Append(60)
				old := payloadsFrom(t, openLog(t, w, key), 11)
				w.Rewind(10)
				w.Append(1 + rewritten)
				r := openLog(t, w, key)
				wantRemains(t, r, behind(old, endOf(t, r)))
				for range r.Replaced(0) {
					t.Error("a slot is found")
				}
			})
		}
	}
}

// TestRemainsOfSeveralRewrites: each has left something behind what the next has written.
func TestRemainsOfSeveralRewrites(t *testing.T) {
	w := raftdir.Create(filepath.Join(t.TempDir(), "w"), raftdir.Options{Data: nativelog.Mutation})
	defer w.Close()
	w.Append(90)
	var old []oldPayload
	for rewrite := range 3 {
		r := openLog(t, w, "")
		old = append(payloadsFrom(t, r, 11), behind(old, endOf(t, r))...)
		w.Rewind(10)
		w.Append(60 - 20*rewrite)
	}
	r := openLog(t, w, "")
	got, err := r.Remains(recognizer)
	fixture.Must(t, err)
	// The last ones before what another rewrite has left have nothing that bears them out.
	if left := behind(old, endOf(t, r)); len(got.Found) < len(left)-2 || len(got.Found) < 40 {
		t.Errorf("%d are found, of %d", len(got.Found), len(left))
	}
	for _, f := range got.Found {
		data, err := f.Data()
		fixture.Must(t, err)
		found := false
		for _, p := range old {
			found = found || p.at == int64(f.Offset) && bytes.Equal(p.data, data)
		}
		if !found {
			t.Errorf("at %d: %x was never written there", f.Offset, data)
		}
	}
}

// TestRemainsWhileWriting: what a writer is just adding is not found, nor is what was found
// read once it is written over.
func TestRemainsWhileWriting(t *testing.T) {
	w := raftdir.Create(filepath.Join(t.TempDir(), "w"), raftdir.Options{Data: nativelog.Mutation})
	defer w.Close()
	w.Append(50)
	w.Rewind(10)
	r := openLog(t, w, "")
	if got := wantRemains(t, r, nil); got.Searched[0].Note == "" {
		t.Error("nothing says that payloads were left out")
	}
	w.Append(1)
	r = openLog(t, w, "")
	got, err := r.Remains(recognizer)
	fixture.Must(t, err)
	if len(got.Found) < 30 {
		t.Fatalf("%d are found", len(got.Found))
	}
	end, f := endOf(t, r), fixture.Edit(t, filepath.Join(w.Dir(), "00001.wal"))
	was := f.Read(end, 4)
	f.Write(end, []byte{0, 0, 1, 1}) // the next payload begins there, and nothing else tells
	if _, err := got.Found[0].Data(); !errors.Is(err, walcore.ErrChanged) {
		t.Errorf("while the next payload is written: %v", err)
	}
	f.Write(end, was)
	if _, err := got.Found[0].Data(); err != nil {
		t.Error(err)
	}
	if _, err := r.Remains(writing{recognizer, func() { f.Write(end, []byte{0, 0, 1, 1}) }}); !errors.Is(err, walcore.ErrChanged) {
		t.Errorf("a payload is written during the search: %v", err)
	}
	finish := w.HalfSlot()
	for _, f := range got.Found {
		if _, err := f.Data(); !errors.Is(err, walcore.ErrChanged) {
			t.Fatalf("at %d, while the next entry is written: %v", f.Offset, err)
		}
	}
	finish()
}

// writing is a recognizer while a node writes.
type writing struct {
	walcore.Recognizer
	write func()
}

func (w writing) TypeOf(data []byte) (walcore.EntryType, bool) {
	w.write()
	return w.Recognizer.TypeOf(data)
}

// TestNothingReplaced: in a fixture of which nothing was replaced, nothing is found, nor in
// those whose payloads no schema tells from other bytes.
func TestNothingReplaced(t *testing.T) {
	for _, name := range fixture.All() {
		r, err := OpenReader(fixture.Dir(t, name), ReaderOptions{Key: fixture.Key(name)})
		fixture.Must(t, err)
		got, err := r.Remains(meaning.NewRecognizer(meaning.AppOf(r)))
		if err != nil || len(got.Found) > 0 {
			t.Errorf("%s: %d are found, %v", name, len(got.Found), err)
		}
		for e := range r.Replaced(0) {
			t.Errorf("%s: entry %d of term %d", name, e.Index, e.Term)
		}
		fixture.Must(t, r.Close())
	}
}

// textPayloads recognizes what the fixtures hold that Dgraph's raftwal package has written
// alone.
type textPayloads struct{}

func (textPayloads) CanBegin(head []byte, _ int64) bool {
	return strings.Trim(string(head), " \nabcdefghijklmnopqrstuvwxyz") == ""
}

func (p textPayloads) TypeOf(data []byte) (walcore.EntryType, bool) { return 0, p.CanBegin(data, 0) }

// TestFixturesWithRewrites: what Dgraph has left in fixtures that were rewritten.
func TestFixturesWithRewrites(t *testing.T) {
	for name, want := range map[string]int{"rewritten": 64, "sealed128": 39, "sealed256": 38} {
		r, err := OpenReader(fixture.Dir(t, name), ReaderOptions{Key: fixture.Key(name)})
		fixture.Must(t, err)
		got, err := r.Remains(textPayloads{})
		if err != nil || len(got.Found) != want {
			t.Errorf("%s: %d are found, %v: %+v", name, len(got.Found), err, got.Searched)
		}
		fixture.Must(t, r.Close())
	}
}

// TestRemainsInDamagedLog: where the log has lost entries, what is behind it may be
// theirs.
func TestRemainsInDamagedLog(t *testing.T) {
	for name, harm := range map[string]func(f fixture.File){
		"the last slots are zero": func(f fixture.File) { f.Write(32*32, make([]byte, 32*32)) },
		"so is the first length behind the end": func(f fixture.File) {
			f.Write(payloadOf(f, 32), []byte{9})
			f.Write(32*32, make([]byte, 32*32))
		},
		"slots in the middle are zero, and a length": func(f fixture.File) {
			f.Write(payloadOf(f, 16), []byte{9})
			f.Write(16*32, make([]byte, 4*32))
		},
		"a term is too high, and the next slot is zero": func(f fixture.File) {
			f.Set(15, fixture.Term, 9)
			f.Write(16*32, make([]byte, 32))
		},
		"slots in the middle are zero":              func(f fixture.File) { f.Write(16*32, make([]byte, 4*32)) },
		"the last length is damaged":                func(f fixture.File) { f.Write(payloadOf(f, 39), []byte{9}) },
		"the last slot is damaged":                  func(f fixture.File) { f.Set(39, fixture.Index, 7) },
		"the last term is damaged":                  func(f fixture.File) { f.Set(39, fixture.Term, 9) },
		"the last two terms are, both too low":      func(f fixture.File) { f.Set(38, fixture.Term, 1); f.Set(39, fixture.Term, 1) },
		"a term at a sector's end is, and too high": func(f fixture.File) { f.Set(15, fixture.Term, 9) },
	} {
		t.Run(name, func(t *testing.T) {
			w := raftdir.Create(filepath.Join(t.TempDir(), "w"), raftdir.Options{Data: nativelog.Mutation})
			w.Append(2)
			w.Rewind(2)
			w.Append(38)
			if !strings.HasPrefix(name, "slots in the middle") { // these tell by themselves
				w.CommitTo(40)
			}
			w.Close()
			harm(fixture.Edit(t, filepath.Join(w.Dir(), "00001.wal")))
			r := openLog(t, w, "")
			wantRemains(t, r, nil)
			for e := range r.Replaced(0) {
				t.Errorf("entry %d of term %d", e.Index, e.Term)
			}
		})
	}
}

func payloadOf(f fixture.File, slot int) int64 { return int64(f.Get(slot, fixture.Offset)) }

// TestReplacedSlots: a power loss has let some sectors of the slot table get to the disk
// when a new leader's entries replaced others, and not the rest.
func TestReplacedSlots(t *testing.T) {
	for _, key := range []string{"", "0123456789abcdef"} {
		w := raftdir.Create(filepath.Join(t.TempDir(), "w"), raftdir.Options{Key: []byte(key), Data: nativelog.Mutation})
		w.Append(48)
		name := filepath.Join(w.Dir(), "00001.wal")
		table := fixture.Edit(t, name).Read(0, 48*32)
		old := payloadsFrom(t, openLog(t, w, key), 1)
		w.Rewind(10)
		w.Append(6)
		w.CommitTo(16)
		end := endOf(t, openLog(t, w, key))
		w.Close()
		f := fixture.Edit(t, name)
		f.Write(16*32, table[16*32:]) // the second and the third sector are as they were
		r := openLog(t, w, key)
		index := uint64(17)
		for payloadOf(f, int(index)-1) <= end {
			index++
		}
		for e := range r.Replaced(0) {
			data, err := e.Data()
			if err != nil || e.Index != index || e.Term != 1 || !bytes.Equal(data, old[index-1].data) {
				t.Fatalf("entry %d of term %d, %x, %v: want entry %d", e.Index, e.Term, data, err, index)
			}
			index++
		}
		if index != 49 {
			t.Errorf("they end before %d", index)
		}
		// Of those before them, whose slots are gone, only payloads are left.
		wantRemains(t, r, behind(old[:16], end))
	}
}

// TestReplacedFile: the removal of a later file has not got to the disk.
func TestReplacedFile(t *testing.T) {
	w := raftdir.Create(filepath.Join(t.TempDir(), "w"), raftdir.Options{Slots: 20, Data: nativelog.Mutation})
	w.Append(50)
	old := payloadsFrom(t, openLog(t, w, ""), 21)
	name := filepath.Join(w.Dir(), "00002.wal")
	file, err := os.ReadFile(name)
	fixture.Must(t, err)
	w.Rewind(10)
	w.Append(5)
	w.CommitTo(15)
	w.Close()
	fixture.Must(t, os.WriteFile(name, file, 0o600))
	r := openLog(t, w, "")
	n := 0
	for e := range r.Replaced(0) {
		data, err := e.Data()
		if err != nil || e.Index != uint64(21+n) || e.Term != 1 || !bytes.Equal(data, old[n].data) {
			t.Fatalf("entry %d of term %d, %x, %v", e.Index, e.Term, data, err)
		}
		n++
	}
	if n != 20 {
		t.Errorf("%d entries", n)
	}
	for range r.Replaced(30) {
		n--
	}
	if n != 9 {
		t.Errorf("%d entries are not below 30", n)
	}
}
