package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/walfs/walfs/cmd/walfs/terminal"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/memlog"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
)

// dumped is a line of dump --format json.
type dumped struct {
	Index  uint64 `json:"index"`
	Term   uint64 `json:"term"`
	Type   string `json:"type"`
	Size   int64  `json:"size"`
	File   string `json:"file"`
	Slot   int    `json:"slot"`
	Offset int64  `json:"offset"`
	Data   []byte `json:"data"`
}

// dumpEach runs dump --format json and calls fn with each line. It gives what stderr says:
// nothing, unless nothing is printed.
func dumpEach(t *testing.T, fn func(dumped), args ...string) (note string) {
	t.Helper()
	printed := false
	cmd := command(t, t.Context(), append([]string{"dump", "--format", "json"}, args...)...)
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReaderSize(out, 1<<20)
	for {
		line, err := in.ReadBytes('\n')
		if err == io.EOF && len(line) == 0 {
			break
		}
		if err != nil {
			t.Fatalf("%v: %.100q", err, line)
		}
		d := json.NewDecoder(bytes.NewReader(line))
		d.DisallowUnknownFields()
		var e dumped
		if err := d.Decode(&e); err != nil {
			t.Fatalf("%v: %.200s", err, line)
		}
		fn(e)
		printed = true
	}
	if err := cmd.Wait(); err != nil || printed && errs.Len() > 0 {
		t.Fatalf("%v\n%s", err, errs.String())
	}
	return errs.String()
}

var typeNumbers = map[string]int32{"EntryNormal": 0, "EntryConfChange": 1, "EntryConfChangeV2": 2}

// TestDumpAgreesWithTheManifest: for every fixture, each entry, and the place
// that its line names holds its bytes. The longest is left to TestAgreement and to the reader's own test.
func TestDumpAgreesWithTheManifest(t *testing.T) {
	for _, name := range fixture.All() {
		if name == "alpha-killed" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := fixture.Dir(t, name)
			want := fixture.ReadManifest(t, name).Entries
			files := map[string]*os.File{}
			i := 0
			dumpEach(t, func(e dumped) {
				if i == len(want) {
					t.Fatalf("entry %d is more than the manifest has", e.Index)
				}
				w := want[i]
				i++
				sum := sha256.Sum256(e.Data)
				got := fixture.Entry{Term: e.Term, Index: e.Index, Type: typeNumbers[e.Type], Size: e.Size, SHA256: hex.EncodeToString(sum[:])}
				if got != w || int64(len(e.Data)) != e.Size {
					t.Fatalf("got %+v, want %+v", got, w)
				}
				f := files[e.File]
				if f == nil {
					var err error
					if f, err = os.Open(filepath.Join(dir, e.File)); err != nil {
						t.Fatal(err)
					}
					t.Cleanup(func() { f.Close() })
					files[e.File] = f
				}
				checkPlace(t, f, e, fixture.Key(name) != nil)
			}, "--key-file", keyFile(t, name), dir)
			if i != len(want) {
				t.Errorf("%d entries, want %d", i, len(want))
			}
		})
	}
}

// checkPlace wants the entry in its slot, and its bytes at its offset.
func checkPlace(t *testing.T, f *os.File, e dumped, encrypted bool) {
	t.Helper()
	var slot [32]byte
	if _, err := f.ReadAt(slot[:], int64(e.Slot)*32); err != nil {
		t.Fatal(err)
	}
	want := be(e.Term, e.Index, uint64(e.Offset))
	if !bytes.Equal(slot[:24], want) {
		t.Fatalf("entry %d: slot %d of %s is %x, want %x", e.Index, e.Slot, e.File, slot[:24], want)
	}
	stored := make([]byte, 4+e.Size)
	if _, err := f.ReadAt(stored, e.Offset); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(stored[:4], be(uint64(e.Size))[4:]) || !encrypted && !bytes.Equal(stored[4:], e.Data) {
		t.Fatalf("entry %d is not at offset %d of %s", e.Index, e.Offset, e.File)
	}
}

func be(numbers ...uint64) (b []byte) {
	for _, n := range numbers {
		for shift := 56; shift >= 0; shift -= 8 {
			b = append(b, byte(n>>shift))
		}
	}
	return b
}

