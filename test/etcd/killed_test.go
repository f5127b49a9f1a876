//go:build linux

package etcd

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/walfs/walfs/test/child"
	"github.com/walfs/walfs/test/fixture"
	"go.etcd.io/etcd/client/pkg/v3/fileutil"
)

// TestKilled kills etcd under load, again and again. One mount and one dump --follow go on
// through all of its lives.
func TestKilled(t *testing.T) {
	child.NeedFUSE(t)
	child.Walfs(t) // it is built before the node purges what was to be read
	home := t.TempDir()
	dir := dataOf(home)
	node := startNode(t, home)
	m := child.Mount(t, dir)
	var lines child.Output
	follow := child.Start(t, &lines, child.Walfs(t), "dump", "--follow", "--format", "json", dir)
	r := &reader{Looker: child.StartLooker(t), at: m.At, seen: seen{}}

	var logs []truth
	for life := range fixture.Size(3, 50) {
		if life > 0 {
			node = startNode(t, home)
		}
		readAtWork(t, r, dir, node)
		copied := copyAtWork(t, dir)
		node.Signal(syscall.SIGKILL)
		node.WantEnd(-1)
		logs = append(logs, checkAtRest(t, r, home))
		checkCopy(t, r.seen, copied)
	}
	node = startNode(t, home)
	readAtWork(t, r, dir, node)
	node.Stop()
	logs = append(logs, checkAtRest(t, r, home))
	last := logs[len(logs)-1]
	checkFollow(t, follow, &lines, r.seen, last)
	r.seen.check(t, logs)

	if _, err := os.Stat(keptOf(home)); err != nil {
		t.Errorf("etcd could not purge a segment: %v", err)
	}
	t.Logf("%d entries, %d of them seen at work, %d files read right in the mount; etcd was at term %d",
		len(last.log), len(r.seen), r.right, last.state.GetTerm())
	m.Stop()
	if said := m.Said(); strings.Count(said, "\n") > 2 {
		t.Errorf("the mount said %q", said)
	}
	checkUntouched(t, home, last)
	checkDumpLogs(t, home, last)
}

// readAtWork reads in all ways until the node has gone on for some segments, and the mount has
// given entries. Nothing that a running node does is damage.
func readAtWork(t *testing.T, r *reader, dir string, node *child.Process) {
	t.Helper()
	const enough = 600
	first, before := stat(t, dir).LastIndex, r.right
	for rounds := 0; rounds == 0 || stat(t, dir).LastIndex < first+enough || r.right == before; rounds++ {
		if node.Ended() {
			t.Fatalf("etcd has ended: %s", node.Said())
		}
		for _, e := range dump(t, dir) {
			r.seen.add(t, "dump", e)
		}
		walfs(t, "check", dir)
		r.read(t, false)
		grep(t, r.at)
	}
}

// grep searches in a mount, as people do. Entries that it has listed may be gone when it opens
// them.
func grep(t *testing.T, at string) {
	t.Helper()
	out, err := exec.Command("grep", "-rlE", `"(put|txn)"`, at+"/decoded").CombinedOutput()
	found := 0
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, at) {
			found++
			continue
		}
		line = strings.TrimSpace(line)
		if why := line[strings.LastIndex(line, ": ")+1:]; !gone(strings.ToLower(strings.TrimSpace(why))) {
			t.Fatalf("grep: %s", line)
		}
	}
	if found == 0 {
		t.Fatalf("grep has found nothing: %v: %s", err, out)
	}
}

// checkAtRest compares a directory to which nobody writes with what etcd's own code reads.
func checkAtRest(t *testing.T, r *reader, home string) truth {
	t.Helper()
	dir := dataOf(home)
	want := readTruth(t, home)
	got := stat(t, dir)
	snapshot := want.snapshot.GetMetadata()
	if got.HardState.Term != want.state.GetTerm() || got.HardState.Vote != want.state.GetVote() || got.HardState.Commit != want.state.GetCommit() ||
		got.Snapshot.Index != snapshot.GetIndex() || got.Snapshot.Term != snapshot.GetTerm() || got.Snapshot.Size != int64(len(want.snapshot.GetData())) ||
		got.NodeID != fmt.Sprintf("%x", want.ids.GetNodeID()) || got.ClusterID != fmt.Sprintf("%x", want.ids.GetClusterID()) {
		t.Fatalf("walfs stat gives %+v, etcd's own code %v, %v, %v", got, want.state, snapshot, want.ids)
	}
	sameEntries(t, "dump", dump(t, dir), want.from(firstOf(t, home)))
	sameEntries(t, "dump behind the snapshot", dump(t, dir, "--from", fmt.Sprint(snapshot.GetIndex()+1)), want.restart)

	// The mount has the same once it has seen the last write.
	status := string(walfs(t, "stat", "--json", dir))
	child.Await(t, "the mount to show the directory at rest", func() bool {
		return fixture.WithoutDiskBytes(r.Do("head", r.at+"/status.json")) == fixture.WithoutDiskBytes(status)
	})
	listed := slices.Clone(want.from(firstOf(t, home)))
	for k := range listed {
		listed[k].typ = ""
	}
	sameEntries(t, "the mount", r.read(t, true), listed)
	if data := r.Do("head", r.at+"/snapshots/latest/data"); snapshot.GetIndex() > 0 && sha256.Sum256([]byte(data)) != sha256.Sum256(want.snapshot.GetData()) {
		t.Fatalf("snapshots/latest/data has %d bytes, others than the snapshot's %d", len(data), len(want.snapshot.GetData()))
	}
	return want
}

