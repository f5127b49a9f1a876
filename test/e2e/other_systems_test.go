//go:build linux

package e2e

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/walfs/walfs/test/child"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
)

// TestOtherSystems mounts what etcd and HashiCorp's library wrote, and compares what the mount
// and dump show with what their own code reads.
func TestOtherSystems(t *testing.T) {
	names := slices.Concat(fixture.Etcd(), fixture.HashiCorp())
	if child.Race {
		names = []string{"etcd-small", "hashicorp-wal-n2"}
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := fixture.Dir(t, name)
			want := fixture.ReadOther(t, name)
			check := untouched(t, dir)
			m := mount(t, dir, t.TempDir())
			checkOtherEntries(t, walk(t, m.at, entryFolders...), want)
			checkOtherMeta(t, walk(t, m.at, "meta"), want)
			checkOtherSnapshots(t, walk(t, m.at, "snapshots"), want)
			native := walk(t, m.at, "native")
			checkOtherTimes(t, m.at, want)
			status := output(t, "cat", m.at+"/status.json")
			m.stop()
			if strings.Contains(m.said(), "problem") {
				t.Errorf("walfs said %q", m.said())
			}
			if got := output(t, walfs, "stat", "--json", dir); fixture.WithoutDiskBytes(got) != fixture.WithoutDiskBytes(status) {
				t.Error("stat --json and status.json differ")
			}
			checkOtherStatus(t, status, want)
			checkOtherDump(t, output(t, walfs, "dump", "--format", "json", dir), want)
			if got := output(t, walfs, "check", dir); !strings.HasPrefix(got, "sound: ") {
				t.Errorf("check says %q", got)
			}
			check(t)
			checkOtherNative(t, native, walk(t, dir, ".")) // this walk is no reading command
		})
	}
}

// TestFrozenDatabase: a frozen mount says at once that etcd's database can be read until the
// next transaction; then it is an error, and walfs copy still copies it.
func TestFrozenDatabase(t *testing.T) {
	t.Parallel()
	dir := fixture.Dir(t, "etcd-small")
	m := mount(t, dir, t.TempDir(), "--frozen")
	if !strings.Contains(m.said(), "walfs copy") {
		t.Errorf("the mount said %q", m.said())
	}
	fixture.Edit(t, filepath.Join(dir, "member/snap/db")).CommitBolt(nil)
	if _, err := os.ReadFile(filepath.Join(m.at, "native/member/snap/db")); !errors.Is(err, syscall.EIO) {
		t.Errorf("with a newer transaction: %v", err)
	}
	output(t, walfs, "copy", dir, filepath.Join(t.TempDir(), "copy"))
	m.stop()
}

// typeFolder is the folder in types/ of a type that a manifest names.
func typeFolder(t *testing.T, symbol string) string {
	t.Helper()
	for _, known := range slices.Concat(walcore.RaftTypes, walcore.HashiCorpTypes) {
		if known.Symbol == symbol {
			return known.Name
		}
	}
	t.Fatalf("no type is called %s", symbol)
	return ""
}

// checkOtherEntries: each entry is in entries/, terms/ and types/, and in one log file.
func checkOtherEntries(t *testing.T, got map[string]found, want *fixture.OtherManifest) {
	t.Helper()
	inFiles := map[string]int{} // by the entry's name
	for p, g := range got {
		if strings.HasPrefix(p, "files/") {
			name := path.Base(p)
			inFiles[name]++
			if e := got["entries/"+name]; e.inode != g.inode || e.sum != g.sum {
				t.Errorf("%s: %+v, entries/ has %+v", p, g, e)
			}
			delete(got, p)
		}
	}
	inodes := map[uint64]bool{}
	for _, e := range want.List {
		name := fmt.Sprintf("%020d", e.Index)
		for _, p := range []string{"entries/" + name, fmt.Sprintf("terms/%020d/%s", e.Term, name), "types/" + typeFolder(t, e.Type) + "/" + name} {
			g := got[p]
			if g.size != e.Size || g.sum != e.SHA256 || g.links != 4 {
				t.Fatalf("%s: %+v, want %+v", p, g, e)
			}
			inodes[g.inode] = true
			delete(got, p)
		}
		if inFiles[name] != 1 {
			t.Errorf("entry %d is in %d log files", e.Index, inFiles[name])
		}
	}
	if len(got) > 0 || len(inodes) != len(want.List) || len(inFiles) != len(want.List) {
		t.Errorf("%d inodes and %d files for %d entries; %d paths too many", len(inodes), len(inFiles), len(want.List), len(got))
	}
}

