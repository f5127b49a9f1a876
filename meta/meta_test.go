package meta

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

func load(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(fixture.Dir(t, name), "wal.meta"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func read(t testing.TB, b []byte) *Meta {
	t.Helper()
	m, err := Read(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestEveryFixture(t *testing.T) {
	for _, name := range fixture.Small {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := fixture.ReadManifest(t, name).Meta
			b := load(t, name)
			m := read(t, b)
			if len(m.Faults) > 0 {
				t.Fatalf("faults: %v", m.Faults)
			}
			got := []uint64{*m.RaftID, *m.GroupID, *m.CheckpointIndex, m.HardState.GetTerm(), m.HardState.GetVote(),
				m.HardState.GetCommit(), *m.SnapshotIndex, *m.SnapshotTerm}
			if w := []uint64{want.RaftID, want.GroupID, want.CheckpointIndex, want.HardState.Term, want.HardState.Vote,
				want.HardState.Commit, want.SnapshotIndex, want.SnapshotTerm}; !slices.Equal(got, w) {
				t.Errorf("got %v, want %v", got, w)
			}
			if want.SnapshotIndex == 0 {
				if m.Snapshot != nil || m.SnapshotDamaged() {
					t.Errorf("a snapshot of none: %+v", m.Snapshot)
				}
				return
			}
			s := m.Snapshot
			sum := sha256.Sum256(b[s.DataAt:][:s.DataSize])
			cs := s.Metadata.GetConfState()
			if s.DataSize != want.Snapshot.Size || hex.EncodeToString(sum[:]) != want.Snapshot.SHA256 ||
				s.Metadata.GetIndex() != want.Snapshot.Index || s.Metadata.GetTerm() != want.Snapshot.Term ||
				!slices.Equal(cs.GetVoters(), want.Snapshot.ConfState.Voters) ||
				!slices.Equal(cs.GetLearners(), want.Snapshot.ConfState.Learners) ||
				!slices.Equal(cs.GetVotersOutgoing(), want.Snapshot.ConfState.VotersOutgoing) ||
				!slices.Equal(cs.GetLearnersNext(), want.Snapshot.ConfState.LearnersNext) ||
				cs.GetAutoLeave() != want.Snapshot.ConfState.AutoLeave {
				t.Errorf("snapshot: got %+v, want %+v", s, want.Snapshot)
			}
		})
	}
}

// The parts of wal.meta, and how to see whether one is known.
var parts = []struct {
	name  string
	known func(*Meta) bool
	need  int // how large the file must be to have it
}{
	{"raft id", func(m *Meta) bool { return m.RaftID != nil }, 8},
	{"group id", func(m *Meta) bool { return m.GroupID != nil }, 16},
	{"checkpoint index", func(m *Meta) bool { return m.CheckpointIndex != nil }, 24},
	{"hard state", func(m *Meta) bool { return m.HardState != nil }, 523},
	{"snapshot index", func(m *Meta) bool { return m.SnapshotIndex != nil }, 1032},
	{"snapshot term", func(m *Meta) bool { return m.SnapshotTerm != nil }, 1040},
	{"snapshot", func(m *Meta) bool { return !m.SnapshotDamaged() }, 1044},
}

func TestCut(t *testing.T) {
	b := load(t, "alpha")
	for _, size := range []int{0, 1, 7, 8, 15, 16, 23, 24, 100, 511, 512, 515, 516, 522, 523, 1023, 1024, 1031, 1032, 1039, 1040, 1043, 1044, 4096} {
		m := read(t, b[:size])
		lost := 0
		for _, p := range parts {
			if want := size >= p.need; p.known(m) != want {
				t.Errorf("%d bytes: %s known: got %t, want %t", size, p.name, !want, want)
			} else if !want {
				lost++
			}
		}
		if len(m.Faults) != lost {
			t.Errorf("%d bytes: %d faults, want %d: %v", size, len(m.Faults), lost, m.Faults)
		}
	}
}

// stored is where the snapshot's protobuf message begins.
const stored = snapshotAt + lengthSize

func set4(at int, n uint32) func([]byte) []byte {
	return func(b []byte) []byte { binary.BigEndian.PutUint32(b[at:], n); return b }
}

func garbage(at, n int) func([]byte) []byte {
	return func(b []byte) []byte { copy(b[at:], bytes.Repeat([]byte{0xff}, n)); return b }
}

// storedSize is the length that is stored before the snapshot.
func storedSize(b []byte) int { return int(binary.BigEndian.Uint32(b[snapshotAt:])) }

// damages are edits of a fixture's wal.meta, and the one fault that each gives.
var damages = []struct {
	name, fixture string
	edit          func([]byte) []byte
	hard, snap    bool   // are hard state and snapshot still known?
	at            uint64 // the fault's offset
	message       string
}{
	{"hard state of 4 GiB", "snaponly", set4(HardStateAt, math.MaxUint32), false, true, 512, "claims 4294967295 bytes, there is room for 508"},
	{"hard state over the snapshot", "snaponly", set4(HardStateAt, 509), false, true, 512, "claims 509 bytes"},
	{"hard state of garbage", "snaponly", garbage(HardStateAt+4, 6), false, true, 512, "does not parse"},
	{"hard state cut short", "snaponly", set4(HardStateAt, 5), false, true, 512, "does not parse"},
	{"snapshot of 4 GiB", "snaponly", set4(snapshotAt, math.MaxUint32), true, false, 1040, "claims 4294967295 bytes, there is room for 1047532"},
	{"snapshot a byte beyond the file", "snaponly", set4(snapshotAt, 1<<20-stored+1), true, false, 1040, "claims 1047533 bytes"},
	{"snapshot in a cut file", "bigsnap", func(b []byte) []byte { return b[:3<<20] }, true, false, 1040, "there is room for 3144684"},
	{"snapshot of garbage", "snaponly", garbage(stored, 100), true, false, 1040, "does not parse: at offset 1044"},
	{"snapshot's blob of 1 GiB", "snaponly", func(b []byte) []byte {
		copy(b[stored:], protowire.AppendVarint([]byte{0x0a}, 1<<30))
		return b
	}, true, false, 1040, "field 1 at offset 1044 runs beyond the snapshot"},
	{"snapshot's blob of 2^64", "snaponly", func(b []byte) []byte {
		copy(b[stored:], protowire.AppendVarint([]byte{0x0a}, math.MaxUint64))
		return b
	}, true, false, 1040, "runs beyond the snapshot"},
	{"metadata of garbage", "snaponly", func(b []byte) []byte {
		at := bytes.LastIndexByte(b[:stored+storedSize(b)], 0x12)
		return garbage(at+2, stored+storedSize(b)-at-2)(b)
	}, true, false, 1040, "metadata at offset"},
	{"snapshot a byte short", "snaponly", func(b []byte) []byte { return set4(snapshotAt, uint32(storedSize(b)-1))(b) }, true, false, 1040, "runs beyond the snapshot"},
	{"thousands of fields", "snaponly", func(b []byte) []byte {
		copy(b[stored:], bytes.Repeat([]byte{0x18, 1}, 5000))
		return set4(snapshotAt, 10000)(b)
	}, true, false, 1040, "more than 64 fields"},
	{"announced, not stored", "snaponly", set4(snapshotAt, 0), true, false, 1040, "index 1000, term 6 is announced, but none is stored"},
	{"a term alone", "alpha", func(b []byte) []byte { binary.BigEndian.PutUint64(b[snapshotTermAt:], 7); return b }, true, false, 1040,
		"index 0, term 7 is announced, but none is stored"},
	{"another index", "snaponly", func(b []byte) []byte { binary.BigEndian.PutUint64(b[SnapshotIndexAt:], 2000); return b }, true, true, 1024,
		"index 2000, term 6 are announced, but the stored snapshot has index 1000, term 6"},
	{"another term", "snaponly", func(b []byte) []byte { binary.BigEndian.PutUint64(b[snapshotTermAt:], 7); return b }, true, true, 1024,
		"index 1000, term 7 are announced"},
	{"no index", "snaponly", func(b []byte) []byte { binary.BigEndian.PutUint64(b[SnapshotIndexAt:], 0); return b }, true, true, 1024,
		"index 0, term 6 are announced"},
}

func TestDamaged(t *testing.T) {
	for _, test := range damages {
		t.Run(test.name, func(t *testing.T) {
			b := test.edit(load(t, test.fixture))
			m := read(t, b)
			for _, p := range parts {
				want := p.name != "hard state" && p.name != "snapshot" || p.name == "hard state" && test.hard || p.name == "snapshot" && test.snap
				if p.known(m) != want {
					t.Errorf("%s known: got %t, want %t", p.name, !want, want)
				}
			}
			if len(m.Faults) != 1 || m.Faults[0].Offset != test.at || m.Faults[0].Snapshot == !test.hard ||
				!strings.Contains(m.Faults[0].Message, test.message) {
				t.Errorf("faults: got %+v, want one at %d with %q", m.Faults, test.at, test.message)
			}
		})
	}
}

// TestUnknownFields: fields that a later version adds are skipped.
func TestUnknownFields(t *testing.T) {
	md := &raftpb.SnapshotMetadata{Index: proto.Uint64(9), Term: proto.Uint64(3), ConfState: &raftpb.ConfState{Voters: []uint64{1, 1 << 60}}}
	meta, err := proto.Marshal(md)
	if err != nil {
		t.Fatal(err)
	}
	var pb []byte
	pb = protowire.AppendVarint(protowire.AppendTag(pb, 5, protowire.VarintType), math.MaxUint64)
	pb = protowire.AppendBytes(protowire.AppendTag(pb, 2, protowire.BytesType), meta)
	pb = protowire.AppendFixed64(protowire.AppendTag(pb, 6, protowire.Fixed64Type), 1)
	pb = protowire.AppendFixed32(protowire.AppendTag(pb, 7, protowire.Fixed32Type), 1)
	pb = protowire.AppendBytes(protowire.AppendTag(pb, 8, protowire.BytesType), make([]byte, 1000))
	pb = protowire.AppendBytes(protowire.AppendTag(pb, 1, protowire.BytesType), []byte("blob"))
	b := make([]byte, 2048)
	binary.BigEndian.PutUint64(b[SnapshotIndexAt:], 9)
	binary.BigEndian.PutUint64(b[snapshotTermAt:], 3)
	binary.BigEndian.PutUint32(b[snapshotAt:], uint32(len(pb)))
	b = append(b[:snapshotAt+lengthSize], pb...)
	m := read(t, b)
	if len(m.Faults) > 0 || m.Snapshot == nil || !proto.Equal(m.Snapshot.Metadata, md) ||
		string(b[m.Snapshot.DataAt:][:m.Snapshot.DataSize]) != "blob" {
		t.Errorf("got %+v", m)
	}
}

// TestReaderFails: a read that fails is an error, not a fault of the file.
func TestReaderFails(t *testing.T) {
	b := load(t, "bigsnap")
	for _, size := range []int64{0, 100, snapshotAt, snapshotAt + lengthSize, 1060, 3 << 20} {
		r := io.NewSectionReader(bytes.NewReader(b), 0, size)
		if m, err := Read(r, int64(len(b))); !errors.Is(err, io.EOF) {
			t.Errorf("cut at %d: got %+v, %v", size, m, err)
		}
	}
}

func TestSameSnapshot(t *testing.T) {
	b := load(t, "snaponly")
	m := read(t, b)
	for _, at := range []int{0, SnapshotIndexAt + 7, snapshotTermAt + 7, snapshotAt + 3} {
		c := slices.Clone(b)
		c[at] ^= 1
		same, err := m.SameSnapshot(bytes.NewReader(c))
		if err != nil || same != (at == 0) {
			t.Errorf("byte %d changed: got %t, %v", at, same, err)
		}
	}
	if _, err := m.SameSnapshot(bytes.NewReader(b[:1030])); err == nil {
		t.Error("no error where the file is cut")
	}
}
