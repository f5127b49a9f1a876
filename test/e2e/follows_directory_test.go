//go:build linux

package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/walfs/walfs/test/child"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/raftdir"
)

// These tests change a directory in ways in which a node does not, under a mount that
// follows it. All of the mount was read before, so that the kernel has cached it: the
// mount must make the kernel forget what has changed.

// shown are the folders that show the same for the same directory, on every mount.
var shown = []string{"entries", "terms", "types", "files", "decoded", "meta", "snapshots", "native"}

// contents reads a mount: sizes and checksums, which are the same on every mount of the
// same log, and neither times nor inodes.
func contents(t *testing.T, at string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for path, g := range walk(t, at, shown...) {
		all[path] = fmt.Sprintf("%d bytes, %s", g.size, g.sum)
	}
	return all
}

// single reads some files by their names. It lists no folder, which would make the
// kernel notice what has changed.
const single = "cat entries/00000000000000000042 terms/00000000000000000002/00000000000000000017; " +
	"seq -f decoded/%020g.json 3 16 | xargs cat; " +
	"stat -c %s decoded/00000000000000000042.json files/00001.wal/00000000000000000042"

// awaitContents waits until a mount shows the same as a new mount of dir.
func awaitContents(t *testing.T, m *mounted, dir string) {
	t.Helper()
	read := func(at string) string { return sh(t, `cd "$1"; (`+single+`) 2>&1; true`, at) }
	fresh := mount(t, dir, t.TempDir()) // frozen, native/ would be another one
	one, want := read(fresh.at), contents(t, fresh.at)
	fresh.stop()
	child.Await(t, "the new files, without a list", func() bool { return read(m.at) == one })
	var got map[string]string
	child.Await(t, "the new contents", func() bool {
		got = contents(t, m.at)
		return maps.Equal(got, want)
	})
}

// altered unpacks a fixture and changes a byte of every payload. Index, term and offset
// of all entries stay the same.
func altered(t *testing.T, name string) string {
	t.Helper()
	dir := fixture.ShortDir(t, name)
	file := filepath.Join(dir, "00001.wal")
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for slot, e := range fixture.ReadManifest(t, name).Entries {
		if e.Size > 0 {
			write(t, f, offset(t, f, int64(slot))+4+e.Size-1, []byte{byte(slot)})
		}
	}
	return dir
}

// TestRestored puts another log in the directory's place: the whole folder, so that for
// a moment there is none, or file by file.
func TestRestored(t *testing.T) {
	fixture.OneSize(t)
	folder := func(dir, other string) error {
		if err := os.Rename(dir, dir+".old"); err != nil {
			return err
		}
		return os.Rename(other, dir)
	}
	files := func(dir, other string) error { // as rsync does
		list, err := os.ReadDir(other)
		for _, e := range list {
			if err == nil {
				err = os.Rename(filepath.Join(other, e.Name()), filepath.Join(dir, e.Name()))
			}
		}
		return err
	}
	tests := []struct {
		name  string
		other func(t *testing.T) string
		put   func(dir, other string) error
	}{
		{"folder, same entries otherwise", func(t *testing.T) string { return altered(t, "alpha") }, folder},
		{"files, same entries otherwise", func(t *testing.T) string { return altered(t, "alpha") }, files},
		{"folder, a Zero's log", func(t *testing.T) string { return fixture.ShortDir(t, "zero") }, folder},
		{"files, a Zero's log", func(t *testing.T) string { return fixture.ShortDir(t, "zero") }, files},
		{"folder, with a snapshot", func(t *testing.T) string { return fixture.ShortDir(t, "bigsnap") }, folder},
	}
	if child.Race {
		tests = tests[:2]
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir, other := fixture.ShortDir(t, "alpha"), test.other(t)
			m := mount(t, dir, t.TempDir())
			before := contents(t, m.at)
			if err := test.put(dir, other); err != nil {
				t.Fatal(err)
			}
			awaitContents(t, m, dir)
			if maps.Equal(contents(t, m.at), before) {
				t.Error("nothing has changed")
			}
			m.stop()
		})
	}
}

