package main

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/walfs/walfs/test/fixture"
)

// TestDumpReplay: what lies behind the snapshot, from the checkpoint on in an Alpha's log,
// up to the commit index.
func TestDumpReplay(t *testing.T) {
	fixture.NotForRace(t)
	for _, name := range slices.Concat(fixture.Small, fixture.Size(nil, []string{"alpha-encrypted", "cluster-node1", "compacted"})) {
		if !fixture.Has(name) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := fixture.Dir(t, name)
			key := []string{"--key-file", keyFile(t, name), dir}
			var s struct {
				GroupID         uint64                  `json:"group_id"`
				CheckpointIndex uint64                  `json:"checkpoint_index"`
				HardState       struct{ Commit uint64 } `json:"hard_state"`
				Snapshot        struct{ Index uint64 }
			}
			fixture.Must(t, json.Unmarshal([]byte(ok(t, append([]string{"stat", "--json"}, key...)...)), &s))
			var want, got []uint64
			dumpEach(t, func(e dumped) {
				// Group 0 says that it is a Zero's, or another program's.
				if e.Index > s.Snapshot.Index && e.Index <= s.HardState.Commit && (s.GroupID == 0 || e.Index >= s.CheckpointIndex) {
					want = append(want, e.Index)
				}
			}, key...)
			note := dumpEach(t, func(e dumped) { got = append(got, e.Index) }, append([]string{"--replay"}, key...)...)
			if !slices.Equal(got, want) || (note == "") != (len(want) > 0) {
				t.Errorf("%d entries, want %d, and stderr says %q", len(got), len(want), note)
			}
		})
	}
	fails(t, exitUsage, "--replay is about one moment, and does not go with --follow", "dump", "--follow", "--replay", t.TempDir())
}
