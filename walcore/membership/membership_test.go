package membership

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/memlog"
	"github.com/walfs/walfs/test/nativelog"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/confstate"
	"github.com/walfs/walfs/walcore/dgraph"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

func text(members []Member) string {
	var lines []string
	for _, m := range members {
		lines = append(lines, m.String())
	}
	return strings.Join(lines, ", ")
}

// TestFixtures: logs of a running Dgraph replay to the members that it had. Some logs
// were made with Dgraph's raftwal package and have changes that are none: ErrMisfit.
func TestFixtures(t *testing.T) {
	cluster := "1 voter, 2 voter 127.0.0.1:7081, 3 voter 127.0.0.1:7082"
	joint := "1 voter, 2 voter, 3 voter, 4 learner_next, 9 learner"
	for name, want := range map[string]string{
		"alpha": "1 voter", "alpha-killed": "1 voter", "alpha-encrypted": "1 voter",
		"zero":          "1 voter 127.0.0.1:5080",
		"cluster-node0": cluster, "cluster-node1": cluster, "cluster-node2": cluster,
		"bigsnap": joint, "snaponly": joint,
		"empty":     "",
		"rewritten": "misfit", "highstart": "misfit", "compacted": "misfit", "sealed128": "misfit",
	} {
		if !fixture.Has(name) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			members, err := replay(t, fixture.Dir(t, name), fixture.Key(name))
			if want == "misfit" {
				if !errors.Is(err, ErrMisfit) || members != nil {
					t.Errorf("%s (%v), want %v", text(members), err, ErrMisfit)
				}
				return
			}
			if got := text(members); got != want || err != nil {
				t.Errorf("%s (%v), want %s", got, err, want)
			}
		})
	}
}

func replay(t testing.TB, dir string, key []byte) ([]Member, error) {
	t.Helper()
	r, err := dgraph.OpenReader(dir, dgraph.ReaderOptions{Key: key})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	return Replay(r)
}

// changes makes a log with an entry for each text: a configuration change in
// fixture.ConfChange's notation, or "" for an entry that is none.
func changes(t testing.TB, texts ...string) []nativelog.Entry {
	t.Helper()
	var entries []nativelog.Entry
	for i, s := range texts {
		e := nativelog.Entry{Term: 1, Index: uint64(i + 1)}
		if s != "" {
			typ, data := fixture.ConfChange(t, s)
			e.Type, e.Data = uint32(typ), data
		}
		entries = append(entries, e)
	}
	return entries
}

func write(t testing.TB, m nativelog.Meta, entries []nativelog.Entry) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "w")
	if err := nativelog.Write(dir, m, slices.Values(entries)); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestReplay(t *testing.T) {
	context, err := proto.Marshal(&raftpb.ConfChange{NodeId: proto.Uint64(2),
		Context: []byte("\x09\x02\x00\x00\x00\x00\x00\x00\x00\x10\x01\x1a\x03h:2")})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name    string
		changes []string
		commit  uint64
		want    string
	}{
		{"one after the other", []string{"v1", "v2", "l3", "", "v4"}, 5, "1 voter, 2 voter, 3 learner, 4 voter"},
		{"what is not committed has not happened", []string{"v1", "v2", "r1"}, 2, "1 voter, 2 voter"},
		{"nothing is committed", []string{"v1"}, 0, ""},
		{"removed", []string{"v1", "v2", "r1"}, 3, "2 voter"},
		{"a learner is promoted", []string{"v1", "l2", "v2"}, 3, "1 voter, 2 voter"},
		{"an update changes nothing", []string{"v1", "u1"}, 2, "1 voter"},
		{"joint", []string{"v1", "v2", "joint v3 r2 l1"}, 3, "1 learner_next, 2 outgoing, 3 voter"},
		{"joint, left", []string{"v1", "v2", "joint v3 r2 l1", "leave"}, 4, "1 learner, 3 voter"},
		{"many at once are joint by themselves", []string{"v1", "v2 v3 l4"}, 2, "1 voter, 2 voter, 3 voter, 4 learner"},
	} {
		got, err := replay(t, write(t, nativelog.Meta{Commit: test.commit}, changes(t, test.changes...)), nil)
		if text(got) != test.want || err != nil {
			t.Errorf("%s: %s (%v), want %s", test.name, text(got), err, test.want)
		}
	}

	// An address is found in a change that the snapshot contains already, too.
	entries := changes(t, "v1", "v2", "", "l3")
	entries[1].Data = context
	snapshot := &raftpb.Snapshot{Metadata: &raftpb.SnapshotMetadata{Index: proto.Uint64(3), Term: proto.Uint64(1),
		ConfState: &raftpb.ConfState{Voters: []uint64{2, 7}}}}
	got, err := replay(t, write(t, nativelog.Meta{Commit: 4, Snapshot: snapshot}, entries), nil)
	if want := "2 voter h:2, 3 learner, 7 voter"; text(got) != want || err != nil {
		t.Errorf("after a snapshot: %s (%v), want %s", text(got), err, want)
	}
}

