package platform

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

const holdEnv = "WALFS_TEST_HOLD"

// TestHold is not a test but another process. It locks a folder and has the file a in
// it until its standard input ends: open for "read" or "write", or mapped to "store" in
// it with the file closed.
func TestHold(t *testing.T) {
	dir, how := os.Getenv(holdEnv), os.Getenv(holdEnv+"_HOW")
	if dir == "" {
		t.Skip("runs in a child process")
	}
	lock, err := LockDir(dir)
	must(t, err)
	defer lock.Close()
	f, err := OpenForWriting(filepath.Join(dir, "a"), 0)
	must(t, err)
	switch how {
	case "read":
		must(t, f.Close())
		f, err = os.Open(filepath.Join(dir, "a"))
		must(t, err)
		_, err = unix.Mmap(int(f.Fd()), 0, 1, unix.PROT_READ, unix.MAP_SHARED)
		must(t, err)
	case "store":
		_, err := Map(f, 1)
		must(t, err)
		must(t, f.Close())
	}
	os.Stdout.WriteString("holding\n")
	io.ReadAll(os.Stdin) // wait for its end
	f.Close()
}

// hold starts a process that holds what TestHold says, until release is called.
func hold(t *testing.T, dir, how string) (child *exec.Cmd, release func()) {
	t.Helper()
	child = exec.Command(os.Args[0], "-test.run=^TestHold$", "-test.v=false")
	child.Env = append(os.Environ(), holdEnv+"="+dir, holdEnv+"_HOW="+how)
	stdin, err := child.StdinPipe()
	must(t, err)
	stdout, err := child.StdoutPipe()
	must(t, err)
	must(t, child.Start())
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "holding\n" {
		t.Fatalf("the child says %q, %v", line, err)
	}
	return child, func() {
		stdin.Close()
		if err := child.Wait(); err != nil {
			t.Error(err)
		}
	}
}

func TestLockedElsewhere(t *testing.T) {
	tmp := t.TempDir()
	must(t, os.WriteFile(filepath.Join(tmp, "a"), nil, 0o600))
	_, release := hold(t, tmp, "write")
	if _, err := LockDir(tmp); !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), tmp) {
		t.Errorf("locked a directory that another process has locked: %v", err)
	}
	release()
	lock, err := LockDir(tmp)
	must(t, err)
	must(t, lock.Close())
}

func TestLockDir(t *testing.T) {
	must(t, CheckWriting())
	tmp := t.TempDir()
	for range 2 { // the second time it works because Close unlocks
		lock, err := LockDir(tmp)
		must(t, err)
		// A process that was just forked may still have all files of this one open.
		forked, err := unix.Dup(int(lock.dir.Fd()))
		must(t, err)
		defer unix.Close(forked)
		if _, err := LockDir(tmp); !errors.Is(err, ErrLocked) {
			t.Errorf("locked twice: %v", err)
		}
		must(t, lock.Close())
	}
	if _, err := LockDir(filepath.Join(tmp, "missing")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func TestOpenForWriting(t *testing.T) {
	tmp := t.TempDir()
	name := filepath.Join(tmp, "a")
	if _, err := OpenForWriting(name, 0); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("opened what is not there: %v", err)
	}
	f, err := OpenForWriting(name, os.O_CREATE|os.O_EXCL)
	must(t, err)
	_, err = f.WriteAt([]byte("x"), 0)
	must(t, err)
	must(t, f.Close())
	if _, err := OpenForWriting(name, os.O_CREATE|os.O_EXCL); !errors.Is(err, os.ErrExist) {
		t.Errorf("made it twice: %v", err)
	}
	f, err = OpenForWriting(name, 0)
	must(t, err)
	must(t, f.Close())
	must(t, os.Symlink("a", filepath.Join(tmp, "link")))
	if _, err := OpenForWriting(filepath.Join(tmp, "link"), 0); !errors.Is(err, unix.ELOOP) {
		t.Errorf("a link was followed: %v", err)
	}
}

func TestMapIsTheFile(t *testing.T) {
	f := write(t, filepath.Join(t.TempDir(), "a"), "hello")
	memory, err := Map(f, 5)
	must(t, err)
	copy(memory, "J")
	must(t, SyncData(f))
	b := make([]byte, 5)
	_, err = f.ReadAt(b, 0)
	must(t, err)
	if string(b) != "Jello" || string(memory) != "Jello" {
		t.Errorf("the file has %q, the memory %q", b, memory)
	}
	must(t, Unmap(memory))
	dir := openDir(t, t.TempDir())
	if _, err := Map(dir, 5); err == nil {
		t.Error("mapped a directory")
	}
	must(t, f.Close())
	if err := SyncData(f); !errors.Is(err, unix.EBADF) || !strings.Contains(err.Error(), f.Name()) {
		t.Errorf("flushed a closed file: %v", err)
	}
}

func TestAllocate(t *testing.T) {
	f := write(t, filepath.Join(t.TempDir(), "a"), "hello")
	const n = 1 << 20
	must(t, Allocate(f, 5, n))
	a, err := Stat(f)
	must(t, err)
	if a.Size != 5 || a.Blocks < n/512 {
		t.Errorf("size %d, %d blocks; want size 5 and room for a MiB", a.Size, a.Blocks)
	}
	if err := Allocate(f, 0, -1); !errors.Is(err, unix.EINVAL) || !strings.Contains(err.Error(), f.Name()) {
		t.Errorf("allocated less than nothing: %v", err)
	}
}

func TestNextData(t *testing.T) {
	const mib = 1 << 20 // more than any file system's block
	f := write(t, filepath.Join(t.TempDir(), "a"), "")
	must(t, f.Truncate(4*mib))
	for _, at := range []int64{mib, 3 * mib} {
		_, err := f.WriteAt([]byte{1}, at)
		must(t, err)
	}
	var starts []int64
	for at := int64(0); ; {
		from, to, found, err := NextData(f, at)
		must(t, err)
		if !found {
			break
		}
		if from >= to || from < at {
			t.Fatalf("from %d to %d, asked at %d", from, to, at)
		}
		starts = append(starts, from)
		at = to
	}
	if len(starts) != 2 || starts[0] != mib || starts[1] != 3*mib {
		t.Errorf("data at %v, want one at 1 MiB and one at 3", starts)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := NextData(f, 0); err == nil {
		t.Error("looked into a closed file")
	}
}
