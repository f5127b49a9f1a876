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

	"github.com/walfs/walfs/test/atwork"
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
	follow := atwork.StartFollow(t, dir)
	r := atwork.NewReader(t, m.At, atwork.Seen{})

	var logs [][]atwork.Entry
	for life := range fixture.Size(3, 50) {
		if life > 0 {
			node = startNode(t, home)
		}
		readAtWork(t, r, dir, node)
		copied := copyAtWork(t, dir)
		node.Signal(syscall.SIGKILL)
		node.WantEnd(-1)
		logs = append(logs, checkAtRest(t, r, home).log)
		checkCopy(t, r.Seen, copied)
	}
	node = startNode(t, home)
	readAtWork(t, r, dir, node)
	node.Stop()
	last := checkAtRest(t, r, home)
	checkFollow(t, follow, r.Seen, last)
	r.Seen.Check(t, append(logs, last.log)...)

	if _, err := os.Stat(keptOf(home)); err != nil {
		t.Errorf("etcd could not purge a segment: %v", err)
	}
	t.Logf("%d entries, %d of them seen at work, %d files read right in the mount; etcd was at term %d",
		len(last.log), len(r.Seen), r.Right, last.state.GetTerm())
	m.Stop()
	if said := m.Said(); strings.Count(said, "\n") > 2 {
		t.Errorf("the mount said %q", said)
	}
	checkUntouched(t, home, last)
	checkDumpLogs(t, home, last)
}

// decodedKey is in what entries mean.
const decodedKey = `"(put|txn)"`

// readAtWork reads in all ways until the node has gone on for some segments, and the mount and
// grep have given entries. Nothing that a running node does is damage.
func readAtWork(t *testing.T, r *atwork.Reader, dir string, node *child.Process) {
	t.Helper()
	const enough = 600
	first, before, found := stat(t, dir).LastIndex, r.Right, 0
	for found == 0 || r.Right == before || stat(t, dir).LastIndex < first+enough {
		if node.Ended() {
			t.Fatalf("etcd has ended: %s", node.Said())
		}
		for _, e := range atwork.Dump(t, dir) {
			r.Seen.Add(t, "dump", e)
		}
		atwork.Walfs(t, "check", dir)
		r.Read(t, false)
		found += atwork.Grep(t, r.At, decodedKey)
	}
}

// checkAtRest compares a directory to which nobody writes with what etcd's own code reads.
func checkAtRest(t *testing.T, r *atwork.Reader, home string) truth {
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
	atwork.Same(t, "dump", atwork.Dump(t, dir), want.from(firstOf(t, home)))
	atwork.Same(t, "dump behind the snapshot", atwork.Dump(t, dir, "--from", fmt.Sprint(snapshot.GetIndex()+1)), want.restart)

	// The mount has the same once it has seen the last write.
	r.AwaitStatus(t, dir)
	listed := slices.Clone(want.from(firstOf(t, home)))
	for k := range listed {
		listed[k].Type = ""
	}
	atwork.Same(t, "the mount", r.Read(t, true), listed)
	if data := r.Do("head", r.At+"/snapshots/latest/data"); snapshot.GetIndex() > 0 && sha256.Sum256([]byte(data)) != sha256.Sum256(want.snapshot.GetData()) {
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

// checkFollow waits until dump --follow has printed the last entry. It has printed each entry
// from its first one on once, unless it said that some were purged before it came to them.
func checkFollow(t *testing.T, follow *atwork.Follow, s atwork.Seen, l truth) {
	t.Helper()
	printed := follow.End(t, s, l.log[len(l.log)-1])
	said := follow.Said()
	for line := range strings.Lines(said) {
		if !strings.Contains(line, " are gone, compacted before they could be printed") {
			t.Errorf("dump --follow said %s", line)
		}
	}
	if said == "" {
		atwork.Same(t, "dump --follow", printed, l.from(printed[0].Index))
	}
}

// checkUntouched reads all of a directory in all ways: not even an access time changes, and
// all locks are to be had. etcd has started with a mount there before.
func checkUntouched(t *testing.T, home string, l truth) {
	t.Helper()
	folders := []string{home, dataOf(home), filepath.Dir(walOf(home)), walOf(home), snapOf(home)}
	first, dir := firstOf(t, home), dataOf(home)
	atwork.Untouched(t, folders, func() {
		m := child.Mount(t, dir)
		if n := len(atwork.NewReader(t, m.At, atwork.Seen{}).Read(t, true)); n != len(l.from(first)) {
			t.Errorf("a new mount has %d entries", n)
		}
		if atwork.Grep(t, m.At, decodedKey) == 0 {
			t.Error("grep has found nothing")
		}
		if out, err := exec.Command("tar", "-cf", "/dev/null", "-C", m.At, ".").CombinedOutput(); err != nil {
			t.Errorf("tar: %v: %s", err, out)
		}
		for _, args := range [][]string{{"stat"}, {"check"}, {"explain"}, {"stats"}, {"dump"}, {"ls"}} {
			atwork.Walfs(t, append(args, dir)...)
		}
	})
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
