//go:build linux

package repair

import (
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/format"
	"github.com/walfs/walfs/walcore/storage"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

var testKey = []byte("0123456789abcdef0123456789abcdef")

// encryptedAlpha writes the fixture alpha's entries, which a real Alpha has made, into
// an encrypted log.
func encryptedAlpha(t testing.TB) (dir string, payloads [][]byte) {
	t.Helper()
	r, err := dgraph.OpenReader(fixture.Dir(t, "alpha"), dgraph.ReaderOptions{})
	fixture.Must(t, err)
	defer r.Close()
	dir = filepath.Join(t.TempDir(), "w")
	s, err := storage.Open(dir, storage.Options{Create: true, Key: testKey, Sync: storage.SyncManual, Logger: slog.New(slog.DiscardHandler)})
	fixture.Must(t, err)
	var entries []*raftpb.Entry
	for e := range r.Entries(0) {
		data, err := e.Data()
		fixture.Must(t, err)
		payloads = append(payloads, data)
		entries = append(entries, &raftpb.Entry{Index: proto.Uint64(e.Index), Term: proto.Uint64(e.Term),
			Type: raftpb.EntryType(e.Type).Enum(), Data: data})
	}
	hs := r.Meta().HardState
	fixture.Must(t, s.Save(&raftpb.HardState{Term: &hs.Term, Vote: &hs.Vote, Commit: &hs.Commit}, entries, nil))
	fixture.Must(t, s.SetRaftID(1))
	fixture.Must(t, s.SetGroupID(1))
	fixture.Must(t, s.Close())
	return dir, payloads
}

// erase does to a log file what Dgraph does when a new leader replaces its entries from
// a slot on: all is zeroed from there up to the payloads, the key header with it. The
// node goes on with the entries that it gets, and knows the file's key as long as it runs.
func erase(f fixture.File, from int) {
	again := f.Read(int64(from)*32, 960_000-from*32)
	f.Write(int64(from)*32, make([]byte, 1<<20-from*32))
	f.Write(int64(from)*32, again)
}

// TestErasedKey: a key header that a rewrite has erased is found again by what Dgraph's
// payloads have in common, and everything is kept: also what the node has written without
// encryption after it was started again.
func TestErasedKey(t *testing.T) {
	_, want := wanted(t, "alpha")
	for _, plainFrom := range []int{975, 900, 500} {
		dir, payloads := encryptedAlpha(t)
		f := fixture.Edit(t, filepath.Join(dir, "00001.wal"))
		erase(f, 300)
		for slot := plainFrom; slot < len(payloads); slot++ {
			f.Write(int64(f.Get(slot, fixture.Offset))+4, payloads[slot])
		}
		p := repaired(t, dir, Options{Key: testKey}, want)
		if p == nil || p.Last != 975 || p.Lost || p.State.Commit != 975 {
			t.Fatalf("plain from %d: %+v", plainFrom, p)
		}
		if k := p.Problems[0].Kind; k != walcore.KindKeyErased {
			t.Errorf("problems %v", p.Problems)
		}
	}
}

// TestErasedKeyOfDgraph is the same on a directory that Dgraph has written, whose slots
// are erased from different places on.
func TestErasedKeyOfDgraph(t *testing.T) {
	const name = "alpha-encrypted"
	if !fixture.Has(name) {
		t.Logf("there is no fixture %s: TestErasedKey has Dgraph's payloads, encrypted by walfs", name)
		return
	}
	m, want := wanted(t, name)
	dir := fixture.Dir(t, name)
	for _, from := range []int{1, len(m.Entries) / 2, len(m.Entries) - 1} {
		erase(fixture.Edit(t, filepath.Join(dir, "00001.wal")), from)
		p := repaired(t, dir, Options{Key: fixture.Key(name)}, want)
		if p == nil || p.Last != m.Meta.LastIndex || p.Lost || p.State.Commit != m.Meta.HardState.Commit {
			t.Errorf("%+v", p)
		}
	}
}

// TestErasedKeyNotFound: where payloads do not tell how they are encrypted, they are
// left out.
func TestErasedKeyNotFound(t *testing.T) {
	made := fixture.Dir(t, "sealed128") // its payloads are made up
	erase(fixture.Edit(t, filepath.Join(made, "00001.wal")), 300)
	refused(t, made, Options{Key: fixture.Key("sealed128")}, walcore.ErrDataKey)

	dir, payloads := encryptedAlpha(t)
	f := fixture.Edit(t, filepath.Join(dir, "00001.wal"))
	erase(f, 300)
	refused(t, dir, Options{}, walcore.ErrNoKey)
	// Encrypted payloads behind a plain one: no node writes that.
	f.Write(int64(f.Get(500, fixture.Offset))+4, payloads[500])
	refused(t, dir, Options{Key: testKey}, walcore.ErrDataKey)
}

// TestNoKeyNeeded: a file that is plain beside a key registry is kept if that is clear.
func TestNoKeyNeeded(t *testing.T) {
	_, want := wanted(t, "alpha")
	dir, payloads := encryptedAlpha(t)
	f := fixture.Edit(t, filepath.Join(dir, "00001.wal"))
	erase(f, 300)
	for slot, data := range payloads {
		f.Write(int64(f.Get(slot, fixture.Offset))+4, data)
	}
	if p := repaired(t, dir, Options{Key: testKey}, want); p == nil || p.Last != 975 || p.Lost {
		t.Errorf("%+v", p)
	}
}

// TestFrequentBlocks: what is frequent in other payloads of the log is enough to find
// the key of one.
func TestFrequentBlocks(t *testing.T) {
	dir, _ := encryptedAlpha(t)
	r, err := dgraph.OpenReader(dir, dgraph.ReaderOptions{Key: testKey})
	fixture.Must(t, err)
	defer r.Close()
	list := frequentBlocks(r)
	if len(list) == 0 || len(list) > maxFrequent {
		t.Fatalf("%d guesses", len(list))
	}
	keys, err := readDataKeys(r, testKey)
	fixture.Must(t, err)
	f := fixture.Edit(t, filepath.Join(dir, "00001.wal"))
	want := format.DecodeKeyHeader(f.Read(format.KeyHeaderAt, format.KeyHeaderSize))
	f.Write(format.KeyHeaderAt, make([]byte, format.KeyHeaderSize))
	plain, err := dgraph.OpenReader(dir, dgraph.ReaderOptions{Key: testKey, Plain: true})
	fixture.Must(t, err)
	defer plain.Close()
	h, found, err := searchHeader(t.Context(), plain.Files()[0], keys, list)
	if h != want || !found || err != nil {
		t.Errorf("%+v, %v, %v; want %+v", h, found, err, want)
	}
	if h, found, err = searchHeader(t.Context(), plain.Files()[0], keys, []block{{1, 2, 3}}); found || err != nil {
		t.Errorf("%+v found by a wrong guess, %v", h, err)
	}
}
