//go:build linux

package fusefs

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
)

// TestWhatToolsSee runs small scripts in the mount's top folder and compares what they print.
func TestWhatToolsSee(t *testing.T) {
	const n42 = "00000000000000000042"
	for _, test := range []struct{ name, fixture, script, want string }{
		{"the four links are one inode", "alpha",
			"stat -c '%h %i' entries/42 terms/2/42 types/normal/42 files/00001.wal/42 | uniq -c | awk '{print $1, $2}'", "4 4\n"},
		{"in the full names too", "alpha",
			"find . -name " + n42 + " -printf '%n %i\n' | uniq -c | awk '{print $1, $2}'", "4 4\n"},
		{"find -samefile finds them", "alpha",
			"find . -samefile entries/" + n42 + " | sort", "./entries/" + n42 + "\n./files/00001.wal/" + n42 +
				"\n./terms/00000000000000000002/" + n42 + "\n./types/normal/" + n42 + "\n"},
		{"du counts them once", "alpha",
			`test $(du -sb entries terms types files | awk '{n+=$2 == "entries" ? 0 : $1} END {print n}') -lt 4096 && echo once`, "once\n"},
		{"inodes are unique", "rewritten",
			"find . -mindepth 1 -links 1 -printf '%i\n' | sort | uniq -d | wc -l; find entries -type f -printf '%i\n' | sort | uniq -d | wc -l", "0\n0\n"},
		{"listed inodes are stat's", "alpha",
			"test $(ls -iU entries | awk '$2 == \"" + n42 + "\" {print $1}') -eq $(stat -c %i files/00001.wal/42) && echo same", "same\n"},
		{"ls of the top", "alpha",
			"ls", "README\ndecoded\nentries\nfiles\njsonl\nmeta\nnative\nreplaced\nsnapshots\nstatus.json\nterms\ntypes\n"},
		{"dot files are the folder and its parent", "alpha",
			"ls -a meta/hard_state", ".\n..\ncommit\nterm\nvote\n"},
		{"latest is a link to the snapshot", "snaponly",
			"readlink snapshots/latest && cmp snapshots/latest/data snapshots/00000000000000000006-00000000000000001000/data && ls snapshots/latest/",
			"00000000000000000006-00000000000000001000\ndata\ndecoded.json\nmetadata.json\nsnapshot.pb\n"},
		{"no snapshot, no link", "alpha", "ls -A snapshots", ""},
		{"native files are the directory's", "bigsnap",
			`for f in native/*; do cmp "$f" "$DIR/$(basename "$f")" && stat -c '%n %s' "$f"; done | wc -l; ls native; ls "$DIR"`,
			"2\n00001.wal\nwal.meta\n00001.wal\nwal.meta\n"},
		{"the name of a term in short sees the same", "rewritten",
			`for t in $(ls terms); do s=$(echo $t | sed 's/^0*//'); test "$(ls terms/$t | cksum)" = "$(ls terms/$s | cksum)" && echo ok; done | sort -u`, "ok\n"},
		{"a term's folder keeps its name", "alpha",
			`cd terms/00000000000000000002 && ls ../2 >/dev/null && basename "$(/bin/pwd -P)"`, "00000000000000000002\n"},
		{"names come in order", "alpha",
			"ls -U entries | sort -c && ls -U entries | wc -l", "975\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := fixture.Dir(t, test.fixture)
			at, _ := serve(t, dir, nil)
			if got := sh(t, `cd "$1" && export DIR="$2" && `+test.script, at, dir); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// TestOwnerAndMode: what the tree shows follows the directory's own files.
func TestOwnerAndMode(t *testing.T) {
	dir := fixture.Dir(t, "alpha")
	for name, mode := range map[string]os.FileMode{"00001.wal": 0o640, "wal.meta": 0o606, ".": 0o750} {
		if err := os.Chmod(filepath.Join(dir, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	want := "440 entries/1\n404 meta/raft_id\n440 native/00001.wal\n404 native/wal.meta\n550 entries\n550 .\n"
	if os.Geteuid() == 0 {
		if err := os.Chown(filepath.Join(dir, "00001.wal"), 12, 34); err != nil {
			t.Fatal(err)
		}
	}
	at, _ := serve(t, dir, nil)
	if got := sh(t, `cd "$1" && stat -c '%a %n' entries/1 meta/raft_id native/00001.wal native/wal.meta entries .`, at); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if os.Geteuid() == 0 {
		if got := sh(t, `cd "$1" && stat -c '%u %g' entries/1 meta/raft_id`, at); got != "12 34\n0 0\n" {
			t.Errorf("owner and group %q", got)
		}
	}
	if got := sh(t, `cd "$1" && ls -l entries | sed -n 2p`, at); !strings.HasPrefix(got, "-r--r----- 4 ") {
		t.Errorf("ls -l says %q", got)
	}
}

// TestAttributesAreTheSameOnEveryMount: backup tools compare these.
func TestAttributesAreTheSameOnEveryMount(t *testing.T) {
	dir := fixture.Dir(t, "rewritten")
	var all [2]string
	for i := range all {
		at, _ := serve(t, dir, nil)
		all[i] = sh(t, `cd "$1" && find . -printf '%p %y %i %s %b %m %n %T@ %C@ %A@\n'`, at)
	}
	if all[0] != all[1] {
		t.Error("two mounts of one directory differ")
	}
	if n := strings.Count(all[0], "\n"); n < 4*100 {
		t.Errorf("only %d names", n)
	}
}

// TestBlocks: a file with fewer blocks than its size needs looks sparse.
func TestBlocks(t *testing.T) {
	at, _ := serve(t, fixture.Dir(t, "alpha"), nil)
	if got := sh(t, `cd "$1" && find . -path ./native -prune -o -type f -printf '%s %b %p\n' | awk '$2 != int(($1+511)/512)'`, at); got != "" {
		t.Errorf("size, blocks: %s", got)
	}
}

func TestStatfs(t *testing.T) {
	dir := fixture.Dir(t, "alpha")
	at, _ := serve(t, dir, nil)
	used := sh(t, `find "$1" -type f -printf '%b\n' | awk '{n+=$1} END {print int((n+7)/8)}'`, dir)
	want := fmt.Sprintf("4096 %s 0 0 975 0 255\n", strings.TrimSpace(used))
	if got := sh(t, `stat -f -c '%s %b %f %a %c %d %l' "$1"`, at); got != want {
		t.Errorf("statfs says %q, want %q", got, want)
	}
	if got := sh(t, `df "$1" | tail -1`, at); !strings.HasPrefix(got, dir+" ") || !strings.HasSuffix(got, " 100% "+at+"\n") {
		t.Errorf("df says %q", got)
	}
}
