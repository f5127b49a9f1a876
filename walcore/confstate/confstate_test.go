package confstate_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore/confstate"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// text is a conf state in a line: voters; learners; outgoing; next learners.
func text(cs *raftpb.ConfState) string {
	s := fmt.Sprint(cs.Voters, cs.Learners)
	if len(cs.VotersOutgoing) > 0 {
		s += fmt.Sprint(" joint ", cs.VotersOutgoing, cs.LearnersNext, " leaves by itself ", cs.GetAutoLeave())
	}
	return s
}

func TestReplay(t *testing.T) {
	joint := &raftpb.ConfState{Voters: []uint64{1, 3}, VotersOutgoing: []uint64{1, 2}, LearnersNext: []uint64{2}}
	for _, test := range []struct {
		name    string
		from    *raftpb.ConfState
		changes []string
		want    string
	}{
		{"nothing", nil, nil, "[] []"},
		{"nothing changes", &raftpb.ConfState{Voters: []uint64{1}, Learners: []uint64{2}}, nil, "[1] [2]"},
		{"a group begins", nil, []string{"v1", "v2", "v3"}, "[1 2 3] []"},
		{"after a snapshot", &raftpb.ConfState{Voters: []uint64{1, 2}}, []string{"v3", "r2", "l4"}, "[1 3] [4]"},
		{"twice is once", nil, []string{"v1", "v1", "l2", "l2", "r9"}, "[1] [2]"},
		{"a learner is promoted, a voter demoted", nil, []string{"v1", "v2", "l3", "v3", "l2"}, "[1 3] [2]"},
		{"joint", nil, []string{"v1", "v2", "joint v3 l2"}, "[1 3] [] joint [1 2] [2] leaves by itself false"},
		{"joint, leaves by itself", nil, []string{"v1", "v2", "v3 l2"}, "[1 3] [] joint [1 2] [2] leaves by itself true"},
		{"joint, left", nil, []string{"v1", "v2", "joint v3 l2", "leave"}, "[1 3] [2]"},
		{"from a joint snapshot", joint, nil, "[1 3] [] joint [1 2] [2] leaves by itself false"},
		{"from a joint snapshot, left", joint, []string{"leave", "v4"}, "[1 3 4] [2]"},
		{"an application has refused it", nil, []string{"v1", "v0"}, "[1] []"},
	} {
		r, err := confstate.From(test.from)
		fixture.Must(t, err)
		for i, c := range test.changes {
			typ, data := fixture.ConfChange(t, c)
			if !confstate.IsChange(typ) {
				t.Errorf("%v is no change", typ)
			}
			fixture.Must(t, r.Apply(typ, uint64(i+1), data))
		}
		if got := text(r.ConfState()); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

// TestMisfit: a change that cannot be applied gives an error with the entry's index, and
// the configuration stays the same.
func TestMisfit(t *testing.T) {
	for _, test := range []struct {
		typ     raftpb.EntryType
		data    string
		message string
	}{
		{raftpb.EntryConfChange, "\xff", "entry 7, "},
		{raftpb.EntryConfChangeV2, "\xff", "entry 7, "},
		{raftpb.EntryConfChangeV2, "\x08\x09", "unknown transition 9"},
		{raftpb.EntryConfChangeV2, "", "entry 7, "}, // would leave a joint configuration, but there is none
		{raftpb.EntryNormal, "text", "type EntryNormal is none"},
	} {
		r, err := confstate.From(&raftpb.ConfState{Voters: []uint64{1}})
		fixture.Must(t, err)
		err = r.Apply(test.typ, 7, []byte(test.data))
		if !errors.Is(err, confstate.ErrMisfit) || !strings.Contains(fmt.Sprint(err), test.message) {
			t.Errorf("%v %q: %v, want %v with %q", test.typ, test.data, err, confstate.ErrMisfit, test.message)
		}
		if got := text(r.ConfState()); got != "[1] []" {
			t.Errorf("%v %q has made it %s", test.typ, test.data, got)
		}
	}
	many := make([]uint64, 20_000)
	for i := range many {
		many[i] = uint64(i + 1)
	}
	for _, cs := range []*raftpb.ConfState{
		{Voters: many}, {Learners: []uint64{1}, LearnersNext: []uint64{4}},
		{Voters: []uint64{1, 1}}, {Voters: []uint64{1, 2}, Learners: []uint64{2}}, {Voters: []uint64{1}, AutoLeave: proto.Bool(true)},
	} {
		if _, err := confstate.From(cs); !errors.Is(err, confstate.ErrMisfit) {
			t.Errorf("%d voters, learners %v: %v", len(cs.Voters), cs.Learners, err)
		}
	}
	if confstate.IsChange(raftpb.EntryNormal) {
		t.Error("a normal entry passes for a change")
	}
}

func ExampleReplay() {
	r, err := confstate.From(&raftpb.ConfState{Voters: []uint64{1, 2}})
	if err != nil {
		panic(err)
	}
	id := uint64(3)
	typ, data, err := raftpb.MarshalConfChange(&raftpb.ConfChange{Type: raftpb.ConfChangeAddLearnerNode.Enum(), NodeId: &id})
	if err != nil {
		panic(err)
	}
	if err := r.Apply(typ, 8, data); err != nil {
		panic(err)
	}
	fmt.Println(r.ConfState().Voters, r.ConfState().Learners)
	// Output: [1 2] [3]
}
