//go:build linux

package e2e

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
)

// entryFolders are those that show entries.
var entryFolders = []string{"entries", "terms", "types", "files"}

// TestEveryFixture mounts what Dgraph wrote and compares all that the mount
// shows with what Dgraph's own code reads.
func TestEveryFixture(t *testing.T) {
	for _, name := range fixture.All() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := fixture.Dir(t, name)
			keys := keyArgs(t, name)
			want := fixture.ReadManifest(t, name)
			entries := wantEntries(t, dir, want)
			check := untouched(t, dir)
			m := mount(t, dir, t.TempDir(), keys...)
			folders := entryFolders
			if len(entries) > 4*20_000 || name == "bigdata" { // that they have four names the others show
				folders = folders[:1]
				maps.DeleteFunc(entries, func(path string, _ fixture.Entry) bool { return !strings.HasPrefix(path, "entries/") })
			}
			checkEntries(t, walk(t, m.at, folders...), entries)
			checkMeta(t, walk(t, m.at, "meta"), want.Meta)
			checkSnapshot(t, walk(t, m.at, "snapshots"), want.Meta)
			status := output(t, "cat", m.at+"/status.json")
			checkStatus(t, status, want)
			m.stop()
			// walfs says when a directory is damaged. The fixtures are not.
			if strings.Contains(m.said(), "problem") {
				t.Errorf("walfs said %q", m.said())
			}
			if got := output(t, walfs, append([]string{"stat", "--json", dir}, keys...)...); fixture.WithoutDiskBytes(got) != fixture.WithoutDiskBytes(status) {
				t.Error("stat --json and status.json differ")
			}
			check(t)
		})
	}
}

// wantEntries gives each path at which there must be an entry, and that entry.
func wantEntries(t *testing.T, dir string, m *fixture.Manifest) map[string]fixture.Entry {
	t.Helper()
	types := []string{"normal", "conf_change", "conf_change_v2"}
	fileOf := slotTables(t, dir)
	want := map[string]fixture.Entry{}
	for _, e := range m.Entries {
		name := fmt.Sprintf("%020d", e.Index)
		want["entries/"+name] = e
		want[fmt.Sprintf("terms/%020d/%s", e.Term, name)] = e
		want["types/"+types[e.Type]+"/"+name] = e
		want["files/"+fileOf[e.Index]+"/"+name] = e
	}
	if len(want) != 4*len(m.Entries) {
		t.Fatalf("%d paths for %d entries", len(want), len(m.Entries))
	}
	return want
}

// slotTables finds which log file holds an index. It reads the slots itself, so
// that the test does not depend on the code under test.
func slotTables(t *testing.T, dir string) map[uint64]string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.wal"))
	fixture.Must(t, err)
	fileOf := map[uint64]string{}
	for _, path := range paths {
		for table := fixture.Edit(t, path).Read(0, 30000*32); len(table) > 0; table = table[32:] {
			index := binary.BigEndian.Uint64(table[8:])
			if index == 0 {
				break
			}
			fileOf[index] = filepath.Base(path)
		}
	}
	return fileOf
}

func checkEntries(t *testing.T, got map[string]found, want map[string]fixture.Entry) {
	t.Helper()
	inodes := map[uint64]uint64{}
	for path, e := range want {
		g, ok := got[path]
		if !ok || g.size != e.Size || g.sum != e.SHA256 {
			t.Fatalf("%s: got %+v, want %+v", path, g, e)
		}
		if inode, known := inodes[e.Index]; known && inode != g.inode || g.links != 4 {
			t.Fatalf("%s: inode %d with %d links, want %d with 4", path, g.inode, g.links, inode)
		}
		inodes[e.Index] = g.inode
		delete(got, path)
	}
	for path, g := range got {
		t.Errorf("%s is no entry of the manifest: %+v", path, g)
	}
	distinct := map[uint64]bool{}
	for _, inode := range inodes {
		distinct[inode] = true
	}
	if len(distinct) != len(inodes) {
		t.Errorf("%d inodes for %d entries", len(distinct), len(inodes))
	}
}

