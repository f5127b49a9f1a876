package platform

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// fileSystems gives a folder on each kind of file system that can be had here.
func fileSystems(t *testing.T) map[string]string {
	dirs := map[string]string{"temp": t.TempDir()}
	shm, err := os.MkdirTemp("/dev/shm", "walfs-test-")
	if err != nil {
		return dirs
	}
	t.Cleanup(func() { os.RemoveAll(shm) })
	dirs["tmpfs"] = filepath.Join(shm, "plain")
	for _, dir := range []string{"plain", "lower", "upper", "work", "merged"} {
		must(t, os.Mkdir(filepath.Join(shm, dir), 0o700))
	}
	merged := filepath.Join(shm, "merged")
	layers := fmt.Sprintf("lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work", shm, shm, shm)
	if unix.Mount("overlay", merged, "overlay", 0, layers) == nil {
		t.Cleanup(func() { unix.Unmount(merged, unix.MNT_DETACH) })
		dirs["overlay"] = merged
	}
	image, disk := filepath.Join(shm, "image"), filepath.Join(shm, "lower")
	if os.WriteFile(image, nil, 0o600) == nil && os.Truncate(image, 16<<20) == nil &&
		exec.Command("mkfs.ext4", "-q", image).Run() == nil && exec.Command("mount", "-o", "loop", image, disk).Run() == nil {
		t.Cleanup(func() { exec.Command("umount", disk).Run() })
		dirs["ext4"] = disk
	}
	return dirs
}

// Whoever reads a file is no writer, in whatever way it reads it. Whoever could write
// to it is one, and is named.
func TestHasWriter(t *testing.T) {
	for system, dir := range fileSystems(t) {
		name := filepath.Join(dir, "a")
		must(t, os.WriteFile(name, []byte("x"), 0o600))
		for how, want := range map[string]bool{"read": false, "write": true, "store": true} {
			if system == "overlay" && how == "store" {
				continue // as HasWriter says
			}
			child, release := hold(t, dir, how)
			if got, err := HasWriter(name); got != want || err != nil {
				t.Errorf("%s, %s: %v, %v; want %v", system, how, got, err, want)
			}
			writers := fmt.Sprint(Writers(name))
			named := fmt.Sprint([]Process{{child.Process.Pid, filepath.Base(os.Args[0])}})
			if !want && writers != "[]" || want && writers != named {
				t.Errorf("%s, %s: writers %s, want %v, %s", system, how, writers, want, named)
			}
			release()
			if got, err := HasWriter(name); got || err != nil {
				t.Errorf("%s, %s: at its end: %v, %v", system, how, got, err)
			}
		}
	}
}

// This process counts too.
func TestHasWriterItself(t *testing.T) {
	tmp := t.TempDir()
	name := filepath.Join(tmp, "a")
	f := write(t, name, "x")
	want := func(want bool) {
		t.Helper()
		if got, err := HasWriter(name); got != want || err != nil {
			t.Errorf("%v, %v; want %v", got, err, want)
		}
		if got := Writers(name); (len(got) == 1 && got[0].PID == os.Getpid()) != want {
			t.Errorf("writers %v; want this process: %v", got, want)
		}
	}
	want(true)
	memory, err := Map(f, 1)
	must(t, err)
	must(t, f.Close())
	want(true) // a file that is mapped counts as open
	must(t, Unmap(memory))
	want(false)
	want(false) // the lease was given back
	must(t, os.Symlink("a", filepath.Join(tmp, "link")))
	for _, bad := range []string{"link", "missing"} {
		if _, err := HasWriter(filepath.Join(tmp, bad)); err == nil {
			t.Errorf("%s: no error", bad)
		}
		if got := Writers(filepath.Join(tmp, bad)); got != nil {
			t.Errorf("%s: writers %v", bad, got)
		}
	}
}

// Programs that open the file for writing while others ask whether there is one get it,
// and nobody is ended by the signal that a lease sends.
func TestWriterMeetsLease(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a")
	must(t, write(t, name, "x").Close())
	child := exec.Command("sh", "-c", `i=0; while [ $i -lt 300 ]; do : >>"$0" || exit 1; i=$((i+1)); done`, name)
	must(t, child.Start())
	done := make(chan error, 1)
	go func() { done <- child.Wait() }()
	for asked := 0; ; asked++ {
		if _, err := HasWriter(name); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-done:
			must(t, err)
			t.Logf("asked %d times", asked)
			return
		default:
		}
	}
}

// A process's name is its own choice.
func TestCommandIsPrintable(t *testing.T) {
	dir := t.TempDir()
	sleep, err := exec.LookPath("sleep")
	must(t, err)
	program := filepath.Join(dir, "a\x1b[31m\nb")
	must(t, os.Symlink(sleep, program))
	child := exec.Command(program, "60")
	must(t, child.Start())
	defer child.Wait()
	defer child.Process.Kill()
	if got := command(child.Process.Pid); strings.ContainsAny(got, "\x1b\n") || !strings.HasPrefix(got, "a?[31m?b") {
		t.Errorf("%q", got)
	}
	if got := command(-1); got != "a process" {
		t.Errorf("%q", got)
	}
}
