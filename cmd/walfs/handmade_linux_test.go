package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log"
	"path/filepath"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/storage"
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// addsNode1 is a line of append: the conf change that adds node 1.
const addsNode1 = `{"index":1,"term":1,"type":"conf_change","data":"CAAQABgB"}`

// fed runs the program with stdin, wants it to succeed, and gives stdout and stderr.
func fed(t *testing.T, stdin io.Reader, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), hangLimit)
	defer cancel()
	cmd := command(t, ctx, args...)
	cmd.Stdin = stdin
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("walfs %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// startAlone starts node 1 on a log, and lets time go by until it leads; then it
// appends. It reports whether that came about.
func startAlone(t *testing.T, dir string) bool {
	t.Helper()
	s, err := storage.Open(dir, storage.Options{})
	fixture.Must(t, err)
	defer s.Close()
	config := &raft.Config{ID: 1, ElectionTick: 10, HeartbeatTick: 1, MaxSizePerMsg: 1 << 20, MaxInflightMsgs: 256,
		Logger: &raft.DefaultLogger{Logger: log.New(io.Discard, "", 0)}}
	fixture.Must(t, s.Resume(config, s.Checkpoint()))
	node, err := raft.NewRawNode(config)
	fixture.Must(t, err)
	proposed, appended := false, false
	for range 100 {
		node.Tick()
		for node.HasReady() {
			rd := node.Ready()
			fixture.Must(t, s.Save(rd.HardState, rd.Entries, rd.Snapshot))
			for _, e := range rd.CommittedEntries {
				if e.GetType() == raftpb.EntryConfChange {
					var cc raftpb.ConfChange
					fixture.Must(t, proto.Unmarshal(e.GetData(), &cc))
					node.ApplyConfChange(&cc)
				}
				appended = appended || string(e.GetData()) == "by the leader"
			}
			node.Advance(rd)
		}
		if node.Status().RaftState == raft.StateLeader && !proposed {
			fixture.Must(t, node.Propose([]byte("by the leader")))
			proposed = true
		}
	}
	return appended
}

// TestHandMadeLogElects: a node on a log that was made by hand elects itself and
// appends, or stat says why it cannot.
func TestHandMadeLogElects(t *testing.T) {
	fixture.OneSize(t)
	snapshot := &raftpb.Snapshot{Data: []byte("state"), Metadata: &raftpb.SnapshotMetadata{
		ConfState: &raftpb.ConfState{Voters: []uint64{1}}, Index: proto.Uint64(40), Term: proto.Uint64(6)}}
	b, err := proto.Marshal(snapshot)
	fixture.Must(t, err)
	pb := tempFile(t, "snapshot.pb", b)
	data := tempFile(t, "data", []byte("state"))
	const three = addsNode1 + `
{"index":2,"term":1,"type":"normal","data":""}
{"index":3,"term":4,"type":"normal","data":"aGVsbG8="}`
	for _, test := range []struct {
		name  string
		stdin string
		steps []string // DIR stands for the log's directory
		want  string   // in what stat says of voters; "": the node elects itself
	}{
		{"committed", three, []string{"append DIR --commit"}, ""},
		{"commit index set", three, []string{"append DIR", "set DIR hard_state.commit=1"}, ""},
		{"snapshot installed", "", []string{"snapshot DIR --install " + pb}, ""},
		{"behind a snapshot", `{"index":41,"term":7,"type":"normal","data":""}`,
			[]string{"snapshot DIR --install " + pb, "append DIR"}, ""},
		{"snapshot stored", three, []string{"append DIR --commit", "snapshot DIR --index 2 --voters 1 --data " + data}, ""},
		{"an Alpha's snapshot", three, []string{"append DIR --commit", "snapshot DIR --index 3 --voters 1 --alpha-snapshot 9"}, ""},
		{"nothing committed", three, []string{"append DIR"}, "none as of commit index 0"},
		{"no conf change", `{"index":1,"term":1,"type":"normal","data":""}`, []string{"append DIR --commit"}, "none as of commit index 1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "w")
			said := fed(t, nil, "create", dir, "--raft-id", "1", "--group-id", "1")
			for _, step := range test.steps {
				said += fed(t, strings.NewReader(test.stdin), strings.Fields(strings.ReplaceAll(step, "DIR", dir))...)
			}
			stat := ok(t, "stat", dir)
			if strings.Contains(stat, "none as of commit index") != (test.want != "") || !strings.Contains(stat, test.want) {
				t.Errorf("stat says\n%s", stat)
			}
			if test.want != "" && !strings.Contains(said, "voters: "+test.want) {
				t.Errorf("append says\n%s", said)
			}
			if got := startAlone(t, dir); got != (test.want == "") {
				t.Errorf("elected and appended: %v\n%s%s", got, said, stat)
			}
			ok(t, "stat", dir)
		})
	}
}