// TestDumpDecoded: the decoded part of a line is decoded/N.json, that is what
// Dgraph's own types say.
func TestDumpDecoded(t *testing.T) {
	for _, name := range fixture.WithDecoded() {
		want := fixture.ReadDecoded(t, name).Entries
		got := lines(ok(t, "dump", "--format", "json", "--decode", fixture.Dir(t, name)))
		if len(got) != len(want) {
			t.Fatalf("%s: %d lines, want %d", name, len(got), len(want))
		}
		for i, line := range got {
			v := fixture.ParseJSON(t, []byte(line))
			if !reflect.DeepEqual(v["decoded"], any(want[i])) {
				t.Fatalf("%s: %s\nwant %v", name, line, want[i])
			}
			for _, both := range []string{"index", "term", "type", "size"} {
				if v[both] != want[i][both] {
					t.Fatalf("%s: %s is %v, want %v: %s", name, both, v[both], want[i][both], line)
				}
			}
		}
	}
}

// TestDumpRaw: the payloads, one right after the other.
func TestDumpRaw(t *testing.T) {
	dir := fixture.Dir(t, "zero")
	var want bytes.Buffer
	dumpEach(t, func(e dumped) { want.Write(e.Data) }, dir)
	if got := ok(t, "dump", "--format", "raw", dir); got != want.String() || want.Len() == 0 {
		t.Errorf("%d bytes, want %d", len(got), want.Len())
	}
	one := ok(t, "cat", dir, "entries/42")
	if got := ok(t, "dump", "--format", "raw", "--from", "42", "--to", "42", dir); got != one {
		t.Errorf("entry 42 is %x, want %x", got, one)
	}
}

// tableHead is how many lines of the table come before the first entry.
const tableHead = 2

// TestDumpTable: where the node is, a column each, and what an entry says.
func TestDumpTable(t *testing.T) {
	got := lines(ok(t, "dump", "--to", "17", fixture.Dir(t, "alpha")))
	for i, want := range map[int]string{
		0: "checkpoint 975; snapshot none; hard state term 2, vote 1, commit 975",
		1: "     INDEX   TERM TYPE               SIZE  WHAT",
		2: "         1      1 conf_change           6  add node 1",
		3: "         2      2 normal                0  no data",
		18: "        17      2 normal              163  schema 0-name STRING INDEX(term,exact), 0-age INT INDEX(int), " +
			"0-bio STRING, 0-friend [UID] REVERSE, 0-born DATETIME; types 0-Person(0-name, 0-age, 0-bio, 0-friend, 0-born); key 380356406345743",
		19: "",
	} {
		if got[i] != want {
			t.Errorf("line %d is\n%q, want\n%q", i, got[i], want)
		}
	}
}

// TestDumpShortened: where a line leaves out a part of a list, the end says what has all.
func TestDumpShortened(t *testing.T) {
	const note = "\nlines show 10 of a list: walfs dump --format json --decode has all\n"
	for txns, want := range map[int]bool{10: false, 11: true} {
		data := proposed(t, "Proposal", 1, "delta {"+strings.Repeat(" txns { start_ts: 1 commit_ts: 2 }", txns)+" }")
		var out bytes.Buffer
		buffered := bufio.NewWriter(&out)
		log := memlog.Sample("w")
		tab := newTable(buffered, terminal.To(&out, false), log.Meta(), payload.NewDgraph(payload.Alpha, payload.Options{}))
		fixture.Must(t, tab.print(&walcore.Entry{Index: 1, Size: int64(len(data))}, data))
		fixture.Must(t, tab.end(log))
		fixture.Must(t, buffered.Flush())
		if got := strings.Contains(out.String(), note); got != want {
			t.Errorf("%d transactions: %s", txns, &out)
		}
	}
}

func TestDumpUsage(t *testing.T) {
	fixture.NotForRace(t)
	dir := fixture.Dir(t, "zero")
	for _, test := range []struct {
		message string
		args    []string
	}{
		{"want table, json or raw", []string{"--format", "xml", dir}},
		{"--decode goes with --format json", []string{"--decode", dir}},
		{"--decode goes with --format json", []string{"--format", "raw", "--decode", dir}},
		{"--type x: want normal", []string{"--type", "x", dir}},
		{"--limit takes a number", []string{"--limit", "-1", dir}},
		{"--from lies above --to", []string{"--from", "2", "--to", "1", dir}},
		{"--grep (: missing closing ): (; the syntax is that of RE2", []string{"--grep", "(", dir}},
		{"--proto and --message go together", []string{"--proto", "x.proto", dir}},
		{"--proto and --message go together", []string{"--message", "T", dir}},
		{"exclude one another", []string{"--proto", "x.proto", "--message", "T", "--decoder", "cat", dir}},
		{"--skip takes a number", []string{"--skip", "8", dir}},
		{"--skip takes a number", []string{"--proto", "x.proto", "--message", "T", "--skip", "-1", dir}},
		{"--decoder-timeout takes a time", []string{"--decoder", "cat", "--decoder-timeout", "0s", dir}},
		{"--from x: want a number from 0 up", []string{"--from", "x", dir}},
		{"DIR is missing: walfs dump DIR", nil},
		{"is one argument too many: walfs dump DIR", []string{dir, dir}},
		{"unknown flag", []string{"--no-such-flag", dir}},
		// Usage is looked at first.
		{"want table, json or raw", []string{"--format", "xml", "/no/such/dir"}},
		{"--type x: want normal", []string{"--type", "x", "/no/such/dir"}},
	} {
		if r := fails(t, 2, test.message, append([]string{"dump"}, test.args...)...); r.stdout != "" {
			t.Errorf("%v: on stdout: %s", test.args, r.stdout)
		}
	}
	fails(t, 1, "no such file or directory", "dump", "/no/such/dir")
}

