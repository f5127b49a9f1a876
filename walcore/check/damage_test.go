package check_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/nativelog"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/check"
	"github.com/walfs/walfs/walcore/storage"
	"go.etcd.io/raft/v3/raftpb"
)

// logFile is the first log file of a directory.
func logFile(t testing.TB, dir string) fixture.File {
	return fixture.Edit(t, filepath.Join(dir, "00001.wal"))
}

// garble makes an Alpha's proposal one that does not parse: the tag behind its key has a
// wire type that there is not.
func garble(f fixture.File, slot int) {
	f.Write(int64(f.Get(slot, fixture.Offset))+4+8, []byte{0x0f})
}

// short is what a report says of problems, in a line each.
func short(findings []check.Finding) string {
	var lines []string
	for _, f := range findings {
		lines = append(lines, fmt.Sprintf("%s %d %d %s: %s", f.File, f.Slot, f.Index, f.Kind, f.Message))
	}
	return strings.Join(lines, "\n")
}

// TestPayloads: what no longer parses, in an Alpha's log, at its first, a middle and its
// last proposal, and in slots that follow one another.
func TestPayloads(t *testing.T) {
	const lost = "the data are no proposal, as those of %d other entries are"
	last := 974
	for _, test := range []struct {
		name  string
		slots []int
		want  string
	}{
		{"first", []int{2}, fmt.Sprintf("00001.wal 2 3 payload: "+lost, 972)},
		{"middle", []int{500}, fmt.Sprintf("00001.wal 500 501 payload: "+lost, 972)},
		{"last", []int{last}, fmt.Sprintf("00001.wal 974 975 payload: "+lost, 972)},
		{"neighbours and another", []int{10, 11, 12, 14}, fmt.Sprintf("00001.wal 10 11 payload: "+lost+"; the same holds for the slots after it, up to 12\n"+
			"00001.wal 14 15 payload: "+lost, 969, 969)},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := fixture.Dir(t, "alpha")
			for _, slot := range test.slots {
				garble(logFile(t, dir), slot)
			}
			report := run(t, open(t, dir, "alpha"))
			if got := short(report.Problems); got != test.want || report.Sound {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
			// The checkpoint is 975: a node that starts passes over what comes before.
			if want := test.slots[0] != last; report.Starts != want {
				t.Errorf("starts: %t; %s", report.Starts, report.Verdict)
			}
		})
	}
}

// TestStanding: what a damaged payload means depends on where its entry stands.
func TestStanding(t *testing.T) {
	for slot, want := range map[int][2]string{
		10: {"the snapshot stands for the entry, no node reads it; DiskStorage", "damaged: a node starts, and does not notice: "},
		30: {"the entry is committed; Dgraph ", "damaged: a node starts, and goes on with other entries than its group has: "},
	} {
		dir := fixture.Dir(t, "bigsnap") // its snapshot is at 20
		logFile(t, dir).SetLength(slot, 1<<28)
		report := run(t, open(t, dir, "bigsnap"))
		if len(report.Problems) != 1 || !strings.HasPrefix(report.Problems[0].Node, want[0]) || !strings.HasPrefix(report.Verdict, want[1]) {
			t.Errorf("slot %d: %+v", slot, report)
		}
	}
}

// TestOtherApplications: where most data are no proposals, none of them is wrong.
func TestOtherApplications(t *testing.T) {
	dir := fixture.Dir(t, "alpha")
	f := logFile(t, dir)
	for slot := range 400 {
		if slot > 1 && f.Length(slot) > 8 {
			garble(f, slot)
		}
	}
	if report := run(t, open(t, dir, "alpha")); !report.Sound {
		t.Error(short(report.Problems[:1]))
	}
	text := nativelogDir(t, nativelog.Meta{Term: 1, Commit: 100, GroupID: 3}, 100, func(i int) nativelog.Entry {
		return nativelog.Entry{Data: []byte(strings.Repeat("any text of an application's own ", i%5))}
	})
	if report := run(t, open(t, text, "")); !report.Sound {
		t.Error(short(report.Problems))
	}
}