// TestRebuild: dump, create, install, append and set give the same log back.
func TestRebuild(t *testing.T) {
	for _, name := range fixture.Size([]string{"alpha", "bigsnap", "emptied", "empty", "rewritten", "snaponly", "sealed256"}, fixture.All()) {
		if name == "highstart" || name == "bigdata" { // begins above 1 without a snapshot; takes long, and has none
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rebuild(t, name)
		})
	}
}

func rebuild(t *testing.T, name string) {
	old, dir := fixture.Dir(t, name), filepath.Join(t.TempDir(), "new")
	var key []string
	if k := keyFile(t, name); k != "" {
		key = []string{"--key-file", k}
	}
	with := func(args ...string) []string { return append(args, key...) }
	want := open(t, old, name)
	m := want.Meta()

	fed(t, nil, with("create", dir)...)
	first := uint64(1)
	if m.Snapshot != nil && m.Snapshot.Index > 0 {
		first = m.Snapshot.Index + 1
		pb := tempFile(t, "snapshot.pb", []byte(ok(t, with("cat", old, "snapshots/latest/snapshot.pb")...)))
		fed(t, nil, with("snapshot", dir, "--install", pb)...)
	}
	dumped := walfs(t, with("dump", "--format", "json", "--from", fmt.Sprint(first), old)...) // says so if there are no entries
	if dumped.code != 0 {
		t.Fatal(dumped.stderr)
	}
	dump := dumped.stdout
	fed(t, strings.NewReader(dump), with("append", dir)...)
	fed(t, nil, with("set", dir, fmt.Sprintf("raft_id=%d", *m.RaftID), fmt.Sprintf("group_id=%d", *m.GroupID),
		fmt.Sprintf("checkpoint_index=%d", *m.CheckpointIndex), fmt.Sprintf("hard_state.term=%d", m.HardState.Term),
		fmt.Sprintf("hard_state.vote=%d", m.HardState.Vote), fmt.Sprintf("hard_state.commit=%d", m.HardState.Commit))...)

	// wal.meta has the ids, the hard state and the snapshot: the same bytes as Dgraph's.
	a, b := fixture.ReadFile(t, filepath.Join(old, "wal.meta")), fixture.ReadFile(t, filepath.Join(dir, "wal.meta"))
	if string(a) != string(b) {
		t.Error("wal.meta has other bytes")
	}
	got := open(t, dir, name)
	if p := got.Problems(); len(p) > 0 {
		t.Errorf("problems: %v", p)
	}
	next := first
	for _, e := range fixture.ReadManifest(t, name).Entries {
		if e.Index < first {
			continue
		}
		if e.Index != next {
			t.Fatalf("entry %d comes next, want %d", e.Index, next)
		}
		next++
		same, err := got.Entry(e.Index)
		fixture.Must(t, err)
		data, err := same.Data()
		fixture.Must(t, err)
		if sum := sha256.Sum256(data); same.Term != e.Term || int32(same.Type) != e.Type || hex.EncodeToString(sum[:]) != e.SHA256 {
			t.Fatalf("entry %d is another one", e.Index)
		}
	}
	if last, known := got.LastIndex(); !known || last != next-1 {
		t.Errorf("the last index is %d, want %d", last, next-1)
	}
}

func open(t *testing.T, dir, name string) walcore.Log {
	t.Helper()
	r, err := dgraph.OpenReader(dir, dgraph.ReaderOptions{Key: fixture.Key(name)})
	fixture.Must(t, err)
	t.Cleanup(func() { r.Close() })
	return r
}
