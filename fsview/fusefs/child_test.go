//go:build linux

package fusefs

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// childVariable makes this test binary do one thing to a mount and say what came of it.
const childVariable = "WALFS_TEST_CHILD"

// childOps are system calls that say more than a shell tool's message.
var childOps = map[string]func(path string) error{
	"create":   func(p string) error { return closeFd(syscall.Open(p, syscall.O_CREAT|syscall.O_WRONLY, 0o600)) },
	"write":    func(p string) error { return closeFd(syscall.Open(p, syscall.O_WRONLY, 0)) },
	"truncate": func(p string) error { return syscall.Truncate(p, 0) },
	"chmod":    func(p string) error { return syscall.Chmod(p, 0o600) },
	"chown":    func(p string) error { return syscall.Chown(p, 0, 0) },
	"utimes":   func(p string) error { return syscall.Utimes(p, make([]syscall.Timeval, 2)) },
	"unlink":   syscall.Unlink,
	"mkdir":    func(p string) error { return syscall.Mkdir(p, 0o700) },
	"rmdir":    syscall.Rmdir,
	"rename":   func(p string) error { return syscall.Rename(p, p+"-new") },
	"link":     func(p string) error { return syscall.Link(p, p+"-new") },
	"symlink":  func(p string) error { return syscall.Symlink("x", p) },
	"setxattr": func(p string) error { return syscall.Setxattr(p, "user.x", []byte("x"), 0) },
	"stat":     func(p string) error { return syscall.Stat(p, &syscall.Stat_t{}) },
	"read":     readAll,

	"readInPieces":  func(p string) error { return eachIn(p, 100, 1, readAll) },
	"readInThreads": func(p string) error { return eachIn(p, -1, 4, readAll) },
	"dropPages":     func(p string) error { return eachIn(p, -1, 1, dropPages) },
}

// eachIn does something to each file of a folder, in so many threads, and lists so many
// names before it goes on with them; -1 is all.
func eachIn(path string, names, threads int, do func(path string) error) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	defer folder.Close()
	for {
		files, err := folder.Readdirnames(names)
		if len(files) == 0 {
			if err == io.EOF {
				err = nil
			}
			return err
		}
		slices.Sort(files)
		next, failed := make(chan string), make(chan error, threads)
		for range threads {
			go func() {
				var first error
				for f := range next {
					first = cmp.Or(first, do(path+"/"+f))
				}
				failed <- first
			}()
		}
		for _, f := range files {
			next <- f
		}
		close(next)
		for range threads {
			if err := <-failed; err != nil {
				return err
			}
		}
		if names < 0 {
			return nil
		}
	}
}

// dropPages has the kernel forget a file's bytes, but not the file.
func dropPages(path string) error {
	fd, err := syscall.Open(path, syscall.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	return unix.Fadvise(fd, 0, 0, unix.FADV_DONTNEED)
}

func closeFd(fd int, err error) error {
	if err == nil {
		syscall.Close(fd)
	}
	return err
}

func readAll(path string) error {
	fd, err := syscall.Open(path, syscall.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	buf := make([]byte, 64<<10)
	for {
		if n, err := syscall.Read(fd, buf); n <= 0 {
			return err
		}
	}
}

func childMain(op string, paths []string) int {
	if op == "xattrs" {
		printXAttrs(paths)
		return 0
	}
	do := childOps[op]
	if do == nil {
		fmt.Fprintf(os.Stderr, "no child operation %q\n", op)
		return 1
	}
	for _, p := range paths {
		var errno syscall.Errno
		if err := do(p); err != nil && !errors.As(err, &errno) {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		fmt.Println(int(errno))
	}
	return 0
}

// errnoOf does op to a path in a child process. 0 is success.
func errnoOf(t *testing.T, op, path string) syscall.Errno {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, path)
	cmd.Env = append(os.Environ(), childVariable+"="+op)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", op, path, err, out)
	}
	var n int
	if _, err := fmt.Sscan(strings.TrimSpace(string(out)), &n); err != nil {
		t.Fatalf("%s %s: %v: %q", op, path, err, out)
	}
	return syscall.Errno(n)
}
