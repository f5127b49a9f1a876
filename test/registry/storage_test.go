package registry

import (
	"crypto/aes"
	"crypto/cipher"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/walcore/format"
	"github.com/walfs/walfs/walcore/storage"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// TestStorage: a storage makes a log with its registry, Badger adds a data key, and the
// storage begins a new file with that one. Then Badger's data keys must decrypt each
// log file.
func TestStorage(t *testing.T) {
	for _, size := range format.KeySizes {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			f, user := newFolder(t), newRandom(8).bytes(size)
			f.save(t, user, 1)
			f.badgersTurn(t, user)
			f.save(t, user, format.SlotsPerFile)

			raw := f.read(t)
			reg, ours := parse(t, raw, user)
			theirs := f.badger(t, user)
			defer theirs.Close()
			sameKeys(t, reg.IDs, ours, theirs)
			if now := f.read(t); string(now) != string(raw) {
				t.Fatalf("Badger has changed %x to %x", raw, now)
			}
			for id, first := range map[uint64]uint64{1: 1, 2: format.SlotsPerFile + 1} {
				log, err := os.ReadFile(filepath.Join(string(f), format.FileName(id)))
				must(t, err)
				h, slot := format.DecodeKeyHeader(log[format.KeyHeaderAt:]), format.DecodeSlot(log)
				if h.KeyID != id || slot.Index != first {
					t.Fatalf("file %d has data key %d and begins at %d, want %d", id, h.KeyID, slot.Index, first)
				}
				dk, err := theirs.DataKey(h.KeyID)
				must(t, err)
				block, err := aes.NewCipher(dk.Data)
				must(t, err)
				want := payload(first)
				got := log[slot.Offset+format.LengthSize:][:len(want)]
				iv := h.IV(slot.Offset)
				cipher.NewCTR(block, iv[:]).XORKeyStream(got, got)
				if string(got) != string(want) {
					t.Fatalf("entry %d is %q, want %q", first, got, want)
				}
			}
		})
	}
}

func payload(index uint64) []byte { return fmt.Appendf(nil, "entry %d", index) }

// save appends n entries to the folder's log, and makes the log if there is none.
func (f folder) save(t testing.TB, user []byte, n uint64) {
	t.Helper()
	s, err := storage.Open(string(f), storage.Options{Create: true, Key: user, Logger: slog.New(slog.DiscardHandler)})
	must(t, err)
	last, err := s.LastIndex()
	must(t, err)
	var entries []*raftpb.Entry
	for i := last + 1; i <= last+n; i++ {
		entries = append(entries, &raftpb.Entry{Term: proto.Uint64(1), Index: proto.Uint64(i), Data: payload(i)})
	}
	must(t, s.Save(nil, entries, nil))
	must(t, s.Close())
}