// firstOf is the first index that is in the segments. A node that is alone replaces nothing, so
// that the first segment's name says it.
func firstOf(t *testing.T, home string) (index uint64) {
	t.Helper()
	segments, err := filepath.Glob(filepath.Join(walOf(home), "*.wal"))
	fixture.Must(t, err)
	_, err = fmt.Sscanf(filepath.Base(segments[0])[17:], "%x.wal", &index)
	fixture.Must(t, err)
	return max(index, 1)
}

func sameEntries(t *testing.T, how string, got, want []entry) {
	t.Helper()
	for k := range min(len(got), len(want)) {
		if got[k] != want[k] {
			t.Fatalf("%s: entry %+v, want %+v", how, got[k], want[k])
		}
	}
	if len(got) != len(want) || len(got) == 0 {
		t.Fatalf("%s: %d entries, want %d", how, len(got), len(want))
	}
}

// checkFollow waits until dump --follow has printed the last entry. It has printed each entry
// from its first one on once, unless it said that some were purged before it came to them.
func checkFollow(t *testing.T, follow *child.Process, lines *child.Output, s seen, l truth) {
	t.Helper()
	last := fmt.Sprintf(`{"index":%d,"term":%d,`, len(l.log), l.log[len(l.log)-1].term)
	child.Await(t, "dump --follow to print the last entry", func() bool { return strings.Contains(lines.String(), last) })
	follow.Signal(syscall.SIGINT)
	follow.WantEnd(0)
	printed := parseDump(t, []byte(lines.String()))
	for _, e := range printed {
		s.add(t, "dump --follow", e)
	}
	said := follow.Said()
	for line := range strings.Lines(said) {
		if !strings.Contains(line, " are gone, compacted before they could be printed") {
			t.Errorf("dump --follow said %s", line)
		}
	}
	if said == "" {
		sameEntries(t, "dump --follow", printed, l.from(printed[0].index))
	}
}

// checkUntouched reads all of a directory in all ways: not even an access time changes, and
// all locks are to be had. etcd has started with a mount there before.
func checkUntouched(t *testing.T, home string, l truth) {
	t.Helper()
	folders := []string{home, dataOf(home), filepath.Dir(walOf(home)), walOf(home), snapOf(home)}
	state := func() (all string) {
		for _, folder := range folders {
			all += fixture.State(t, folder)
		}
		return all
	}
	first := firstOf(t, home)
	for _, folder := range folders {
		fixture.Age(t, folder)
	}
	before := state()
	dir := dataOf(home)
	m := child.Mount(t, dir)
	r := &reader{Looker: child.StartLooker(t), at: m.At, seen: seen{}}
	if n := len(r.read(t, true)); n != len(l.from(first)) {
		t.Errorf("a new mount has %d entries", n)
	}
	grep(t, m.At)
	if out, err := exec.Command("tar", "-cf", "/dev/null", "-C", m.At, ".").CombinedOutput(); err != nil {
		t.Errorf("tar: %v: %s", err, out)
	}
	for _, args := range [][]string{{"stat"}, {"check"}, {"explain"}, {"stats"}, {"dump"}, {"ls"}} {
		walfs(t, append(args, dir)...)
	}
	for line := range strings.Lines(state()) {
		if !strings.Contains(before, line) {
			t.Errorf("this was different before: %s", line)
		}
	}
	locked := 0
	for _, pattern := range []string{filepath.Join(walOf(home), "*.wal"), filepath.Join(snapOf(home), "db")} {
		paths, err := filepath.Glob(pattern)
		fixture.Must(t, err)
		for _, path := range paths {
			lock, err := fileutil.TryLockFile(path, os.O_WRONLY, 0o600)
			if err != nil {
				t.Errorf("with a mount there, %s cannot be locked: %v", path, err)
				continue
			}
			locked++
			fixture.Must(t, lock.Close())
		}
	}
	if locked < 2 {
		t.Errorf("%d files were locked", locked)
	}
}
