//go:build linux

package fusefs

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/walfs/walfs/test/fixture"
	"golang.org/x/sys/unix"
)

// born gives the second of a log file's creation, or of its last change where
// the file system keeps none, as the mount is to show it.
func born(t *testing.T, file string) int64 {
	t.Helper()
	var st unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, file, 0, unix.STATX_BASIC_STATS|unix.STATX_BTIME, &st); err != nil {
		t.Fatal(err)
	}
	if st.Mask&unix.STATX_BTIME != 0 && st.Btime.Sec > 0 {
		return st.Btime.Sec
	}
	return st.Mtime.Sec
}

// TestTimes: mtime and ctime of an entry are its log file's creation time, with
// the term in the nanoseconds.
func TestTimes(t *testing.T) {
	dir := fixture.Dir(t, "alpha")
	file := filepath.Join(dir, "00001.wal")
	// A node writes for days: the last change is another time.
	if err := os.Chtimes(file, time.Time{}, time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	at, _ := serve(t, dir, nil)
	want := ""
	for _, path := range []string{"entries/1", "terms/2/2", "types/normal/975", "files/00001.wal/975"} {
		term := 2
		if path == "entries/1" {
			term = 1
		}
		stamp := fmt.Sprintf("%d.%09d", born(t, file), term)
		want += fmt.Sprintf("%s %s %s\n", path, stamp, stamp)
	}
	if got := sh(t, `cd "$1" && stat -c '%n %.9Y %.9Z' entries/1 terms/2/2 types/normal/975 files/00001.wal/975`, at); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// TestAnotherEntryHasOtherAttributes: when an index holds another entry, all that a backup
// tool compares is different. Its neighbour's is the same.
func TestAnotherEntryHasOtherAttributes(t *testing.T) {
	dir := fixture.Dir(t, "alpha")
	look := func(entry int) []string {
		at, _ := serve(t, dir, nil)
		return strings.Fields(sh(t, `stat -c '%s %i %.9Y %.9Z' "$1/entries/$2"`, at, fmt.Sprint(entry)))
	}
	last, neighbour := look(975), look(974)
	log := fixture.Edit(t, filepath.Join(dir, "00001.wal"))
	log.Set(974, fixture.Term, 3)
	log.SetLength(974, log.Length(974)+1)
	now := look(975)
	for i, what := range []string{"size", "inode", "mtime", "ctime"} {
		if last[i] == now[i] {
			t.Errorf("the %s is still %s", what, now[i])
		}
	}
	if got := look(974); fmt.Sprint(got) != fmt.Sprint(neighbour) {
		t.Errorf("entry 974: got %v, want %v", got, neighbour)
	}
}