// TestAddressesOfTheSnapshot: they are known when the changes that had them are
// compacted. A change that is still there counts more.
func TestAddressesOfTheSnapshot(t *testing.T) {
	at := func(id byte, field byte, addr string) string { // a RaftContext, a Member
		return "\x09" + string(id) + "\x00\x00\x00\x00\x00\x00\x00" + string(field<<3|2) + string(byte(len(addr))) + addr
	}
	within := func(num byte, s string) string { return string(num<<3|2) + string(byte(len(s))) + s }
	alpha := within(1, at(2, 3, "a:2")) + "\x10\x03"
	zeros := within(3, "\x08\x01"+within(2, at(1, 3, "z:1"))) + within(3, "\x08\x02"+within(2, at(2, 3, "z:2")))
	zero := "\x08\x03" + within(5, zeros)
	change, err := proto.Marshal(&raftpb.ConfChange{NodeId: proto.Uint64(2), Context: []byte(at(2, 3, "new:2"))})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, blob string
		group      uint64
		changed    bool
		want       string
	}{
		{"an Alpha's", alpha, 1, false, "1 voter, 2 voter a:2"},
		{"an Alpha's without a group", alpha, 0, false, "1 voter, 2 voter a:2"},
		{"a Zero's", zero, 0, false, "1 voter z:1, 2 voter z:2"},
		{"a Zero's, and a change", zero, 0, true, "1 voter z:1, 2 voter new:2"},
		{"a Zero's in an Alpha's log", zero, 1, false, "1 voter, 2 voter"},
		{"none", "plain text", 0, false, "1 voter, 2 voter"},
		{"damaged", zero + "\x0c", 0, false, "1 voter, 2 voter"},
		{"no address", within(1, at(2, 3, "a\n2 voter b")), 1, false, "1 voter, 2 voter"},
	} {
		snapshot := &raftpb.Snapshot{Data: []byte(test.blob), Metadata: &raftpb.SnapshotMetadata{Index: proto.Uint64(3), Term: proto.Uint64(1),
			ConfState: &raftpb.ConfState{Voters: []uint64{1, 2}}}}
		entries := []nativelog.Entry{{Term: 1, Index: 4}}
		if test.changed {
			entries[0] = nativelog.Entry{Term: 1, Index: 4, Type: uint32(raftpb.EntryType_EntryConfChange), Data: change}
		}
		got, err := replay(t, write(t, nativelog.Meta{GroupID: test.group, Commit: 4, Snapshot: snapshot}, entries), nil)
		if text(got) != test.want || err != nil {
			t.Errorf("%s: %s (%v), want %s", test.name, text(got), err, test.want)
		}
	}
}

