//go:build linux

package torture

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/walfs/walfs/test/child"
	"github.com/walfs/walfs/test/raftdir"
)

// disturbance is what a process does to a directory's files that their writer could
// notice.
type disturbance struct {
	open       int // log files that it has open
	complaints []string
}

func (d *disturbance) add(format string, args ...any) {
	d.complaints = append(d.complaints, fmt.Sprintf(format, args...))
}

// disturbs inspects a process in /proc. It complains about files of dir that are open
// for writing or mapped, and about locks and leases.
func disturbs(t *testing.T, pid int, dir string) (d disturbance) {
	t.Helper()
	proc := fmt.Sprintf("/proc/%d/", pid)
	fds, err := os.ReadDir(proc + "fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		path, err := os.Readlink(proc + "fd/" + fd.Name())
		if errors.Is(err, fs.ErrNotExist) || path != dir && !strings.HasPrefix(path, dir+"/") {
			continue // it was closed, or it is not in dir
		}
		info, err2 := os.ReadFile(proc + "fdinfo/" + fd.Name())
		if errors.Is(err2, fs.ErrNotExist) {
			continue
		}
		if err := errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(info)) {
			name, value, _ := strings.Cut(line, ":")
			switch value = strings.TrimSpace(value); name {
			case "flags":
				if flags, err := strconv.ParseInt(value, 8, 64); err != nil || flags&syscall.O_ACCMODE != syscall.O_RDONLY {
					d.add("%s is open with the flags %s", path, value)
				}
			case "lock": // also a lease
				d.add("%s has a lock: %s", path, value)
			}
		}
		if strings.Contains(path, ".wal") {
			d.open++
		}
	}
	lines(t, proc+"maps", func(line string) {
		if strings.Contains(line, " "+dir+"/") {
			d.add("mapped: %s", line)
		}
	})
	// Locks that belong to a descriptor are in fdinfo, too; those that belong to
	// the process are only here.
	lines(t, "/proc/locks", func(line string) {
		// 1: POSIX  ADVISORY  WRITE 1234 fe:00:5678 0 EOF
		if f := strings.Fields(line); len(f) > 4 && f[4] == strconv.Itoa(pid) {
			d.add("lock: %s", line)
		}
	})
	return d
}

func lines(t *testing.T, name string, fn func(string)) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	scan := bufio.NewScanner(f)
	for scan.Scan() {
		fn(scan.Text())
	}
	if err := scan.Err(); err != nil {
		t.Fatal(err)
	}
}

// TestDisturbsTells does all that a reader must not do, and wants complaints.
func TestDisturbsTells(t *testing.T) {
	dir := t.TempDir()
	f, err := os.OpenFile(filepath.Join(dir, "00001.wal"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(4096); err != nil {
		t.Fatal(err)
	}
	if d := disturbs(t, os.Getpid(), dir); len(d.complaints) != 1 || d.open != 1 {
		t.Errorf("open for writing: %+v", d)
	}
	mapped, err := syscall.Mmap(int(f.Fd()), 0, 4096, syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Munmap(mapped)
	if d := disturbs(t, os.Getpid(), dir); len(d.complaints) != 2 {
		t.Errorf("mapped: %+v", d)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_SH); err != nil {
		t.Fatal(err)
	}
	if d := disturbs(t, os.Getpid(), dir); len(d.complaints) != 4 { // one from fdinfo, one from locks
		t.Errorf("locked: %+v", d)
	}
}

// TestWriterIsNotDisturbed inspects a mount and a dump --follow while they show a
// log that grows, is rewritten and compacted.
func TestWriterIsNotDisturbed(t *testing.T) {
	child.NeedFUSE(t)
	dir := filepath.Join(t.TempDir(), "w")
	w := raftdir.Create(dir, raftdir.Options{Slots: 100})
	defer w.Close()
	w.Append(10)
	m := child.Mount(t, dir)
	var dumped child.Output
	follow := child.Start(t, &dumped, child.Walfs(t), "dump", "--follow", dir)

	seen := map[*child.Process]int{}
	inspect := func() {
		for _, p := range []*child.Process{m.Process, follow} {
			d := disturbs(t, p.Pid(), dir)
			for _, complaint := range d.complaints {
				t.Errorf("%v: %s", p.Cmd.Args[1], complaint)
			}
			if d.open > 0 {
				seen[p]++
			}
		}
	}
	for range 4 {
		// The new leader begins in an earlier file.
		w.Rewind(w.Commit)
		w.Append(150)
		w.CommitTo(w.Last - 60)
		w.Snapshot(w.Last - 110)
		// tar reads meanwhile. Both are inspected until they show the log's end.
		tar := exec.Command("sh", "-c", `tar -c "$1" | wc -c`, "sh", m.Path("entries"))
		if err := tar.Start(); err != nil {
			t.Fatal(err)
		}
		last := []string{fmt.Sprint(w.Last), fmt.Sprint(w.Term)}
		child.Await(t, "the end of the log", func() bool {
			inspect()
			got, err := os.ReadFile(m.Path("meta/last_index"))
			return err == nil && string(got) == fmt.Sprintln(w.Last) &&
				slices.Equal(lastFields(dumped.String())[:2], last)
		})
		inspect()
		if err := tar.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	for p, n := range seen {
		if n < 4 {
			t.Errorf("%v had log files open %d times only", p.Cmd.Args[1], n)
		}
	}
	if len(seen) < 2 {
		t.Error("one of them had no log file open")
	}
}

// lastFields are the fields of the last complete line, and two empty ones, so that
// there are always two.
func lastFields(said string) []string {
	said = said[:strings.LastIndexByte(said, '\n')+1]
	line := said[strings.LastIndexByte(strings.TrimSuffix(said, "\n"), '\n')+1:]
	return append(strings.Fields(line), "", "")
}
