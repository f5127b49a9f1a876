package membership

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/memlog"
	"github.com/walfs/walfs/test/nativelog"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/detect"
	"go.etcd.io/raft/v3/raftpb"
)

// lines is steps as a test names them.
func lines(steps []Step) (lines []string) {
	for _, s := range steps {
		what := strings.Join(s.Changes, ", ")
		if s.Snapshot {
			what = "snapshot"
		}
		committed := "?"
		if s.Committed != nil {
			committed = fmt.Sprint(*s.Committed)
		}
		lines = append(lines, fmt.Sprintf("%d/%d %s: %s; %s", s.Term, s.Index, what, text(s.Members), committed))
	}
	return lines
}

func historyOf(t *testing.T, dir string, key []byte) ([]Step, error) {
	t.Helper()
	log, err := detect.Open(dir, detect.Options{Key: key})
	fixture.Must(t, err)
	t.Cleanup(func() { log.Close() })
	return History(log)
}

// TestHistory: each change is told, committed or not.
func TestHistory(t *testing.T) {
	snapshot := &raftpb.Snapshot{Metadata: &raftpb.SnapshotMetadata{Index: new(uint64(3)), Term: new(uint64(1)),
		ConfState: &raftpb.ConfState{Voters: []uint64{1, 2}}}}
	for _, test := range []struct {
		name    string
		meta    nativelog.Meta
		changes []string
		want    []string
	}{
		{"from the first entry on", nativelog.Meta{Commit: 3}, []string{"v1", "", "v2", "l3", "r1"}, []string{
			"1/1 added voter 1: 1 voter; true", "1/3 added voter 2: 1 voter, 2 voter; true",
			"1/4 added learner 3: 1 voter, 2 voter, 3 learner; false", "1/5 removed voter 1: 2 voter, 3 learner; false"}},
		{"behind a snapshot", nativelog.Meta{Commit: 5, Snapshot: snapshot}, []string{"v1", "v2", "", "v3"}, []string{
			"1/3 snapshot: 1 voter, 2 voter; true", "1/4 added voter 3: 1 voter, 2 voter, 3 voter; true"}},
		{"joint", nativelog.Meta{Commit: 9}, []string{"v1", "v2", "joint v3 r2 l1", "leave", "u3"}, []string{
			"1/1 added voter 1: 1 voter; true", "1/2 added voter 2: 1 voter, 2 voter; true",
			"1/3 voter 1 is now learner_next, voter 2 is now outgoing, added voter 3: 1 learner_next, 2 outgoing, 3 voter; true",
			"1/4 learner_next 1 is now learner, removed outgoing 2: 1 learner, 3 voter; true",
			"1/5 changed nothing: 1 learner, 3 voter; true"}},
		{"none", nativelog.Meta{Commit: 1}, []string{""}, nil},
	} {
		got, err := historyOf(t, write(t, test.meta, changes(t, test.changes...)), nil)
		if !slices.Equal(lines(got), test.want) || err != nil {
			t.Errorf("%s: %v\n%s\nwant\n%s", test.name, err, strings.Join(lines(got), "\n"), strings.Join(test.want, "\n"))
		}
	}
}

// TestHistoryEnds: the last step that is committed has the members that Replay gives.
func TestHistoryEnds(t *testing.T) {
	for _, name := range slices.Concat([]string{"alpha", "zero", "bigsnap", "snaponly", "cluster-node1"}, fixture.Etcd(), fixture.HashiCorp()) {
		if !fixture.Has(name) {
			continue
		}
		log, err := detect.Open(fixture.Dir(t, name), detect.Options{})
		fixture.Must(t, err)
		t.Cleanup(func() { log.Close() })
		want, failed := Replay(log)
		steps, err := History(log)
		if fmt.Sprint(err) != fmt.Sprint(failed) {
			t.Errorf("%s: %v, want %v", name, err, failed)
		}
		if failed != nil { // it was made with changes that do not fit
			continue
		}
		var last []Member
		for i, s := range steps {
			if s.Committed == nil && log.Meta().System.Name != walcore.HashiCorp || i > 0 && s.Index <= steps[i-1].Index {
				t.Errorf("%s: %+v", name, s)
			}
			if s.Committed == nil || *s.Committed {
				last = s.Members
			}
		}
		if !slices.Equal(last, want) {
			t.Errorf("%s: %s, want %s", name, text(last), text(want))
		}
	}
}

