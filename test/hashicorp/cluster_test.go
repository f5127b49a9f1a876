//go:build linux

package hashicorp

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/walfs/walfs/test/atwork"
	"github.com/walfs/walfs/test/child"
	"github.com/walfs/walfs/test/fixture"
)

// member is a node of the cluster. One mount and one dump --follow go on through all of its
// lives.
type member struct {
	number      int
	home, store string
	*child.Process
	said   *child.Output
	mount  *child.Mounted
	follow *atwork.Follow
	*atwork.Reader
}

func (m *member) dir() string { return dataOf(m.home) }

func (m *member) leads() bool { return !m.Ended() && strings.HasSuffix(m.said.String(), "leader\n") }

// TestCluster kills the nodes of a cluster under load, again and again. The leader is killed
// before those that follow it: what it alone has is replaced.
func TestCluster(t *testing.T) {
	child.NeedFUSE(t)
	child.Walfs(t) // it is built before a node compacts what was to be read
	addresses := ownAddresses()
	seen := atwork.Seen{}
	var members []*member
	for k, store := range []string{"wal", "bolt-no-sync", "wal"} {
		m := &member{number: k, home: t.TempDir(), store: store}
		m.Process, m.said = startNode(t, m.home, store, k, addresses)
		m.mount = child.Mount(t, m.dir())
		m.follow = atwork.StartFollow(t, m.dir())
		m.Reader = atwork.NewReader(t, m.mount.At, seen)
		members = append(members, m)
	}
	for _, m := range members {
		child.Await(t, "a first command", func() bool { return m.Do("list", m.At+"/types/log_command") != "" })
	}

	var logs [][]atwork.Entry
	stuck, leaders := 0, 0
	var last *member
	var alive []*member // in this round
	for range fixture.Size(3, 50) {
		if len(alive) == 0 {
			alive = slices.Clone(members)
		}
		m := alive[max(0, slices.IndexFunc(alive, (*member).leads))]
		last = m
		alive = slices.DeleteFunc(alive, func(a *member) bool { return a == m })
		m.readAtWork(t)
		copied := m.copyAtWork(t)
		if m.leads() {
			leaders++
		}
		m.Process.Signal(syscall.SIGKILL)
		m.WantEnd(-1)
		l := m.checkAtRest(t)
		logs = append(logs, l.log)
		m.checkCopy(t, copied)
		if l.stuck {
			stuck++
			goOn(t, m.dir(), m.store)
		}
		m.Process, m.said = startNode(t, m.home, m.store, m.number, addresses)
	}
	last.readAtWork(t)
	for _, m := range members {
		m.Process.Stop()
	}
	right, rewritten := 0, 0
	for _, m := range members {
		l := m.checkAtRest(t)
		rewritten += m.checkFollow(t, l)
		logs = append(logs, l.log, readKept(t, m.home))
		right += m.Right
		m.mount.Stop()
		if said := m.mount.Said(); strings.Count(said, "\n") > 2 {
			t.Errorf("the mount said %q", said)
		}
		m.checkUntouched(t, l)
	}
	seen.Check(t, logs...)
	t.Logf("%d entries seen at work, %d files read right in mounts; the leader was killed %d times; dump --follow saw %d times that entries were replaced; "+
		"%d times a store was left that took no more entries", len(seen), right, leaders, rewritten, stuck)
}

// ownAddresses are those of three nodes, which no other process uses: the network is the
// process's own. A port of 127.0.0.1 can be taken while its node is dead.
func ownAddresses() (addresses []string) {
	pid := os.Getpid()
	for k := range 3 {
		addresses = append(addresses, fmt.Sprintf("127.%d.%d.%d:%d", 64+pid>>16&63, pid>>8&255, pid&255, 8300+k))
	}
	return addresses
}

// readAtWork reads in all ways until the node has gone on for a while, and the mount and grep have
// given entries: a node that gets a snapshot has an empty log for a moment. Nothing that a running node does is damage.
func (m *member) readAtWork(t *testing.T) {
	t.Helper()
	const enough = 300
	first, before, found := m.stat(t).LastIndex, m.Right, 0
	for found == 0 || m.Right == before || m.stat(t).LastIndex < first+enough {
		if m.Ended() {
			t.Fatalf("a node has ended: %s", m.Process.Said())
		}
		for _, e := range atwork.Dump(t, m.dir()) {
			m.Seen.Add(t, "dump", e)
		}
		atwork.Walfs(t, "check", m.dir())
		m.Read(t, false)
		found += atwork.Grep(t, m.At, decodedKey)
	}
}

// decodedKey is in what entries mean.
const decodedKey = `"text": "set `

// status is what is needed of status.json.
type status struct {
	Stable   stable
	Snapshot struct {
		Index, Term uint64
		Size        int64
	}
	FirstIndex uint64 `json:"first_index"`
	LastIndex  uint64 `json:"last_index"`
	Entries    int
	Problems   []struct{ Kind, Message string }
}

// stat fails if walfs finds a problem. What raft-wal is just writing, or was when it was killed,
// is none.
func (m *member) stat(t *testing.T) (s status) {
	t.Helper()
	fixture.Must(t, json.Unmarshal(atwork.Walfs(t, "cat", m.dir(), "status.json"), &s))
	for _, p := range s.Problems {
		if p.Kind != "torn_tail" || m.store != "wal" {
			t.Fatalf("problem: %+v", p)
		}
	}
	return s
}