func checkOtherMeta(t *testing.T, got map[string]found, want *fixture.OtherManifest) {
	t.Helper()
	first, last := want.List[0].Index, want.List[len(want.List)-1].Index
	texts := map[string]string{"last_index": lines([]uint64{last})}
	if want.System == walcore.Etcd {
		if want.Snapshot.Index > 0 {
			first = want.Snapshot.Index + 1
		}
		texts["node_id"], texts["cluster_id"] = want.NodeID+"\n", want.ClusterID+"\n"
		texts["hard_state/term"] = lines([]uint64{want.HardState.Term})
		texts["hard_state/vote"] = lines([]uint64{want.HardState.Vote})
		texts["hard_state/commit"] = lines([]uint64{want.HardState.Commit})
		texts["conf_state/voters"] = lines(want.Snapshot.Voters)
		texts["conf_state/learners"] = lines(want.Snapshot.Learners)
		texts["snapshot_index"] = lines([]uint64{want.Snapshot.Index})
		texts["snapshot_term"] = lines([]uint64{want.Snapshot.Term})
	} else {
		texts["current_term"] = lines([]uint64{want.CurrentTerm})
		texts["last_vote_term"] = lines([]uint64{want.LastVoteTerm})
		texts["last_vote_candidate"] = want.LastVoteCandidate + "\n"
		if n := len(want.Snapshots); n > 0 {
			var voters, learners strings.Builder
			for _, s := range want.Snapshots[n-1].Servers {
				if s.Suffrage == 0 {
					fmt.Fprintln(&voters, s.ID)
				} else {
					fmt.Fprintln(&learners, s.ID)
				}
			}
			texts["conf_state/voters"], texts["conf_state/learners"] = voters.String(), learners.String()
			texts["snapshot_index"] = lines([]uint64{want.Snapshots[n-1].Index})
		}
		for _, name := range []string{"hard_state/commit", "raft_id", "checkpoint_index"} {
			if _, shown := got["meta/"+name]; shown {
				t.Errorf("meta/%s is shown: HashiCorp's library does not keep it", name)
			}
		}
	}
	texts["first_index"] = lines([]uint64{first})
	for name, text := range texts {
		if g := got["meta/"+name]; g.sum != sum(text) || g.size != int64(len(text)) {
			t.Errorf("meta/%s: %+v, want %q", name, g, text)
		}
	}
}

// checkOtherSnapshots: all that the manifest names are there, and latest is the right one.
func checkOtherSnapshots(t *testing.T, got map[string]found, want *fixture.OtherManifest) {
	t.Helper()
	type snapshot struct {
		term, index uint64
		size        int64
		sum         string
	}
	var all []snapshot
	if s := want.Snapshot; s.Index > 0 {
		all = append(all, snapshot{s.Term, s.Index, s.Size, s.SHA256})
	}
	for _, s := range want.Snapshots {
		all = append(all, snapshot{s.Term, s.Index, s.Size, s.SHA256})
	}
	latest := ""
	for _, s := range all {
		name := fmt.Sprintf("%020d-%020d", s.term, s.index)
		latest = max(latest, name)
		if g := got["snapshots/"+name+"/data"]; g.size != s.size || g.sum != s.sum {
			t.Errorf("%s: %+v, want %+v", name, g, s)
		}
	}
	if g := got["snapshots/latest"]; g.sum != latest {
		t.Errorf("latest points to %q, want %q", g.sum, latest)
	}
}

// checkOtherNative: native/ has the directory's files, byte for byte, in its folders.
func checkOtherNative(t *testing.T, got, want map[string]found) {
	t.Helper()
	files := 0
	for p, w := range want {
		if g := got["native/"+strings.TrimPrefix(p, "./")]; g.size != w.size || g.sum != w.sum {
			t.Errorf("native/%s: %+v, want %+v", p, g, w)
		}
		files++
	}
	if files == 0 || len(got) != files {
		t.Errorf("native/ has %d files, want %d", len(got), files)
	}
}

// checkOtherTimes: the time of an entry is when it was appended, where that is stored.
func checkOtherTimes(t *testing.T, at string, want *fixture.OtherManifest) {
	t.Helper()
	if want.System == walcore.Etcd {
		return
	}
	times := map[string]string{}
	for line := range strings.Lines(output(t, "find", at+"/entries", "-type", "f", "-printf", "%f %T@\n")) {
		name, at, _ := strings.Cut(strings.TrimSpace(line), " ")
		times[name] = at
	}
	for _, e := range want.List {
		if e.AppendedAt.Before(time.Unix(0, 0)) { // it has no time
			continue
		}
		at := fmt.Sprintf("%d.%09d0", e.AppendedAt.Unix(), e.AppendedAt.Nanosecond())
		if got := times[fmt.Sprintf("%020d", e.Index)]; got != at {
			t.Fatalf("entry %d has time %s, want %s", e.Index, got, at)
		}
	}
}

func checkOtherStatus(t *testing.T, text string, want *fixture.OtherManifest) {
	t.Helper()
	var got struct {
		System            string
		Entries           int
		RaftID            *uint64 `json:"raft_id"`
		NodeID            string  `json:"node_id"`
		ClusterID         string  `json:"cluster_id"`
		HardState, Stable json.RawMessage
		Problems          []any
	}
	fixture.Must(t, json.Unmarshal([]byte(text), &got))
	if got.System != want.System || got.Entries != len(want.List) || got.RaftID != nil || len(got.Problems) > 0 ||
		got.NodeID != want.NodeID || got.ClusterID != want.ClusterID {
		t.Errorf("status.json says %s", text)
	}
}

func checkOtherDump(t *testing.T, text string, want *fixture.OtherManifest) {
	t.Helper()
	scan := bufio.NewScanner(strings.NewReader(text))
	scan.Buffer(nil, 16<<20)
	n := 0
	for ; scan.Scan(); n++ {
		var got struct {
			Index, Term uint64
			Type        string
			Size        int64
			Data        []byte
		}
		fixture.Must(t, json.Unmarshal(scan.Bytes(), &got))
		if e := want.List[n]; got.Index != e.Index || got.Term != e.Term || got.Type != e.Type || got.Size != e.Size || sum(string(got.Data)) != e.SHA256 {
			t.Fatalf("dump prints %+v, want %+v", got, e)
		}
	}
	if n != len(want.List) {
		t.Errorf("dump prints %s entries, want %d", strconv.Itoa(n), len(want.List))
	}
}
