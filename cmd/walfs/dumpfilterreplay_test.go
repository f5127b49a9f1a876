package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/memlog"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
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
}

// TestReplayText: what is said where a restart replays nothing that was asked for.
func TestReplayText(t *testing.T) {
	log := memlog.Sample("w") // 7 to 12
	o := dumpOptions{format: "raw", filter: filterOf(t, "--replay")}
	if err := o.filter.resolve(log); err == nil || err.Error() != "--replay: what a restart replays is not known: the log does not store its commit index; give a range with --from and --to" {
		t.Error(err)
	}
	for _, test := range []struct {
		line             string
		snapshot, commit uint64
		want             string
	}{
		{"--replay", 12, 12, "a restart replays no entry"},
		{"--replay --from 9", 12, 12, "a restart replays no entry"},
		{"--replay --from 12", 8, 11, "no entry: a restart replays 9 to 11"},
		{"--replay --kind empty", 8, 11, "no entry of 9 to 11 matches --kind empty --replay"},
		{"--replay --to 9 --kind empty", 7, 11, ""},
	} {
		log.Meta().HardState = &walcore.HardState{Commit: test.commit}
		log.Meta().Snapshot = &walcore.Snapshot{Index: test.snapshot}
		f := filterOf(t, test.line)
		fixture.Must(t, f.resolve(log))
		text, matching := "", 0
		for e := range log.Entries(0) {
			data, err := e.Data()
			fixture.Must(t, err)
			if m := f.matches(&e); m == matchYes || m == matchUnknown && f.matchesData(&e, data, payload.NewDgraph(payload.Alpha, payload.Options{})) {
				matching++
			}
		}
		if matching == 0 {
			text = f.nothingPrinted(log)
		}
		if text != test.want {
			t.Errorf("%s: %q, want %q", fmt.Sprint(test), text, test.want)
		}
	}
	fails(t, exitUsage, "--replay is about one moment, and does not go with --follow", "dump", "--follow", "--replay", t.TempDir())
}