// TestFirstEntries mounts a log that has no entries yet, so that it cannot be known
// whether an Alpha or a Zero writes it.
func TestFirstEntries(t *testing.T) {
	fixture.OneSize(t)
	dir, full := fixture.ShortDir(t, "empty"), fixture.ShortDir(t, "alpha")
	// An Alpha that has not joined a group yet.
	meta, err := os.OpenFile(filepath.Join(dir, "wal.meta"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer meta.Close()
	writeNumber(t, meta, 8, 0)
	m := mount(t, dir, t.TempDir())
	contents(t, m.at)
	wal, err := os.ReadFile(filepath.Join(full, "00001.wal"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "00001.wal"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	end := len(bytes.TrimRight(wal, "\x00"))
	write(t, f, 1<<20, wal[1<<20:end])
	write(t, f, 0, wal[:16*32]) // an Alpha and a Zero may both have such entries
	awaitContents(t, m, dir)
	write(t, f, 16*32, wal[16*32:400*32])
	awaitContents(t, m, dir)
	writeNumber(t, meta, 8, 1)
	awaitContents(t, m, dir)
	m.stop()
}

// TestEmptiedWhileMounted does what dgraph debug --truncate does: it sets lengths to 0
// and leaves the slots as they are.
func TestEmptiedWhileMounted(t *testing.T) {
	fixture.OneSize(t)
	dir := fixture.ShortDir(t, "alpha")
	m := mount(t, dir, t.TempDir())
	contents(t, m.at)
	f, err := os.OpenFile(filepath.Join(dir, "00001.wal"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, until := range []uint64{60, 500} {
		for slot, e := range fixture.ReadManifest(t, "alpha").Entries {
			if e.Index < until && e.Type == 0 {
				write(t, f, offset(t, f, int64(slot)), make([]byte, 4))
			}
		}
		awaitContents(t, m, dir)
	}
	m.stop()
}

// problems is what status.json lists.
func problems(t *testing.T, m *mounted) string {
	t.Helper()
	var s struct{ Problems json.RawMessage }
	if err := json.Unmarshal([]byte(output(t, "cat", m.at+"/status.json")), &s); err != nil {
		t.Fatal(err)
	}
	return string(s.Problems)
}

// TestFullAndReadOnly: status.json must say that the directory's file system is full, or
// has become read-only.
func TestFullAndReadOnly(t *testing.T) {
	fixture.OneSize(t)
	needRoot(t)
	base := t.TempDir()
	output(t, "mount", "-t", "tmpfs", "-o", "size=4m", "walfs-test", base)
	defer output(t, "umount", base)
	dir := filepath.Join(base, "alpha")
	output(t, "cp", "-a", "--sparse=always", fixture.Dir(t, "alpha"), dir)
	m := mount(t, dir, t.TempDir())
	await := func(what string) {
		t.Helper()
		child.Await(t, what, func() bool {
			if what == "" {
				return problems(t, m) == "[]"
			}
			return strings.Contains(problems(t, m), what)
		})
	}
	await("")
	filler := filepath.Join(base, "filler")
	f, err := os.Create(filler)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = f.Write(make([]byte, 1<<16))
	}
	f.Close()
	await("the file system is full")
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	await("")
	output(t, "mount", "-o", "remount,ro", base)
	await("the file system has become read-only")
	output(t, "mount", "-o", "remount,rw", base)
	await("")
	m.stop()

	output(t, "mount", "-o", "remount,ro", base)
	m = mount(t, dir, t.TempDir())
	if p := problems(t, m); p != "[]" {
		t.Errorf("a log at rest on a read-only file system: %s", p)
	}
	m.stop()
}

// TestTail: tail -F shows a file's new content when it changes, tail -f stays with the
// file that it has opened. Neither gets an error.
func TestTail(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "w")
	w := raftdir.Create(dir, raftdir.Options{})
	defer w.Close()
	w.Append(1)
	m := mount(t, dir, t.TempDir())
	last := m.at + "/meta/last_index"
	tail := func(flag, file string) (*bufio.Reader, func() string) {
		t.Helper()
		cmd := exec.Command("tail", flag, "-n", "+1", "-s", "0.05", file)
		cmd.Env = append(os.Environ(), "LC_ALL=C")
		var errs child.Output
		cmd.Stderr = &errs
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewReader(out)
		return lines, func() string {
			cmd.Process.Signal(syscall.SIGTERM)
			rest, _ := io.ReadAll(lines)
			cmd.Wait()
			return string(rest) + errs.String()
		}
	}
	line := func(r *bufio.Reader) string {
		t.Helper()
		s, err := r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(s)
	}
	byName, endByName := tail("-F", last)
	byFile, endByFile := tail("-f", last)
	if a, b := line(byName), line(byFile); a != "1" || b != "1" {
		t.Errorf("tail says %s and %s, want 1", a, b)
	}
	for range fixture.Size(10, 40) {
		w.Append(1)
		child.Await(t, "the entry", func() bool { return strings.TrimSpace(output(t, "cat", last)) == fmt.Sprint(w.Last) })
	}
	for seen := ""; seen != fmt.Sprint(w.Last); {
		seen = line(byName)
	}
	if said := endByName(); strings.Contains(said, "error") || strings.Contains(said, "Stale") {
		t.Errorf("tail -F: %s", said)
	}
	if said := endByFile(); said != "" {
		t.Errorf("tail -f: %s", said)
	}
	m.stop()
}
