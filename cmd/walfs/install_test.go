package main

import (
	"bytes"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// TestParseSnapshot: the bytes of a snapshot that Dgraph stored are one, all their
// beginnings are none, and what is taken of those with another bit is taken whole.
func TestParseSnapshot(t *testing.T) {
	whole := []byte(ok(t, "cat", fixture.Dir(t, "snaponly"), "snapshots/latest/snapshot.pb"))
	if _, err := parseSnapshot(whole); err != nil {
		t.Fatal(err)
	}
	for n := range whole {
		if snap, err := parseSnapshot(whole[:n]); err == nil {
			t.Errorf("the first %d bytes pass for a snapshot: %v", n, snap)
		}
	}
	taken := 0
	for bit := range len(whole) * 8 {
		b := bytes.Clone(whole)
		b[bit/8] ^= 1 << (bit % 8)
		snap, err := parseSnapshot(b)
		if err != nil {
			continue
		}
		taken++
		if snap.GetMetadata().GetIndex() == 0 || len(snap.GetMetadata().GetConfState().GetVoters()) == 0 {
			t.Errorf("bit %d: %v", bit, snap)
		}
		again, err := proto.Marshal(snap)
		fixture.Must(t, err)
		if !bytes.Equal(again, b) {
			t.Errorf("bit %d: %x is taken for %x", bit, b, again)
		}
	}
	if taken == 0 {
		t.Error("not even another byte of the data is taken")
	}
}

// TestParseSnapshotTakesNoMore than it stores: nothing that it does not know, and
// nothing twice.
func TestParseSnapshotTakesNoMore(t *testing.T) {
	snap := &raftpb.Snapshot{Data: []byte("x"), Metadata: &raftpb.SnapshotMetadata{
		ConfState: &raftpb.ConfState{Voters: []uint64{1}}, Index: proto.Uint64(3), Term: proto.Uint64(2)}}
	b, err := proto.Marshal(snap)
	fixture.Must(t, err)
	if got, err := parseSnapshot(b); err != nil || !proto.Equal(got, snap) {
		t.Errorf("%v, %v", got, err)
	}
	for name, more := range map[string]string{
		"an unknown field": "\x38\x01", "unknown metadata": "\x12\x02\x38\x01", "an unknown field of the conf state": "\x12\x04\x0a\x02\x38\x01",
		"data twice": "\x0a\x01y", "an index twice": "\x12\x02\x10\x09", "a voter more": "\x12\x04\x0a\x02\x08\x01", "a cut field": "\x38",
	} {
		if got, err := parseSnapshot([]byte(string(b) + more)); err == nil {
			t.Errorf("%s: %v", name, got)
		}
	}
}
