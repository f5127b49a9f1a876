//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/memlog"
	"github.com/walfs/walfs/test/nativelog"
	"github.com/walfs/walfs/test/raftdir"
	"github.com/walfs/walfs/walcore/payload"
)

// rewritten is a directory of Dgraph's in which a new leader has put two entries in the
// place of six. A power loss has kept the slots from the second sector on, if so wanted.
func rewritten(t *testing.T, slotsLeft bool) (dir string, old map[uint64]string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "w")
	w := raftdir.Create(dir, raftdir.Options{Data: nativelog.Mutation})
	w.Append(20)
	old = map[uint64]string{}
	for index := uint64(15); index <= 20; index++ {
		old[index] = string(nativelog.Mutation(index, 1))
	}
	file := fixture.Edit(t, filepath.Join(dir, "00001.wal"))
	table := file.Read(0, 20*32)
	w.Rewind(14)
	w.Append(2)
	w.CommitTo(16)
	w.Close()
	if slotsLeft {
		file.Write(16*32, table[16*32:])
	}
	return dir, old
}

// TestDumpReplaced: payloads whose slots are gone, in each format.
func TestDumpReplaced(t *testing.T) {
	fixture.NotForRace(t)
	dir, old := rewritten(t, false)
	table := walfs(t, "dump", "--replaced", dir)
	lines := strings.Split(strings.TrimSuffix(table.stdout, "\n"), "\n")
	if table.code != 0 || len(lines) < 3 || !strings.Contains(lines[0], "FILE          OFFSET  WHAT") ||
		!strings.HasPrefix(lines[1], "         ?      ? normal  ") || !strings.Contains(lines[1], "00001.wal") || !strings.Contains(lines[1], "txn ") {
		t.Errorf("exit code %d\n%s", table.code, table.stdout)
	}
	n := len(lines) - 1
	if want := fmt.Sprintf("walfs: %d without a slot: it is certain that the payload was written here", n); !strings.HasPrefix(table.stderr, want) ||
		strings.Count(table.stderr, "\n") != 1 {
		t.Errorf("stderr %q, want %q and one line", table.stderr, want)
	}
	raw := walfs(t, "dump", "--replaced", "--format", "raw", dir).stdout
	all := ""
	for index := uint64(20 - n + 1); index <= 20; index++ {
		all += old[index]
	}
	if raw != all {
		t.Errorf("raw: %x\nwant %x", raw, all)
	}
	out := walfs(t, "dump", "--replaced", "--format", "json", "--decode", dir).stdout
	for line := range strings.Lines(out) {
		var e struct {
			Index, Term, Slot *uint64
			Offset            uint64
			Type, File        string
			Replaced          bool
			KnownBy           string `json:"known_by"`
			Data              []byte
			Decoded           struct {
				Index, Term *uint64
				Proposal    struct {
					Mutations struct{ Edges []struct{ Attr string } }
				}
			}
		}
		d := json.NewDecoder(strings.NewReader(line))
		if err := d.Decode(&e); err != nil {
			t.Fatal(err)
		}
		if e.Index != nil || e.Term != nil || e.Slot != nil || e.Decoded.Index != nil || e.Decoded.Term != nil || !e.Replaced ||
			e.KnownBy != "payload" || e.Type != "EntryNormal" || e.File != "00001.wal" || e.Offset == 0 ||
			string(e.Data) != old[uint64(20-n+1)] || e.Decoded.Proposal.Mutations.Edges[0].Attr != "0-name" {
			t.Errorf("%s", line)
		}
		n--
	}
	if n != 0 {
		t.Errorf("%d lines are missing", n)
	}
}

// TestDumpReplacedSlots: entries whose slots are left.
func TestDumpReplacedSlots(t *testing.T) {
	fixture.NotForRace(t)
	dir, _ := rewritten(t, true)
	r := walfs(t, "dump", "--replaced", "--format", "json", dir)
	if n := strings.Count(r.stdout, `"known_by":"slot"`); r.code != 0 || n == 0 || !strings.Contains(r.stdout, `{"index":20,"term":1,`) ||
		!strings.HasPrefix(r.stderr, fmt.Sprintf("walfs: %d with a slot: index and term are certain", n)) {
		t.Errorf("exit code %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	one := walfs(t, "dump", "--replaced", "--from", "20", "--term", "1", "--format", "raw", dir)
	if one.stdout != string(nativelog.Mutation(20, 1)) {
		t.Errorf("%x\n%s", one.stdout, one.stderr)
	}
	none := walfs(t, "dump", "--replaced", "--from", "21", dir)
	if none.stdout != "" || none.code != 0 || !strings.Contains(none.stderr, "that are found none matches") {
		t.Errorf("exit code %d\n%s%s", none.code, none.stdout, none.stderr)
	}
}

// TestDumpNothingReplaced says so, and where was looked.
func TestDumpNothingReplaced(t *testing.T) {
	fixture.NotForRace(t)
	r := walfs(t, "dump", "--replaced", fixture.Dir(t, "alpha"))
	if r.code != 0 || r.stdout != "" || r.stderr != "walfs: no replaced entry is found; searched: 00001.wal from 1229156 to 1232896\n" {
		t.Errorf("exit code %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	fails(t, exitKey, "give the node's key with --key-file", "dump", "--replaced", fixture.Dir(t, "sealed128"))
	fails(t, exitKey, "whether there are replaced entries is not known: not all could be searched", "dump", "--replaced", fixture.Dir(t, "sealed128"))
	fails(t, exitUsage, "--replaced and --follow exclude one another", "dump", "--replaced", "--follow", "w")
	dir := fixture.Dir(t, "zero")
	fixture.Edit(t, filepath.Join(dir, "00001.wal")).Set(418, fixture.Index, 3)
	fails(t, exitDamage, "payloads behind the last entry's may be theirs: damaged", "dump", "--replaced", dir)
}

// TestDumpReplacedAnyLog: of another system.
func TestDumpReplacedAnyLog(t *testing.T) {
	log := memlog.Sample("w")
	var out bytes.Buffer
	o := dumpOptions{format: "table", replaced: true}
	err := runDumpReplaced(t.Context(), &o, log, payload.NewDgraph(payload.Alpha, payload.Options{}), &out)
	const want = `     INDEX   TERM TYPE               SIZE FILE                                          OFFSET  WHAT
         9      1 normal               14 00000000000000000001-0000000000000abd.seg          9  "lost to term 2"
`
	if err != nil || out.String() != want {
		t.Errorf("%v\n%s", err, &out)
	}
}
