//go:build linux

package child

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Looker is a process that reads files for a test, one request after the other. Files
// that it has opened stay open.
type Looker struct {
	t     testing.TB
	cmd   *exec.Cmd
	to    *json.Encoder
	from  *json.Decoder
	stdin io.Closer
}

// lookerVariable makes a test binary a Looker.
const lookerVariable = "WALFS_TEST_LOOKER"

// LookerMain must be the first call of a TestMain whose tests start Lookers. In a
// Looker's process it does not return.
func LookerMain() {
	if os.Getenv(lookerVariable) != "" {
		os.Exit(looker())
	}
}

// StartLooker starts a Looker, which ends with the test.
func StartLooker(t testing.TB) *Looker {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	l := &Looker{t: t, cmd: exec.Command(self)}
	l.cmd.Env = append(os.Environ(), lookerVariable+"=1", "GORACE=atexit_sleep_ms=0")
	l.cmd.Stderr = os.Stderr
	l.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stdin, err := l.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := l.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := l.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	l.stdin, l.to, l.from = stdin, json.NewEncoder(stdin), json.NewDecoder(stdout)
	t.Cleanup(func() {
		l.stdin.Close()
		l.cmd.Wait()
	})
	return l
}

// Do sends a request and gives the answer, or the text of the errno:
//
//	stat PATH          "size 3, inode 0x7"
//	time PATH          its modification time, in nanoseconds since 1970
//	list PATH          the names, one a line, as they come
//	head PATH          the first 4 MiB
//	link PATH          a symbolic link's target
//	wait PATH          waits until PATH exists, and gives nothing
//	open NAME PATH     opens PATH as NAME, without read-ahead, and gives nothing
//	size NAME          the same as stat, of an open file
//	read NAME OFF N    N bytes (4 MiB at most) at OFF, fewer at the file's end
//	names NAME N       what one getdents64 of N bytes gives: a line a name, "offset name"
//	seek NAME OFF      nothing
//	close NAME         nothing
//	called NAME        makes NAME the name of the process, and gives nothing
func (l *Looker) Do(op string, args ...string) string {
	l.t.Helper()
	hung := time.AfterFunc(patience, func() { l.cmd.Process.Kill() })
	defer hung.Stop()
	var seen []byte
	if err := l.to.Encode(append([]string{op}, args...)); err != nil {
		l.t.Fatalf("%s %v: %v", op, args, err)
	}
	if err := l.from.Decode(&seen); err != nil {
		l.t.Fatalf("%s %v: %v", op, args, err)
	}
	return string(seen)
}

// looker is a Looker's main.
func looker() int {
	from, to := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	open := map[string]int{}
	for {
		var args []string
		if err := from.Decode(&args); err != nil {
			return 0
		}
		seen, err := look(open, args[0], args[1], args[2:])
		if err != nil {
			seen = []byte(err.Error())
		}
		if err := to.Encode(seen); err != nil {
			return 1
		}
	}
}

// look answers a request. It makes the system calls itself, so that an error is an errno.
func look(open map[string]int, op, name string, args []string) ([]byte, error) {
	var st syscall.Stat_t
	switch op {
	case "stat":
		err := syscall.Lstat(name, &st)
		return sayStat(&st), err
	case "time":
		err := syscall.Lstat(name, &st)
		return []byte(strconv.FormatInt(st.Mtim.Nano(), 10)), err
	case "list":
		return list(name)
	case "head":
		fd, err := syscall.Open(name, syscall.O_RDONLY, 0)
		if err != nil {
			return nil, err
		}
		defer syscall.Close(fd)
		return readAt(fd, 0, len(buffer))
	case "link":
		b := make([]byte, 4096)
		n, err := syscall.Readlink(name, b)
		return b[:max(n, 0)], err
	case "wait":
		for {
			if err := syscall.Lstat(name, &st); err != syscall.ENOENT {
				return nil, err
			}
			time.Sleep(100 * time.Microsecond)
		}
	case "called":
		return nil, callSelf(name)
	case "open":
		fd, err := syscall.Open(args[0], syscall.O_RDONLY, 0)
		if err == nil {
			err = unix.Fadvise(fd, 0, 0, unix.FADV_RANDOM)
			open[name] = fd
		}
		return nil, err
	}
	fd, ok := open[name]
	if !ok {
		return nil, fmt.Errorf("%s: %s was not opened", op, name)
	}
	switch op {
	case "size":
		err := syscall.Fstat(fd, &st)
		return sayStat(&st), err
	case "read":
		off, err := strconv.ParseInt(args[0], 10, 64)
		if err != nil {
			return nil, err
		}
		n, err := strconv.Atoi(args[1])
		if err != nil {
			return nil, err
		}
		return readAt(fd, off, n)
	case "names":
		n, err := strconv.Atoi(args[0])
		if err != nil {
			return nil, err
		}
		return names(fd, buffer[:n])
	case "seek":
		off, err := strconv.ParseInt(args[0], 10, 64)
		if err == nil {
			_, err = syscall.Seek(fd, off, io.SeekStart)
		}
		return nil, err
	case "close":
		delete(open, name)
		return nil, syscall.Close(fd)
	}
	return nil, fmt.Errorf("no such request: %s", op)
}

func sayStat(st *syscall.Stat_t) []byte { return []byte(SayStat(st.Size, st.Ino)) }

// SayStat is a Looker's answer to stat for a size and an inode number.
func SayStat(size int64, inode uint64) string { return fmt.Sprintf("size %d, inode %#x", size, inode) }

// buffer holds what was read, until the next request.
var buffer = make([]byte, 4<<20)

func readAt(fd int, off int64, n int) ([]byte, error) {
	b := buffer[:n]
	for done := 0; ; {
		k, err := syscall.Pread(fd, b[done:], off+int64(done))
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return nil, err
		case k == 0:
			return b[:done], nil
		default:
			done += k
		}
	}
}

func list(path string) ([]byte, error) {
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	defer syscall.Close(fd)
	var names []string
	b := make([]byte, 1<<20)
	for {
		n, err := syscall.ReadDirent(fd, b)
		if err != nil {
			return nil, err
		}
		if n <= 0 {
			return []byte(strings.Join(names, "\n")), nil
		}
		_, _, names = syscall.ParseDirent(b[:n], -1, names)
		names = slices.Clone(names)
	}
}

func names(fd int, b []byte) (lines []byte, err error) {
	n, err := syscall.ReadDirent(fd, b)
	for b := b[:max(n, 0)]; len(b) > 0; {
		next, length := binary.NativeEndian.Uint64(b[8:]), binary.NativeEndian.Uint16(b[16:])
		name, _, _ := bytes.Cut(b[19:length], []byte{0})
		lines = fmt.Appendf(lines, "%d %s\n", next, name)
		b = b[length:]
	}
	return lines, err
}

// callSelf names all threads. Later ones have the name of the thread that starts them.
func callSelf(name string) error {
	threads, err := filepath.Glob("/proc/self/task/*/comm")
	for _, t := range threads {
		if err == nil {
			err = os.WriteFile(t, []byte(name), 0)
		}
	}
	return err
}