// nativelogDir is a directory with n entries of term 1.
func nativelogDir(t testing.TB, m nativelog.Meta, n int, entry func(i int) nativelog.Entry) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "w")
	var entries []nativelog.Entry
	for i := range n {
		e := entry(i)
		e.Term, e.Index = 1, uint64(i+1)
		if m.Snapshot != nil {
			e.Index += m.Snapshot.GetMetadata().GetIndex()
		}
		entries = append(entries, e)
	}
	fixture.Must(t, nativelog.Write(dir, m, slices.Values(entries)))
	return dir
}

func changeEntry(t testing.TB, text string) nativelog.Entry {
	typ, data := fixture.ConfChange(t, text)
	return nativelog.Entry{Type: uint32(typ), Data: data}
}

func snapshotAt(index uint64, voters ...uint64) *raftpb.Snapshot {
	term := uint64(1)
	return &raftpb.Snapshot{Data: []byte("state"), Metadata: &raftpb.SnapshotMetadata{
		Index: &index, Term: &term, ConfState: &raftpb.ConfState{Voters: voters}}}
}

// TestConfChanges: changes that do not parse or cannot be applied, committed or not.
func TestConfChanges(t *testing.T) {
	// Ten changes that can be applied, so that it is clear that the others are wrong.
	ten := func(i int) nativelog.Entry { return changeEntry(t, fmt.Sprintf("v%d", i+1)) }
	bytes := func(typ uint32, data string) nativelog.Entry { return nativelog.Entry{Type: typ, Data: []byte(data)} }
	for _, test := range []struct {
		name     string
		commit   uint64
		snapshot *raftpb.Snapshot
		entry    nativelog.Entry // the last
		want     string          // a part
		starts   bool
	}{
		{"sound", 11, nil, changeEntry(t, "r3"), "", true},
		{"does not parse", 11, nil, bytes(1, "\xff"), "00001.wal 10 11 conf_change: the configuration change does not parse", false},
		{"does not parse, version 2", 11, nil, bytes(2, "\xff"), "10 11 conf_change: the configuration change does not parse", false},
		{"not committed", 10, nil, bytes(1, "\xff"), "10 11 conf_change: ", true},
		{"leaves no joint configuration", 11, nil, bytes(2, ""), "10 11 conf_change: entry 11, a configuration change, does not replay", false},
		{"behind a snapshot", 61, snapshotAt(50, 1), bytes(2, ""), "10 61 conf_change: ", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := nativelogDir(t, nativelog.Meta{Term: 1, Commit: test.commit, Snapshot: test.snapshot}, 11, func(i int) nativelog.Entry {
				if i == 10 {
					return test.entry
				}
				return ten(i)
			})
			report := run(t, open(t, dir, ""))
			got := short(report.Problems)
			if !strings.Contains(got, test.want) || (got == "") != (test.want == "") || report.Starts != test.starts {
				t.Errorf("got %s, starts: %t; want %s; %s", got, report.Starts, test.want, report.Verdict)
			}
		})
	}
}

// TestConfChangesBehindAHole: behind entries that are missing it is not known who is in
// the group, and a change that cannot be applied there is not said to be wrong.
func TestConfChangesBehindAHole(t *testing.T) {
	dir := nativelogDir(t, nativelog.Meta{Term: 1, Commit: 12}, 12, func(i int) nativelog.Entry {
		if i == 11 {
			return nativelog.Entry{Type: 2} // leaves a joint configuration
		}
		return changeEntry(t, fmt.Sprintf("v%d", i+1))
	})
	logFile(t, dir).Set(10, fixture.Offset, 0)
	if got := short(run(t, open(t, dir, "")).Problems); !strings.Contains(got, "10 11 offset") || strings.Contains(got, "conf_change") {
		t.Error(got)
	}
}