// checkAtRest compares a directory to which nobody writes with what HashiCorp's own code reads.
func (m *member) checkAtRest(t *testing.T) truth {
	t.Helper()
	want, got := readTruth(t, m.dir(), m.store), m.stat(t)
	newest := want.newest()
	if got.Stable != want.stable || got.Snapshot.Index != newest.Index || got.Snapshot.Term != newest.Term || got.Snapshot.Size != newest.Size ||
		got.FirstIndex != want.first || got.LastIndex != want.last || got.Entries != len(want.log) {
		t.Fatalf("status.json says %+v, HashiCorp's own code reads %+v, %+v, entries %d to %d", got, want.stable, newest.SnapshotMeta, want.first, want.last)
	}
	atwork.Walfs(t, "check", m.dir())
	atwork.Same(t, "dump", atwork.Dump(t, m.dir()), want.log)

	// The mount has the same once it has seen the last write.
	m.AwaitStatus(t, m.dir())
	listed := slices.Clone(want.log)
	for k, e := range listed {
		listed[k].Type = ""
		if at := want.times[k]; !at.IsZero() && m.Do("time", fmt.Sprintf("%s/entries/%d", m.At, e.Index)) != fmt.Sprint(at.UnixNano()) {
			t.Fatalf("entry %d was appended at %v", e.Index, at)
		}
	}
	atwork.Same(t, "the mount", m.Read(t, true), listed)
	for _, s := range want.snapshots {
		m.sameSnapshot(t, fmt.Sprintf("%020d-%020d", s.Term, s.Index), s)
	}
	if newest.Index > 0 {
		m.sameSnapshot(t, "latest", newest)
	}
	return want
}

// sameSnapshot compares a folder in snapshots/ with what HashiCorp's own code reads.
func (m *member) sameSnapshot(t *testing.T, name string, want snapshot) {
	t.Helper()
	folder := filepath.Join(m.At, "snapshots", name)
	if data := m.Do("head", folder+"/data"); data != string(want.data) {
		t.Fatalf("%s/data has %d bytes, others than the snapshot's %d", name, len(data), len(want.data))
	}
	var got struct {
		Index, Term uint64
		ConfState   struct{ Voters, Learners []string } `json:"conf_state"`
	}
	fixture.Must(t, json.Unmarshal([]byte(m.Do("head", folder+"/metadata.json")), &got))
	var voters, learners []string
	for _, s := range want.Configuration.Servers {
		if s.Suffrage == 0 {
			voters = append(voters, string(s.ID))
		} else {
			learners = append(learners, string(s.ID))
		}
	}
	if got.Index != want.Index || got.Term != want.Term || !slices.Equal(got.ConfState.Voters, voters) || !slices.Equal(got.ConfState.Learners, learners) {
		t.Fatalf("%s: %+v, want %+v", name, got, want.SnapshotMeta)
	}
}

// checkFollow compares the last that dump --follow has printed of each index: others have
// replaced entries of a leader that was killed. What was compacted before it could be printed
// it has said. It gives how often it has seen entries replaced.
func (m *member) checkFollow(t *testing.T, l truth) (rewritten int) {
	t.Helper()
	printed := map[uint64]atwork.Entry{}
	for _, e := range m.follow.End(t, m.Seen, l.log[len(l.log)-1]) {
		printed[e.Index] = e
	}
	for line := range strings.Lines(m.follow.Said()) {
		var first, last uint64
		if _, err := fmt.Sscanf(line, "walfs: entries %d to %d are gone", &first, &last); err == nil {
			l.log = slices.DeleteFunc(slices.Clone(l.log), func(e atwork.Entry) bool { return first <= e.Index && e.Index <= last })
		} else if strings.Contains(line, "the log was rewritten from entry ") {
			rewritten++
		} else {
			t.Errorf("dump --follow said %s", line)
		}
	}
	for _, e := range l.log {
		if printed[e.Index] != e {
			t.Fatalf("dump --follow has printed %+v, want %+v", printed[e.Index], e)
		}
	}
	return rewritten
}

// checkUntouched reads all of a directory in all ways: not even an access time changes. Nodes
// have started with mounts there before.
func (m *member) checkUntouched(t *testing.T, l truth) {
	t.Helper()
	var folders []string
	fixture.Must(t, filepath.WalkDir(m.home, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			folders = append(folders, path)
		}
		return err
	}))
	atwork.Untouched(t, folders, func() {
		at := child.Mount(t, m.dir()).At
		if n := len(atwork.NewReader(t, at, atwork.Seen{}).Read(t, true)); n != len(l.log) {
			t.Errorf("a new mount has %d entries", n)
		}
		if atwork.Grep(t, at, decodedKey) == 0 {
			t.Error("grep has found nothing")
		}
		if out, err := exec.Command("tar", "-cf", "/dev/null", "-C", at, ".").CombinedOutput(); err != nil {
			t.Errorf("tar: %v: %s", err, out)
		}
		for _, args := range [][]string{{"stat"}, {"check"}, {"explain"}, {"stats"}, {"dump"}, {"ls"}} {
			atwork.Walfs(t, append(args, m.dir())...)
		}
	})
}