func checkMeta(t *testing.T, got map[string]found, want fixture.Meta) {
	t.Helper()
	cs := want.Snapshot.ConfState
	texts := map[string]string{
		"conf_state/voters":          lines(cs.Voters),
		"conf_state/learners":        lines(cs.Learners),
		"conf_state/voters_outgoing": lines(cs.VotersOutgoing),
		"conf_state/learners_next":   lines(cs.LearnersNext),
		"conf_state/auto_leave":      fmt.Sprintln(cs.AutoLeave),
	}
	for name, n := range map[string]uint64{
		"raft_id": want.RaftID, "group_id": want.GroupID, "checkpoint_index": want.CheckpointIndex,
		"snapshot_index": want.SnapshotIndex, "snapshot_term": want.SnapshotTerm,
		"first_index": want.FirstIndex, "last_index": want.LastIndex,
		"hard_state/term": want.HardState.Term, "hard_state/vote": want.HardState.Vote,
		"hard_state/commit": want.HardState.Commit,
	} {
		texts[name] = lines([]uint64{n})
	}
	for name, text := range texts {
		if g := got["meta/"+name]; g.sum != sum(text) || g.size != int64(len(text)) {
			t.Errorf("meta/%s: %+v, want %q", name, g, text)
		}
	}
	// meta/members has its own test. It is missing where the configuration
	// changes in the log do not lead to a valid configuration.
	delete(got, "meta/members")
	if len(got) != len(texts) {
		t.Errorf("%d files in meta/, want %d", len(got), len(texts))
	}
}

func lines(ids []uint64) string {
	var b strings.Builder
	for _, id := range ids {
		b.WriteString(strconv.FormatUint(id, 10) + "\n")
	}
	return b.String()
}

func checkSnapshot(t *testing.T, got map[string]found, want fixture.Meta) {
	t.Helper()
	s := want.Snapshot
	if s.Index == 0 {
		if len(got) > 0 {
			t.Errorf("snapshots/ is not empty: %v", got)
		}
		return
	}
	name := fmt.Sprintf("%020d-%020d", s.Term, s.Index)
	if g := got["snapshots/latest"]; g.sum != name {
		t.Errorf("latest points to %+v, want %s", g, name)
	}
	if g := got["snapshots/"+name+"/data"]; g.size != s.Size || g.sum != s.SHA256 {
		t.Errorf("the snapshot's data: %+v, want %d bytes, %s", g, s.Size, s.SHA256)
	}
	if len(got) != 5 || got["snapshots/"+name+"/decoded.json"].size == 0 {
		t.Errorf("snapshots/ holds %v", got)
	}
}

// checkStatus compares status.json with the whole manifest.
func checkStatus(t *testing.T, text string, want *fixture.Manifest) {
	t.Helper()
	var got struct {
		fixture.Meta
		Entries uint64
		Bytes   int64
		Terms   []struct {
			Term, Entries uint64
			First         uint64 `json:"first_index"`
			Last          uint64 `json:"last_index"`
		}
		Types struct {
			Normal, ConfChange, ConfChangeV2 uint64
		}
		Files    []struct{ Entries uint64 }
		Problems []any
	}
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	meta := want.Meta
	// The manifest has these, status.json does not: the tests above look for
	// them in meta/ and in snapshots/.
	meta.SnapshotIndex, meta.SnapshotTerm, meta.Snapshot.SHA256 = 0, 0, ""
	if g, w := fmt.Sprintf("%+v", got.Meta), fmt.Sprintf("%+v", meta); g != w {
		t.Errorf("status.json says %s, want %s", g, w)
	}
	bytes, terms, inFiles := int64(0), map[uint64]uint64{}, uint64(0)
	for _, e := range want.Entries {
		bytes += e.Size
		terms[e.Term]++
	}
	for _, term := range got.Terms {
		if terms[term.Term] != term.Entries || term.Last-term.First+1 != term.Entries {
			t.Errorf("status.json says %+v, want %d entries", term, terms[term.Term])
		}
	}
	for _, f := range got.Files {
		inFiles += f.Entries
	}
	n := uint64(len(want.Entries))
	if got.Entries != n || got.Bytes != bytes || len(got.Terms) != len(terms) || inFiles != n || len(got.Problems) > 0 {
		t.Errorf("status.json says %s", text)
	}
}

// TestOneProcessor: the server must not deadlock when only one thread at a time
// runs Go code.
func TestOneProcessor(t *testing.T) {
	needFUSE(t)
	dir, at := fixture.Dir(t, "alpha"), t.TempDir()
	cmd := exec.Command(walfs, "mount", dir, at)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	m := start(t, at, cmd)
	checkEntries(t, walk(t, at, entryFolders...), wantEntries(t, dir, fixture.ReadManifest(t, "alpha")))
	m.stop()
}