// TestSnapshots: one that names no voters, contradicts itself, or holds what is not its
// application's.
func TestSnapshots(t *testing.T) {
	odd := snapshotAt(5, 1)
	odd.Metadata.ConfState.LearnersNext = []uint64{7}
	for want, snapshot := range map[string]*raftpb.Snapshot{
		"": snapshotAt(5, 1),
		"wal.meta -1 5 snapshot: the snapshot at 5 has no voters: nobody can be elected": snapshotAt(5),
		"wal.meta -1 5 snapshot: the conf state of the snapshot at 5 contradicts itself": odd,
	} {
		dir := nativelogDir(t, nativelog.Meta{Term: 1, Commit: 6, Snapshot: snapshot}, 3, func(int) nativelog.Entry { return nativelog.Entry{} })
		if got := short(run(t, open(t, dir, "")).Problems); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestSnapshotData: those of an Alpha parse as its snapshot.
func TestSnapshotData(t *testing.T) {
	dir := nativelogDir(t, nativelog.Meta{Term: 1, Commit: 30, GroupID: 1, Snapshot: snapshotAt(5, 1)}, 30, func(int) nativelog.Entry {
		return nativelog.Entry{Data: append(make([]byte, 8), 0x42, 2, 0x10, 1)} // a delta
	})
	want := "wal.meta -1 5 snapshot: the data of the snapshot at 5 are none of Dgraph's, as those of the entries are"
	if got := short(run(t, open(t, dir, "")).Problems); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestChecksums: a flipped bit is found in each entry that has a checksum, small, large
// and too large to be parsed, with and without a key.
func TestChecksums(t *testing.T) {
	sizes := []int{1, 100, 300_000, 17 << 20}
	for _, key := range [][]byte{nil, []byte("0123456789abcdef")} {
		dir := filepath.Join(t.TempDir(), "w")
		s, err := storage.Open(dir, storage.Options{Create: true, Checksums: true, Sync: storage.SyncManual, Key: key, Logger: slog.New(slog.DiscardHandler)})
		fixture.Must(t, err)
		term, commit := uint64(1), uint64(len(sizes))
		var entries []*raftpb.Entry
		for i, size := range sizes {
			index := uint64(i + 1)
			entries = append(entries, &raftpb.Entry{Term: &term, Index: &index, Data: make([]byte, size)})
		}
		fixture.Must(t, s.Save(&raftpb.HardState{Term: &term, Commit: &commit}, entries, nil))
		fixture.Must(t, s.Close())
		sound := func(when string) *check.Report {
			log := openKey(t, dir, key)
			report := run(t, log)
			if when != "" && !report.Sound {
				t.Errorf("%s: %s", when, short(report.Problems))
			}
			return report
		}
		sound("as it was written")
		f := logFile(t, dir)
		for i, size := range sizes {
			at := int64(f.Get(i, fixture.Offset)) + 4 + int64(size) - 1
			old := f.Read(at, 1)
			f.Write(at, []byte{old[0] ^ 1})
			want := fmt.Sprintf("00001.wal %d %d checksum: its bytes do not give the checksum in its slot", i, i+1)
			if got := short(sound("").Problems); got != want {
				t.Errorf("entry %d: got %q, want %q", i+1, got, want)
			}
			f.Write(at, old)
		}
		sound("mended")
	}
}

// TestNotes: what is no damage is apart, and the directory is sound with it.
func TestNotes(t *testing.T) {
	dir := fixture.Dir(t, "alpha")
	fixture.WriteFile(t, filepath.Join(dir, "7.wal"), nil)
	fixture.Must(t, os.Mkdir(filepath.Join(dir, "backup"), 0o700))
	report := run(t, open(t, dir, "alpha"))
	if got := short(report.Notes); got != "7.wal -1 0 ignored: is no part of the log\nbackup -1 0 ignored: is no part of the log" || !report.Sound || len(report.Problems) > 0 {
		t.Errorf("%s; %s", got, short(report.Problems))
	}
	report = run(t, open(t, fixture.Dir(t, "sealed128"), "")) // without the key
	if len(report.Notes) != 1 || !report.KeyMissing() || !report.Sound || report.Checked != "slots" || report.Unread != 650 {
		t.Errorf("%+v", report)
	}
}

// TestErasedKey: log files that have lost their key id are damage, with the key too.
func TestErasedKey(t *testing.T) {
	dir := fixture.Dir(t, "sealed128")
	logFile(t, dir).Write(1<<20-16, make([]byte, 16))
	report := run(t, open(t, dir, "sealed128"))
	if report.Sound || report.Problems[0].Kind != walcore.KindKeyErased || report.Unread != 650 || !strings.HasPrefix(report.Verdict, "damaged: a node starts, and goes on with other") {
		t.Errorf("%+v", report)
	}
}
