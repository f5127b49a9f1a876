package explorer

import (
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/detect"
	"github.com/walfs/walfs/walcore/storage"
	"go.etcd.io/raft/v3/raftpb"
)

// TestGroupHistory: a log is only gone through again where its group may be another.
func TestGroupHistory(t *testing.T) {
	dir := t.TempDir()
	store, err := storage.Open(dir, storage.Options{Create: true})
	fixture.Must(t, err)
	defer store.Close()
	index, term, vote := uint64(0), uint64(1), uint64(0)
	save := func(commit uint64, text string) { // "": a normal entry
		t.Helper()
		index++
		e := &raftpb.Entry{Index: new(index), Term: &term}
		if text != "" {
			typ, data := fixture.ConfChange(t, text)
			e.Type, e.Data = &typ, data
		}
		fixture.Must(t, store.Save(&raftpb.HardState{Term: &term, Vote: &vote, Commit: &commit}, []*raftpb.Entry{e}, nil))
	}
	save(1, "v1")
	opened, err := detect.Open(dir, detect.Options{})
	fixture.Must(t, err)
	log := opened.(walcore.Follower)
	defer func() { log.Close() }()
	var h groupHistory
	for i, step := range []struct {
		commit uint64
		change string
		stays  bool
		steps  int
	}{{2, "", true, 1}, {3, "", true, 1}, {3, "v2", false, 2}, {4, "", false, 2}, {5, "", true, 2}} {
		_, err := h.of(log)
		fixture.Must(t, err)
		save(step.commit, step.change)
		log, err = log.Refresh()
		fixture.Must(t, err)
		if h.staysIn(log) != step.stays {
			t.Errorf("%d: the group stays: %v", i, !step.stays)
		}
		if steps, err := h.of(log); err != nil || len(steps) != step.steps {
			t.Errorf("%d: %d steps, %v", i, len(steps), err)
		}
	}
}