// TestHistoryOfAddresses: an address that a change tells which the snapshot has already is known
// from the snapshot on. A member that moves is told.
func TestHistoryOfAddresses(t *testing.T) {
	at := func(host string) []byte { // a ConfChange of node 2 with a RaftContext
		return []byte("\x18\x02\x22\x10\x09\x02\x00\x00\x00\x00\x00\x00\x00\x10\x01\x1a\x03" + host)
	}
	snapshot := &raftpb.Snapshot{Metadata: &raftpb.SnapshotMetadata{Index: new(uint64(1)), Term: new(uint64(1)),
		ConfState: &raftpb.ConfState{Voters: []uint64{2}}}}
	got, err := historyOf(t, write(t, nativelog.Meta{Commit: 2, Snapshot: snapshot}, []nativelog.Entry{
		{Term: 1, Index: 1, Type: 1, Data: at("a:2")}, {Term: 1, Index: 2, Type: 1, Data: at("b:2")}}), nil)
	want := []string{"1/1 snapshot: 2 voter a:2; true", "1/2 voter 2 is now at b:2: 2 voter b:2; true"}
	if !slices.Equal(lines(got), want) || err != nil {
		t.Errorf("%q, %v", lines(got), err)
	}
}

// TestHistoryFails: steps behind what cannot be read are not given.
func TestHistoryFails(t *testing.T) {
	entries := changes(t, "v1", "v2", "v3")
	entries[1].Data = []byte{0xff}
	got, err := historyOf(t, write(t, nativelog.Meta{Commit: 3}, entries), nil)
	if !errors.Is(err, ErrMisfit) || len(got) != 1 {
		t.Errorf("%q, %v", lines(got), err)
	}
	_, data := fixture.ConfChange(t, "v1")
	log := memlog.New("w", []memlog.Entry{{Term: 1, Index: 1, Type: walcore.EntryConfChange, Data: string(data), File: "a"},
		{Term: 1, Index: 2, File: "a", Damaged: true}, {Term: 1, Index: 3, Type: walcore.EntryConfChange, Data: string(data), File: "a"}})
	got, err = History(log)
	if want := []string{"1/1 added voter 1: 1 voter; ?"}; !errors.Is(err, walcore.ErrDamaged) || !slices.Equal(lines(got), want) {
		t.Errorf("%q, %v", lines(got), err)
	}
	log = memlog.New("w", []memlog.Entry{{Term: 1, Index: 1, Type: walcore.EntryConfChange, Data: string(data), File: "a"}, {Term: 1, Index: 2, File: "a", Damaged: true}})
	if got, err := History(log); !errors.Is(err, walcore.ErrDamaged) || len(got) != 1 {
		t.Errorf("the last entry is lost: %q, %v", lines(got), err)
	}
	log.Meta().Snapshot = &walcore.Snapshot{Index: 2, Term: 1, ConfState: walcore.ConfState{Voters: []uint64{7}}}
	if got, err := History(log); err != nil || !slices.Equal(lines(got), []string{"1/2 snapshot: 7 voter; true"}) {
		t.Errorf("the snapshot has all entries: %q, %v", lines(got), err)
	}
	log.Meta().Damaged, log.Meta().Snapshot = true, nil
	if got, err := History(log); !errors.Is(err, walcore.ErrDamaged) || got != nil {
		t.Errorf("%q, %v", lines(got), err)
	}
}

// TestHistoryIsBounded: the last steps are given, and as many as fit.
func TestHistoryIsBounded(t *testing.T) {
	steps := func(h history) (indexes []uint64) {
		for i := range uint64(9) {
			h.add(Step{Index: i, Members: []Member{{Text: fmt.Sprint(i)}}})
		}
		for _, s := range h.steps {
			indexes = append(indexes, s.Index)
		}
		return indexes
	}
	if got := steps(history{most: 3, mostBytes: 1 << 20}); !slices.Equal(got, []uint64{6, 7, 8}) {
		t.Errorf("%v", got)
	}
	if got := steps(history{most: 9, mostBytes: 600}); !slices.Equal(got, []uint64{7, 8}) {
		t.Errorf("%v", got)
	}
	if got := steps(history{most: 9, mostBytes: 1}); !slices.Equal(got, []uint64{8}) {
		t.Errorf("%v", got)
	}
}