// TestReplayFails: members that may be wrong are not given.
func TestReplayFails(t *testing.T) {
	data := func(typ uint32, b string) []nativelog.Entry {
		return []nativelog.Entry{{Term: 1, Index: 1, Type: typ, Data: []byte(b)}}
	}
	snapshot := &raftpb.Snapshot{Metadata: &raftpb.SnapshotMetadata{Index: proto.Uint64(1), Term: proto.Uint64(1),
		ConfState: &raftpb.ConfState{Learners: []uint64{1, 1}, LearnersNext: []uint64{4}}}}
	many := make([]uint64, 20_000) // would take hours
	for i := range many {
		many[i] = uint64(i + 1)
	}
	crowd := &raftpb.Snapshot{Metadata: &raftpb.SnapshotMetadata{Index: proto.Uint64(1), Term: proto.Uint64(1),
		ConfState: &raftpb.ConfState{Voters: many}}}
	var added []string
	for i := range 202 {
		added = append(added, fmt.Sprintf("v%d", i+1))
	}
	for _, test := range []struct {
		name    string
		meta    nativelog.Meta
		entries []nativelog.Entry
		want    error
		message string
	}{
		{"no protobuf", nativelog.Meta{Commit: 1}, data(1, "\xff"), ErrMisfit, "entry 1, "},
		{"no protobuf, v2", nativelog.Meta{Commit: 1}, data(2, "\xff"), ErrMisfit, "entry 1, "},
		{"unknown transition", nativelog.Meta{Commit: 1}, data(2, "\x08\x09"), ErrMisfit, "unknown transition 9"},
		{"unknown change", nativelog.Meta{Commit: 1}, data(1, "\x10\x09\x18\x01"), ErrMisfit, "entry 1, "},
		{"nobody is left", nativelog.Meta{Commit: 2}, changes(t, "v1", "r1"), ErrMisfit, "entry 2, "},
		{"left, not joint", nativelog.Meta{Commit: 2}, changes(t, "v1", "leave"), ErrMisfit, "entry 2, "},
		{"the conf state", nativelog.Meta{Commit: 1, Snapshot: snapshot}, nil, ErrMisfit, "the snapshot's conf state"},
		{"a conf state too large", nativelog.Meta{Commit: 1, Snapshot: crowd}, nil, ErrMisfit, "20000 members"},
		{"too many one by one", nativelog.Meta{Commit: 202}, changes(t, added...), ErrMisfit, "entry 201, "},
		{"commit beyond the log", nativelog.Meta{Commit: 9}, changes(t, "v1"), walcore.ErrDamaged, "entries 2 to 9"},
	} {
		got, err := replay(t, write(t, test.meta, test.entries), nil)
		if !errors.Is(err, test.want) || !strings.Contains(fmt.Sprint(err), test.message) || got != nil {
			t.Errorf("%s: %s (%v), want %v with %q", test.name, text(got), err, test.want, test.message)
		}
	}

	// A damaged entry may be a change; one that is encrypted is one.
	dir := write(t, nativelog.Meta{Commit: 3}, changes(t, "v1", "", "v2"))
	fixture.Edit(t, filepath.Join(dir, "00001.wal")).Set(1, fixture.Offset, 4)
	if got, err := replay(t, dir, nil); !errors.Is(err, walcore.ErrDamaged) {
		t.Errorf("a damaged entry: %s (%v)", text(got), err)
	}
	if got, err := replay(t, fixture.Dir(t, "sealed128"), nil); !errors.Is(err, walcore.ErrNoKey) {
		t.Errorf("without a key: %s (%v)", text(got), err)
	}
}

// addFixtures adds each fixture's conf state and first changes to the seeds.
func addFixtures(f *testing.F) {
	seeds := 0
	for _, name := range fixture.Small {
		r, err := dgraph.OpenReader(fixture.Dir(f, name), dgraph.ReaderOptions{Key: fixture.Key(name)})
		if err != nil {
			f.Fatal(err)
		}
		var state []byte
		if s := r.Meta().Snapshot; s != nil {
			cs := s.ConfState
			if state, err = proto.Marshal(&raftpb.ConfState{Voters: cs.Voters, Learners: cs.Learners, VotersOutgoing: cs.VotersOutgoing,
				LearnersNext: cs.LearnersNext, AutoLeave: &cs.AutoLeave}); err != nil {
				f.Fatal(err)
			}
		}
		var found [3][]byte
		n := 0
		for e := range r.Entries(0) {
			if e.Type == walcore.EntryNormal || n == len(found) {
				continue
			}
			data, err := e.Data()
			if err != nil {
				f.Fatal(err)
			}
			found[n] = append([]byte{byte(e.Type)}, data...)
			n++
		}
		r.Close()
		if n > 0 || state != nil {
			f.Add(state, found[0], found[1], found[2])
			seeds++
		}
	}
	if seeds < 5 {
		f.Fatalf("%d fixtures give a seed", seeds)
	}
}

