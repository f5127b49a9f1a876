//go:build unix

package dgraph

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/nativelog"
	"github.com/walfs/walfs/test/raftdir"
	"github.com/walfs/walfs/walcore"
	meaning "github.com/walfs/walfs/walcore/payload"
	"google.golang.org/protobuf/encoding/protowire"
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
	fixture.NotForRace(t)
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
	fixture.NotForRace(t)
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

// TestRemainsOfRunningNode: while a node appends and is overruled, nothing is found that it
// has in its log, or is about to have.
func TestRemainsOfRunningNode(t *testing.T) {
	w := raftdir.Create(filepath.Join(t.TempDir(), "w"), raftdir.Options{Data: nativelog.Mutation})
	defer w.Close()
	w.Append(100)
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		random := rand.New(rand.NewPCG(1, 2))
		for {
			select {
			case <-stop:
				return
			default:
			}
			w.Rewind(w.Last - min(w.Last-1, uint64(random.IntN(60))))
			w.Append(1 + random.IntN(58))
			if w.Last > 3000 {
				w.Rewind(50)
			}
		}
	}()
	defer func() {
		close(stop)
		<-done
	}()
	found := 0
	for range fixture.Size(30, 200) {
		r := openLog(t, w, "")
		got, err := r.Remains(recognizer)
		if err != nil {
			continue // the writer was at work there
		}
		now := openLog(t, w, "")
		for _, f := range got.Found {
			data, err := f.Data()
			if err != nil {
				continue
			}
			found++
			index, started := mutationOf(data)
			if e, err := now.Entry(index); err == nil && e.Term == started-7*index {
				t.Fatalf("entry %d of term %d is taken for replaced", index, e.Term)
			}
		}
		r.Close()
		now.Close()
	}
	t.Logf("%d payloads were found", found)
}

// mutationOf gives the uid and the start timestamp of a mutation of nativelog's.
func mutationOf(data []byte) (uid, started uint64) {
	_, n := protowire.ConsumeVarint(data[9:]) // behind the key and a tag
	started, m := protowire.ConsumeVarint(data[9+n+3:])
	edge := data[9+n+3+m+1:]
	_, k := protowire.ConsumeVarint(edge)
	uid, _ = protowire.ConsumeFixed64(edge[k+1:])
	return uid, started
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
	fixture.NotForRace(t)
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
	fixture.NotForRace(t)
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
	fixture.NotForRace(t)
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
