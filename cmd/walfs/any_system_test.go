package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/walfs/walfs/cmd/walfs/terminal"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/memlog"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/diff"
	"github.com/walfs/walfs/walcore/payload"
	"github.com/walfs/walfs/walcore/status"
)

// dumpOf is what dump prints of a log, and its exit code.
func dumpOf(t *testing.T, l walcore.Log, args ...string) (string, int) {
	t.Helper()
	var o dumpOptions
	var out bytes.Buffer
	o.format = "table"
	for _, a := range args {
		switch name, value, _ := strings.Cut(a, "="); name {
		case "format":
			o.format = value
		case "type":
			fixture.Must(t, o.filter.Set("type", value))
		}
	}
	if err := o.filter.resolve(l); err != nil {
		t.Fatal(err)
	}
	err := newDumper(&o, l, payload.NewDgraph(payload.AppOf(l), payload.Options{}), &out).run(t.Context())
	return out.String(), exitCode(err, true)
}

// TestDumpAnyLog prints a log that is not Dgraph's.
func TestDumpAnyLog(t *testing.T) {
	text, code := dumpOf(t, memlog.Sample("w"))
	const want = `checkpoint unknown; snapshot none; hard state unknown
     INDEX   TERM TYPE               SIZE  WHAT
         7      1 normal                9  "the first"
         8      1 log_barrier           0  no data
         9      2 normal                8  "term 2's"
        11      2 conf_change           2  add node 2
        12      5 normal                7  "no time"

KIND         ENTRIES  BYTES
text         3        24
conf_change  1        2
empty        1        0

members unknown: the log does not tell its commit index
`
	if text != want || code != exitDamage {
		t.Errorf("exit code %d:\n%s", code, text)
	}
	text, _ = dumpOf(t, memlog.Sample("w"), "format=json", "type=log_barrier")
	if want := `{"index":8,"term":1,"type":"LogBarrier","size":0,"file":"00000000000000000001-0000000000000abd.seg","slot":1,"offset":9,"data":""}` + "\n"; text != want {
		t.Errorf("%s", text)
	}
}

// TestStatAnyLog says of it what it tells, and that the rest is not known.
func TestStatAnyLog(t *testing.T) {
	log := memlog.Sample("w")
	s := status.New(log)
	var out bytes.Buffer
	if err := printStatus(terminal.To(&out, false), s, log); err != nil {
		t.Fatal(err)
	}
	const want = `raft id                                    unknown
group id                                   unknown
checkpoint                                 unknown
hard state                                 unknown
snapshot                                   none
raft log                                   7 to 12
entries                                    5, 26 bytes: 3 normal, 1 conf change, 0 conf change v2, 1 log barrier
term 1                                     7 to 8, 2 entries
term 2                                     9 to 11, 2 entries
term 5                                     12 to 12, 1 entry
on disk                                    1024 bytes, 2 files
00000000000000000001-0000000000000abd.seg  41 bytes, 512 bytes on disk, 7 to 9, 3 entries
00000000000000000002-0000000000000abe.seg  9 bytes, 512 bytes on disk, 11 to 12, 2 entries
problem                                    00000000000000000001-0000000000000abd.seg index 10: length: is damaged
checked                                    slots, lengths and metadata; walfs check DIR reads payloads, too, and says what problems mean
`
	if out.String() != want {
		t.Errorf("%s", out.String())
	}
	b, err := json.Marshal(s)
	if err != nil || !strings.Contains(string(b), `"raft_id":null,"group_id":null,"checkpoint_index":null,"hard_state":null`) ||
		!strings.Contains(string(b), `"types":{"normal":3,"conf_change":1,"conf_change_v2":0,"log_barrier":1}`) {
		t.Errorf("%s, %v", b, err)
	}
}

// TestDiffAnyLog compares two of them: without commit indexes no promise of
// Raft's can be broken but that of one entry a term.
func TestDiffAnyLog(t *testing.T) {
	other := memlog.New("x", []memlog.Entry{
		{Term: 1, Index: 8, Type: memlog.Barrier, File: "1.seg"},
		{Term: 3, Index: 9, Data: "term 3's", File: "1.seg"},
	})
	rep, err := diff.Compare(t.Context(), []walcore.Log{memlog.Sample("w"), other}, nil)
	fixture.Must(t, err)
	var out bytes.Buffer
	if err := printReport(terminal.To(&out, false), rep, &payload.Reporting{Decoder: payload.NewDgraph(payload.Alpha, payload.Options{}), Failed: printError}); err != nil {
		t.Fatal(err)
	}
	const want = `DIR  RAFT ID  GROUP    LOG      TERM     VOTE     COMMIT   SNAPSHOT  PROBLEMS
w    unknown  unknown  7 to 12  unknown  unknown  unknown  none      1
x    unknown  unknown  8 to 9   unknown  unknown  unknown  none      0

common range: 8 to 9
ahead: w has 10 to 12 (3 entries) that x lacks
parted at index 9, by term:
  w: term 2, normal, 8 bytes, not known to be committed: "term 2's"
  x: term 3, normal, 8 bytes, not known to be committed: "term 3's"
1 index differs
`
	if out.String() != want {
		t.Errorf("%s", out.String())
	}
}
