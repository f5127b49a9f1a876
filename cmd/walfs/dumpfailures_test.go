package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
)

// TestDumpSaysManyFailuresOnce: a log with a failure for each entry has some lines, not
// thousands, that say how many there are and what to do.
func TestDumpSaysManyFailuresOnce(t *testing.T) {
	fixture.NotForRace(t)
	damaged := fixture.Dir(t, "alpha")
	file := fixture.Edit(t, filepath.Join(damaged, "00001.wal"))
	for index := 100; index < 300; index += 2 {
		file.Set(index-1, fixture.Offset, 4)
	}
	lost := fixture.Dir(t, "sealed128") // a file that has lost its key id
	fixture.Edit(t, filepath.Join(lost, "00001.wal")).Write(1<<20-16, make([]byte, 16))
	key := keyFile(t, "sealed128")

	tests := []struct {
		name  string
		args  []string
		code  int
		lines int
		last  string
	}{
		{"no key", []string{fixture.Dir(t, "sealed128"), "--from", "3"}, 4, 1,
			"walfs: 648 entries, 3 to 650: encrypted, and no key was given; give the node's key with --key-file"},
		{"key id erased", []string{lost, "--key-file", key}, 4, 1, "walfs: 00001.wal: 650 entries, 1 to 650: key id 0 in a directory with a KEYREGISTRY, " +
			"the file is plain or a rewrite has erased its key id: data key missing; --plain shows its payloads as they are; walfs stat DIR says what is wrong"},
		{"key id erased, plain", []string{lost, "--key-file", key, "--plain"}, 0, 0, ""},
		{"one of them", []string{lost, "--key-file", key, "--to", "1"}, 4, 1, "walfs: 00001.wal slot 0 offset 1048576 index 1: key id 0 in a directory " +
			"with a KEYREGISTRY, the file is plain or a rewrite has erased its key id: data key missing; --plain shows its payloads as they are; walfs stat DIR says what is wrong"},
		{"damage", []string{damaged}, 3, 6, "walfs: 00001.wal: 95 more of the entries 110 to 298: damaged; walfs stat DIR says what is wrong"},
		{"decoder", []string{fixture.Dir(t, "alpha"), "--decoder", "read -r line; exit 3", "--to", "20"}, 1, 6,
			"walfs: 15 more entries, 6 to 20: it ended without an answer"},
	}
	if name := "sealed-rekeyed"; slices.Contains(fixture.All(), name) {
		tests = append(tests, tests[0])
		three := &tests[len(tests)-1]
		three.name, three.args = "no key, three files", []string{fixture.Dir(t, name)}
		three.last = "walfs: 84843 of the entries 1 to 90000: encrypted, and no key was given; give the node's key with --key-file"
	}
	for _, test := range tests {
		for _, format := range [][]string{{"--format", "table"}, {"--format", "json", "--decode"}} {
			r := walfs(t, append(append([]string{"dump"}, format...), test.args...)...)
			said := strings.Split(r.stderr, "\n")
			if r.code != test.code || len(said) != test.lines+1 || test.lines > 0 && said[test.lines-1] != test.last {
				t.Errorf("%s: exit code %d, want %d with %d lines, the last %q\n%s", test.name, r.code, test.code, test.lines, test.last, r.stderr)
			}
		}
	}
}

// TestFailuresOfAFollowedLog: who follows is told of a cause once, and at the end how many
// more there were.
func TestFailuresOfAFollowedLog(t *testing.T) {
	f := &failures{}
	about := func(index uint64) error {
		return walcore.SlotError("00001.wal", int(index), walcore.ErrNoKey).OfEntry(index)
	}
	said := stderrOf(t, func() {
		for index := range uint64(30) {
			f.add(about(index + 1))
			f.count(false)
		}
		f.count(true)
	})
	const want = "walfs: 00001.wal slot 1 index 1: encrypted, and no key was given; give the node's key with --key-file\n" +
		"walfs: 29 more entries, 2 to 30: encrypted, and no key was given; give the node's key with --key-file\n"
	if said != want || f.code != exitKey {
		t.Errorf("exit code %d, %q, want %q", f.code, said, want)
	}
}

// stderrOf is what do prints there.
func stderrOf(t *testing.T, do func()) string {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	fixture.Must(t, err)
	defer file.Close()
	before := os.Stderr
	os.Stderr = file
	defer func() { os.Stderr = before }()
	do()
	return string(fixture.ReadFile(t, file.Name()))
}
