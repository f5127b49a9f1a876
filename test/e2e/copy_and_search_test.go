//go:build linux

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
)

// TestCopies makes copies of a mount with the usual tools and compares them
// with the manifest.
func TestCopies(t *testing.T) {
	for _, test := range []struct{ tool, script string }{
		{"cp", `cp -a "$1/." "$2"`},
		{"tar", `tar -C "$1" -cf - --exclude=./native . | tar -C "$2" -xpf -`},
		{"rsync", `rsync -aH --exclude=/native "$1/" "$2"`},
	} {
		for _, name := range []string{"rewritten", "bigsnap"} {
			t.Run(test.tool+" "+name, func(t *testing.T) {
				need(t, test.tool)
				dir := fixture.Size(fixture.ShortDir, fixture.Dir)(t, name)
				want := fixture.ReadManifest(t, name)
				m := mount(t, dir, t.TempDir())
				to := t.TempDir()
				sh(t, test.script, m.at, to)
				m.stop()
				t.Cleanup(func() { output(t, "chmod", "-R", "u+w", to) }) // so that it can be removed
				// The copy, too, has four links to each inode.
				checkEntries(t, walk(t, to, entryFolders...), wantEntries(t, dir, want))
				checkMeta(t, walk(t, to, "meta"), want.Meta)
				checkSnapshot(t, walk(t, to, "snapshots"), want.Meta)
				if test.tool == "cp" {
					sameBytes(t, filepath.Join(to, "native"), dir)
				}
			})
		}
	}
}

// sameBytes compares two directories' files byte for byte. Those in a, the copies,
// must be sparse too.
func sameBytes(t *testing.T, a, b string) {
	t.Helper()
	sh(t, `diff -r "$1" "$2"`, a, b)
	files, err := os.ReadDir(b)
	fixture.Must(t, err)
	for _, f := range files {
		if got, want := blocks(t, filepath.Join(a, f.Name())), blocks(t, filepath.Join(b, f.Name())); got > 2*want+64 {
			t.Errorf("the copy of %s takes %d blocks, the file %d: it is no longer sparse", f.Name(), got, want)
		}
	}
}

func blocks(t *testing.T, path string) int64 {
	t.Helper()
	var n int64
	for _, c := range strings.TrimSpace(output(t, "stat", "-c", "%b", path)) {
		n = n*10 + int64(c-'0')
	}
	return n
}

// TestFindAndGrep looks for files by size, name and content.
func TestFindAndGrep(t *testing.T) {
	fixture.OneSize(t)
	dir := fixture.Dir(t, "alpha")
	want := fixture.ReadManifest(t, "alpha")
	m := mount(t, dir, t.TempDir())
	empty, large := 0, 0
	for _, e := range want.Entries {
		if e.Size == 0 {
			empty++
		}
		if e.Size > 1024 {
			large++
		}
	}
	for _, test := range []struct {
		name, script string
		lines        int
	}{
		{"all", "find entries -type f", len(want.Entries)},
		{"empty", "find entries -type f -size 0", empty},
		{"large", "find entries -type f -size +1024c", large},
		{"by name", "find . -name '*42' -path './entries/*'", (len(want.Entries)-42)/100 + 1},
		{"grep finds a file by its content", "grep -rlF raft_id . --include=README", 1},
		{"grep counts every file", "grep -rc '' entries", len(want.Entries)},
	} {
		if got := strings.Count(sh(t, `cd "$1" && `+test.script, m.at), "\n"); got != test.lines {
			t.Errorf("%s: %d lines, want %d", test.name, got, test.lines)
		}
	}
	// grep finds the same entries in the mount as in a copy of plain files.
	plain := t.TempDir()
	sh(t, `cp "$1"/entries/* "$2"`, m.at, plain)
	grep := func(folder string) string { return sh(t, `cd "$1" && grep -rla 'predicate\|name' . | sort`, folder) }
	if got, want := grep(m.at+"/entries"), grep(plain); got != want || got == "" {
		t.Errorf("grep finds\n%s\nwant\n%s", got, want)
	}
	m.stop()
}

// TestReadersLearnOfDamage: a program that reads a damaged entry gets an error.
func TestReadersLearnOfDamage(t *testing.T) {
	dir := fixture.Dir(t, "alpha")
	f, err := os.OpenFile(filepath.Join(dir, "00001.wal"), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	// The offset in entry 42's slot.
	if _, err := f.WriteAt(make([]byte, 8), 41*32+16); err != nil {
		t.Fatal(err)
	}
	m := mount(t, dir, t.TempDir())
	got := sh(t, `cat "$1/entries/42" 2>&1; echo $?; cat "$1/entries/41" >/dev/null; echo $?; grep -c offset "$1/status.json"`, m.at)
	if !strings.Contains(got, "Input/output error\n1\n0\n") {
		t.Errorf("got %q", got)
	}
	m.await("00001.wal slot 41")
	m.stop()
}
