package payload

import (
	"bytes"
	"testing"

	testfixture "github.com/walfs/walfs/test/fixture"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// byAlpha is an Alpha's snapshot data, as Dgraph v25 has written it.
const byAlpha = "\x0a\x1b\x09\x03\x00\x00\x00\x00\x00\x00\x00\x10\x01\x1a\x0e127.0.0.1:7082\x10\xa2\x32\x18\xe4\x46"

func TestAlphaSnapshotByAlpha(t *testing.T) {
	s := AlphaSnapshot{Context: RaftContext{ID: 3, Group: 1, Addr: "127.0.0.1:7082"}, Index: 6434, ReadTs: 9060}
	if got := s.Encode(); string(got) != byAlpha {
		t.Errorf("got %q, want %q", got, byAlpha)
	}
	for _, name := range []string{"cluster-node0", "cluster-node1", "cluster-node2"} {
		if !testfixture.Has(name) {
			continue
		}
		path, _ := fixture(name + ".tar.gz")
		want := snapshotData(readLog(t, path).snapshot)
		m := message{builtin().snapshot, want}
		s := AlphaSnapshot{raftContext(m.bytes(1)), m.number(2), m.number(3)}
		if got := s.Encode(); !bytes.Equal(got, want) {
			t.Errorf("%s: got %x, want %x", name, got, want)
		}
	}
}

// TestAlphaSnapshotFields: every field, set and not set, as the protobuf library
// writes it.
func TestAlphaSnapshotFields(t *testing.T) {
	md := load(t, "dgraph.proto", "walfs.dgraph.Snapshot")
	for set := range 1 << 7 {
		has := func(i int) bool { return set>>i&1 == 1 }
		pick := func(i int, v uint64) uint64 { return v * protowire.EncodeBool(has(i)) }
		s := AlphaSnapshot{Index: pick(5, 1<<40), ReadTs: pick(6, 300)}
		s.Context = RaftContext{ID: pick(0, 3), Group: uint32(pick(1, 1<<31)), SnapshotTs: pick(3, 7), IsLearner: has(4)}
		if has(2) {
			s.Context.Addr = "h:1"
		}
		m := dynamicpb.NewMessage(md)
		context := m.Mutable(md.Fields().ByName("context")).Message()
		for m, values := range map[protoreflect.Message]map[protoreflect.Name]any{
			context: {"id": s.Context.ID, "group": s.Context.Group, "addr": s.Context.Addr,
				"snapshot_ts": s.Context.SnapshotTs, "is_learner": s.Context.IsLearner},
			m: {"index": s.Index, "read_ts": s.ReadTs},
		} {
			for name, v := range values {
				m.Set(m.Descriptor().Fields().ByName(name), protoreflect.ValueOf(v))
			}
		}
		want, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
		testfixture.Must(t, err)
		if got := s.Encode(); !bytes.Equal(got, want) {
			t.Errorf("%+v: got %x, want %x", s, got, want)
		}
	}
}