// TestDumpOfDamage: what is damaged is said on stderr, if it lies in what was
// asked for, and the rest is printed.
func TestDumpOfDamage(t *testing.T) {
	dir := fixture.Dir(t, "alpha") // 1 to 975
	file := fixture.Edit(t, filepath.Join(dir, "00001.wal"))
	for _, index := range []int{1, 100, 101, 975} {
		file.Set(index-1, fixture.Offset, 4)
	}
	for _, format := range []string{"table", "json", "raw"} {
		r := fails(t, 3, "index 100: damaged", "dump", "--format", format, dir)
		if n := strings.Count(r.stderr, "damaged; walfs stat DIR says what is wrong\n"); n != 3 {
			t.Errorf("%d messages, want 3: one before, between and behind\n%s", n, r.stderr)
		}
		if format == "json" {
			if n := len(lines(r.stdout)); n != 971 {
				t.Errorf("%d lines, want 971", n)
			}
		}
	}
	for _, test := range []struct {
		code int
		args []string
	}{
		{3, []string{"--from", "101"}},
		{3, []string{"--from", "50", "--to", "100"}},
		{3, []string{"--from", "975", "--to", "975"}},
		{0, []string{"--from", "2", "--to", "99"}},
		{0, []string{"--from", "102", "--to", "974"}},
		{0, []string{"--from", "102", "--limit", "5"}},
		{3, []string{"--from", "98", "--limit", "5"}},
		{0, []string{"--from", "976"}},
	} {
		if r := walfs(t, append([]string{"dump", "--format", "json", dir}, test.args...)...); r.code != test.code {
			t.Errorf("%v: exit code %d, want %d\n%s", test.args, r.code, test.code, r.stderr)
		}
	}
}

func TestDumpWithoutAKey(t *testing.T) {
	dir := fixture.Dir(t, "sealed128") // two of its entries hold nothing
	r := fails(t, 4, "give the node's key with --key-file", "dump", "--format", "json", dir)
	empty := 0
	for _, e := range fixture.ReadManifest(t, "sealed128").Entries {
		if e.Size == 0 {
			empty++
		}
	}
	if n := strings.Count(r.stdout, "\n"); n != empty {
		t.Errorf("%d lines, want those of the %d entries without a payload", n, empty)
	}
	if want := "walfs: 650 entries, 1 to 650: encrypted, and no key was given; give the node's key with --key-file\n"; r.stderr != want {
		t.Errorf("%q, want it said once: %q", r.stderr, want)
	}
	fails(t, 4, "wrong key", "dump", "--key-file", keyFile(t, "sealed256"), dir)
	fails(t, 4, "want 16, 24 or 32", "dump", "--key-file", tempFile(t, "key", []byte("short")), dir)
}

// TestDumpOfUnknownTypes: an entry of a type that Raft lacks is printed with it.
func TestDumpOfUnknownTypes(t *testing.T) {
	dir := fixture.Dir(t, "alpha")
	fixture.Edit(t, filepath.Join(dir, "00001.wal")).Set(41, fixture.Type, 7)
	line := fixture.ParseJSON(t, []byte(ok(t, "dump", "--format", "json", "--from", "42", "--to", "42", dir)))
	if got := line["type"]; got != json.Number("7") {
		t.Errorf("type %v, want 7", got)
	}
	if got := lines(ok(t, "dump", "--from", "42", "--to", "42", dir))[tableHead]; !strings.HasPrefix(got, "        42      2 7    ") {
		t.Errorf("table %q", got)
	}
}

// TestDumpJSONIsBase64: data is standard base64, with padding.
func TestDumpJSONIsBase64(t *testing.T) {
	dir := fixture.Dir(t, "zero")
	line := fixture.ParseJSON(t, []byte(ok(t, "dump", "--format", "json", "--from", "1", "--to", "1", dir)))
	if got, want := line["data"], base64.StdEncoding.EncodeToString([]byte(ok(t, "cat", dir, "entries/1"))); got != want {
		t.Errorf("data %v, want %v", got, want)
	}
}