// FuzzReplay: any bytes as conf state and changes give members or ErrMisfit. The first
// byte of a change says of which type it is.
func FuzzReplay(f *testing.F) {
	addFixtures(f)
	for _, texts := range [][3]string{{"v1", "joint v3 l1", "leave"}, {"v1", "v2 v3", "r2"}, {"l1", "v1", "u1"}} {
		var found [3][]byte
		for i, s := range texts {
			typ, data := fixture.ConfChange(f, s)
			found[i] = append([]byte{byte(typ)}, data...)
		}
		f.Add([]byte(nil), found[0], found[1], found[2])
	}
	f.Fuzz(func(t *testing.T, state, a, b, c []byte) {
		cs := &raftpb.ConfState{}
		if proto.Unmarshal(state, cs) != nil {
			return
		}
		replay, err := confstate.From(cs)
		if err != nil {
			return
		}
		for _, change := range [][]byte{a, b, c} {
			if len(change) == 0 {
				continue
			}
			typ := raftpb.EntryConfChange
			if change[0]%2 == 0 {
				typ = raftpb.EntryConfChangeV2
			}
			if replay.Apply(typ, 1, change[1:]) != nil {
				return
			}
		}
		members := members(replay.ConfState(), nil, &walcore.System{})
		for i, m := range members {
			if m.Role == "" || i > 0 && m.ID <= members[i-1].ID {
				t.Fatalf("members %v", members)
			}
		}
	})
}

// TestEtcd: ids are in hex, and addresses and names come from the snapshot's store and from
// configuration changes.
func TestEtcd(t *testing.T) {
	change := func(index, id uint64, typ raftpb.ConfChangeType, context string) memlog.Entry {
		data, err := proto.Marshal(&raftpb.ConfChange{Type: &typ, NodeId: &id, Context: []byte(context)})
		fixture.Must(t, err)
		return memlog.Entry{Term: 2, Index: index, Type: walcore.EntryConfChange, Data: string(data), File: "0.wal"}
	}
	log := memlog.New("etcd", []memlog.Entry{
		change(3, 0xb2, raftpb.ConfChangeAddLearnerNode, `{"id":178,"peerURLs":["http://b:1","http://b:2"]}`),
		change(4, 0xa1, raftpb.ConfChangeUpdateNode, `{"id":161,"peerURLs":["http://new:1"]}`),
		change(5, 0xc3, raftpb.ConfChangeAddNode, `{"id":195,"name":"two words","peerURLs":["http://c:1"]}`),
	})
	const store = `{"Root":{"Children":{"0":{"Children":{"members":{"Children":{"a1":{"Children":{` +
		`"attributes":{"Value":"{\"name\":\"n1\"}"},"raftAttributes":{"Value":"{\"peerURLs\":[\"http://a:1\"]}"}}}}}}}}}}`
	log.Meta().System = &walcore.System{Name: walcore.Etcd, Types: walcore.RaftTypes, HexIDs: true}
	log.Meta().HardState = &walcore.HardState{Term: 2, Commit: 5}
	log.Meta().Snapshot = &walcore.Snapshot{Index: 2, Term: 1, ConfState: walcore.ConfState{Voters: []uint64{0xa1}},
		Data: walcore.Section{ReaderAt: strings.NewReader(store), Size: int64(len(store))}, Stored: walcore.Section{Size: int64(len(store))}}
	members, err := Replay(log)
	if got, want := text(members), "a1 voter http://new:1 n1, b2 learner http://b:1,http://b:2, c3 voter http://c:1"; err != nil || got != want {
		t.Errorf("%s (%v), want %s", got, err, want)
	}
}
