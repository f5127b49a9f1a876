package diff

import (
	"encoding/binary"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/nativelog"
	"github.com/walfs/walfs/walcore"
	"go.etcd.io/raft/v3/raftpb"
)

func snapshot(index, term uint64, data string, voters ...uint64) *raftpb.Snapshot {
	return &raftpb.Snapshot{Data: []byte(data), Metadata: &raftpb.SnapshotMetadata{Index: &index, Term: &term,
		ConfState: &raftpb.ConfState{Voters: voters}}}
}

func with(s *raftpb.Snapshot, change func(*raftpb.ConfState)) *raftpb.Snapshot {
	change(s.Metadata.ConfState)
	return s
}

// TestSnapshots: snapshots at the same index must be the same.
func TestSnapshots(t *testing.T) {
	yes := true
	long := strings.Repeat("x", 100_000)
	// A Zero's: {index: 5, state: {groups: {…}}}, the groups in two orders.
	groups := func(ids ...byte) string {
		b := []byte{8, 5, 0x2a, byte(4 * len(ids))}
		for _, id := range ids {
			b = append(b, 0x12, 2, 8, id)
		}
		return string(b)
	}
	for name, tt := range map[string]struct {
		a, b  *raftpb.Snapshot
		group uint64
		want  []string
	}{
		"the same":                 {snapshot(5, 2, long, 1, 2), snapshot(5, 2, long, 1, 2), 1, nil},
		"at another index":         {snapshot(5, 2, "d", 1), snapshot(6, 3, "e", 2), 1, nil},
		"in one alone":             {snapshot(5, 2, "d", 1), nil, 1, nil},
		"the voters' order":        {snapshot(5, 2, "d", 1, 2), snapshot(5, 2, "d", 2, 1), 1, nil},
		"term":                     {snapshot(5, 2, "d", 1), snapshot(5, 3, "d", 1), 1, []string{"differ: term 2 in a, term 3 in b"}},
		"voters":                   {snapshot(5, 2, "d", 1), snapshot(5, 2, "d", 3, 1, 2), 1, []string{"differ: voters [1] in a, voters [1 2 3] in b"}},
		"size":                     {snapshot(5, 2, "", 1), snapshot(5, 2, "de", 1), 1, []string{"differ: data of 0 bytes in a, of 2 bytes in b"}},
		"data":                     {snapshot(5, 2, "de", 1), snapshot(5, 2, "df", 1), 1, []string{"differ: data from byte 1 on in a and b"}},
		"the last byte of many":    {snapshot(5, 2, long, 1), snapshot(5, 2, long[1:]+"y", 1), 1, []string{"differ: data from byte 99999 on in a and b"}},
		"a Zero's groups' order":   {snapshot(5, 2, groups(1, 2), 1), snapshot(5, 2, groups(2, 1), 1), 0, nil},
		"a Zero's groups":          {snapshot(5, 2, groups(1, 2), 1), snapshot(5, 2, groups(1, 3), 1), 0, []string{"differ: data from byte 11 on in a and b"}},
		"an Alpha's are no Zero's": {snapshot(5, 2, groups(1, 2), 1), snapshot(5, 2, groups(2, 1), 1), 1, []string{"differ: data from byte 7 on in a and b"}},
		"everything": {snapshot(5, 2, "d", 1), snapshot(5, 3, "e"), 1,
			[]string{"differ: term 2 in a, term 3 in b", "differ: voters [1] in a, voters [] in b", "differ: data from byte 0 on in a and b"}},
		"the rest of the conf state": {
			with(snapshot(5, 2, "d", 1), func(c *raftpb.ConfState) { c.Learners, c.AutoLeave = []uint64{2}, &yes }),
			with(snapshot(5, 2, "d", 1), func(c *raftpb.ConfState) { c.VotersOutgoing, c.LearnersNext = []uint64{3}, []uint64{4} }),
			1, []string{"differ: voters [1], learners [2], leaving by itself in a, voters [1], outgoing voters [3], next learners [4] in b"}},
	} {
		t.Run(name, func(t *testing.T) {
			rep := compare(t, []walcore.Log{
				replica(t, "a", nativelog.Meta{GroupID: tt.group, Snapshot: tt.a}),
				replica(t, "b", nativelog.Meta{GroupID: tt.group, Snapshot: tt.b}),
			})
			var got []string
			for _, n := range rep.Notes {
				got = append(got, strings.TrimPrefix(n, "the snapshots at index 5 "))
			}
			if !slices.Equal(got, tt.want) || rep.Alike() != (len(tt.want) == 0) {
				t.Errorf("alike %v\n%q, want\n%q", rep.Alike(), got, tt.want)
			}
		})
	}
}

// TestSnapshotsOfThree: each one is compared with each other one.
func TestSnapshotsOfThree(t *testing.T) {
	same, odd := snapshot(5, 2, "d", 1), snapshot(5, 2, "e", 1)
	for odds := range 3 {
		var readers []walcore.Log
		for i, name := range []string{"a", "b", "c"} {
			s := same
			if i == odds {
				s = odd
			}
			readers = append(readers, replica(t, name, nativelog.Meta{Snapshot: s}))
		}
		if rep := compare(t, readers); len(rep.Notes) != 2 || rep.Alike() {
			t.Errorf("the %d. differs: %q", odds, rep.Notes)
		}
	}
}

// TestSnapshotReplaced: if a running node replaces a snapshot before it is compared, the
// new one is not compared instead.
func TestSnapshotReplaced(t *testing.T) {
	a := replica(t, "a", nativelog.Meta{Snapshot: snapshot(5, 2, "d", 1)})
	b := replica(t, "b", nativelog.Meta{Snapshot: snapshot(5, 2, "d", 1)})
	meta, err := os.OpenFile("b/wal.meta", os.O_WRONLY, 0)
	if err == nil {
		_, err = meta.WriteAt(binary.BigEndian.AppendUint64(nil, 6), 1024)
		err = errors.Join(err, meta.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	rep := compare(t, []walcore.Log{a, b})
	want := "the snapshots at index 5 of a and b cannot be compared: b/wal.meta: the snapshot was replaced: "
	if len(rep.Notes) != 1 || !strings.HasPrefix(rep.Notes[0], want) || rep.Alike() {
		t.Errorf("%q, want %q", rep.Notes, want)
	}
}
