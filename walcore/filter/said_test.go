package filter

import (
	"fmt"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/memlog"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
)

// TestReplayText: what is said where a restart replays nothing that was asked for.
func TestReplayText(t *testing.T) {
	log := memlog.Sample("w") // 7 to 12
	f := filterOf(t, "--replay")
	if err := f.Resolve(log); err == nil || err.Error() != "--replay: what a restart replays is not known: the log does not store its commit index; give a range with --from and --to" {
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
		fixture.Must(t, f.Resolve(log))
		text, matching := "", 0
		for e := range log.Entries(0) {
			data, err := e.Data()
			fixture.Must(t, err)
			if m := f.Matches(&e); m == Yes || m == Unknown && f.MatchesData(&e, data, payload.NewDgraph(payload.Alpha, payload.Options{})) {
				matching++
			}
		}
		if matching == 0 {
			text = f.Nothing(log)
		}
		if text != test.want {
			t.Errorf("%s: %q, want %q", fmt.Sprint(test), text, test.want)
		}
	}
}
