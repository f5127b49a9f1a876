package meta

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"

	"github.com/walfs/walfs/test/fixture"
)

// FuzzRead reads any bytes: if there is a snapshot, it lies within the file. The bytes are
// given in small parts: most of a whole wal.meta would be zeros, which the fuzzer would
// waste its time on.
func FuzzRead(f *testing.F) {
	seeds := 0
	for _, name := range fixture.Small {
		b := load(f, name)
		n := binary.BigEndian.Uint32(b[snapshotAt:])
		f.Add(binary.BigEndian.Uint32(b[HardStateAt:]), b[HardStateAt+lengthSize:][:20],
			binary.BigEndian.Uint64(b[SnapshotIndexAt:]), binary.BigEndian.Uint64(b[snapshotTermAt:]),
			n, b[snapshotAt+lengthSize:][:min(n, 300)], uint16(math.MaxUint16))
		seeds++
	}
	if seeds == 0 {
		f.Fatal("no seeds")
	}
	f.Fuzz(func(t *testing.T, hardSize uint32, hard []byte, index, term uint64, size uint32, snapshot []byte, cut uint16) {
		b := make([]byte, snapshotAt+lengthSize, 4096)
		binary.BigEndian.PutUint32(b[HardStateAt:], hardSize)
		copy(b[HardStateAt+lengthSize:SnapshotIndexAt], hard)
		binary.BigEndian.PutUint64(b[SnapshotIndexAt:], index)
		binary.BigEndian.PutUint64(b[snapshotTermAt:], term)
		binary.BigEndian.PutUint32(b[snapshotAt:], size)
		b = append(b, snapshot...)
		b = b[:min(len(b), int(cut))]
		m := read(t, b)
		if s := m.Snapshot; s != nil {
			size := int64(len(b))
			if s.At < 0 || s.Size < 0 || s.At+s.Size > size || s.DataSize < 0 || s.DataSize > 0 && s.DataAt < s.At || s.DataAt+s.DataSize > s.At+s.Size {
				t.Fatalf("snapshot %+v of %d bytes", s, size)
			}
			if s.Metadata == nil {
				t.Fatal("no metadata")
			}
			if same, err := m.SameSnapshot(bytes.NewReader(b)); err != nil || !same {
				t.Fatalf("not the same snapshot: %v", err)
			}
		}
		if m.Snapshot == nil && len(m.Faults) == 0 && *m.SnapshotIndex != 0 {
			t.Fatal("a snapshot without a word")
		}
		if (m.HardState == nil || m.RaftID == nil || m.SnapshotDamaged()) && len(m.Faults) == 0 {
			t.Fatal("something is unknown without a fault")
		}
	})
}
