package payload_test

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/walfs/walfs/test/nativelog"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/payload"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// field encodes a submessage.
func field(num protowire.Number, content []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, num, protowire.BytesType), content)
}

func number(num protowire.Number, n uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, num, protowire.VarintType), n)
}

func keyed(proposal []byte) []byte { return append([]byte("\x00\x01keykey"), proposal...) }

// TestAppOf: logs of group 0. An Alpha's log has it, too, if its wal.meta was lost.
func TestAppOf(t *testing.T) {
	delta := keyed(field(8, number(2, 7)))         // max_assigned
	lease := keyed(number(4, 10000))               // maxUID
	either := keyed(field(14, number(1, 1)))       // delete_ns for an Alpha, tablets for a Zero
	alphas := field(1, number(2, 1))               // context of group 1
	zeros := append(number(1, 5), number(2, 6)...) // index, checkpoint_ts
	repeat := func(n int, data []byte) [][]byte { return slices.Repeat([][]byte{data}, n) }
	for _, test := range []struct {
		name     string
		entries  [][]byte
		snapshot []byte
		want     payload.App
	}{
		{"an Alpha's", [][]byte{nil, either, delta}, nil, payload.Alpha},
		{"a Zero's", [][]byte{nil, either, lease}, nil, payload.Zero},
		{"an emptied Alpha's", append(repeat(3000, nil), delta), nil, payload.Alpha},
		{"one emptied to its keys", append(repeat(3000, keyed(nil)), delta), nil, payload.Alpha},
		{"an Alpha's snapshot alone", nil, alphas, payload.Alpha},
		{"a Zero's snapshot alone", nil, zeros, payload.Zero},
		{"an Alpha's snapshot, and what either has", repeat(3, either), alphas, payload.Alpha},
		{"another application's for long", append(repeat(1000, []byte("some plain text")), delta), nil, payload.Zero},
		{"nothing", nil, nil, payload.Zero},
	} {
		meta := nativelog.Meta{Commit: uint64(len(test.entries))}
		if test.snapshot != nil {
			meta.Snapshot = &raftpb.Snapshot{Data: test.snapshot, Metadata: &raftpb.SnapshotMetadata{Index: proto.Uint64(1), Term: proto.Uint64(1)}}
		}
		var entries []nativelog.Entry
		for i, data := range test.entries {
			entries = append(entries, nativelog.Entry{Term: 1, Index: uint64(i + 1), Data: data})
		}
		dir := filepath.Join(t.TempDir(), "w")
		if err := nativelog.Write(dir, meta, slices.Values(entries)); err != nil {
			t.Fatal(err)
		}
		r, err := dgraph.OpenReader(dir, dgraph.ReaderOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if got := payload.AppOf(r); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
		r.Close()
	}
}
