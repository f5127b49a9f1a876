//go:build linux

package e2e

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// children are what this test binary does when it runs itself, by the first
// argument. All reading from a mount is done in such a process: if the mount
// hangs, the process can be killed.
var children = map[string]func(args []string) error{"walk": walkChild, "node": nodeChild}

// found is what a walk has found at a path.
type found struct {
	mode  uint64 // as in st_mode
	size  int64
	inode uint64
	links uint64
	// sum is the content's SHA-256 in hex, a symbolic link's target, or the text
	// of the error that reading gave.
	sum string
}

// walk reads everything below the named parts of a folder in a child process.
// Paths are relative to the folder.
func walk(t *testing.T, root string, parts ...string) map[string]found {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return parseWalk(t, exec.Command(self, append([]string{"walk", root}, parts...)...))
}

func parseWalk(t *testing.T, cmd *exec.Cmd) map[string]found {
	t.Helper()
	cmd.Stderr = os.Stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	all := map[string]found{}
	lines := bufio.NewScanner(pipe)
	for lines.Scan() {
		field := strings.Split(lines.Text(), "\t")
		if len(field) != 6 {
			t.Fatalf("the walk printed %q", lines.Text())
		}
		number := func(i, base int) uint64 {
			n, err := strconv.ParseUint(field[i], base, 64)
			if err != nil {
				t.Fatalf("the walk printed %q", lines.Text())
			}
			return n
		}
		all[field[0]] = found{number(1, 8), int64(number(2, 10)), number(3, 10), number(4, 10), field[5]}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("the walk: %v", err)
	}
	return all
}

func walkChild(args []string) error {
	root := args[0]
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	for _, part := range args[1:] {
		err := filepath.WalkDir(filepath.Join(root, part), func(path string, d fs.DirEntry, err error) error {
			rel, _ := filepath.Rel(root, path)
			if err != nil {
				fmt.Fprintf(out, "%s\t0\t0\t0\t0\t%s\n", rel, message(err))
				return nil
			}
			if !d.IsDir() {
				printFound(out, rel, path)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return out.Flush()
}

func printFound(out io.Writer, rel, path string) {
	var st syscall.Stat_t
	err := syscall.Lstat(path, &st)
	sum := ""
	switch {
	case err != nil:
		sum = message(err)
	case st.Mode&syscall.S_IFMT == syscall.S_IFLNK:
		sum, err = os.Readlink(path)
		if err != nil {
			sum = message(err)
		}
	default:
		sum = contentSum(path)
	}
	fmt.Fprintf(out, "%s\t%o\t%d\t%d\t%d\t%s\n", rel, st.Mode, st.Size, st.Ino, st.Nlink, sum)
}

var readBuffer = make([]byte, 128<<10)

// contentSum makes the system calls itself: with os.File this process would take
// longer than the mount that it reads.
func contentSum(path string) string {
	fd, err := syscall.Open(path, syscall.O_RDONLY, 0)
	if err != nil {
		return message(err)
	}
	defer syscall.Close(fd)
	var st syscall.Stat_t
	if err := syscall.Fstat(fd, &st); err != nil {
		return message(err)
	}
	h := sha256.New()
	for read := int64(0); ; {
		n, err := syscall.Read(fd, readBuffer)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return message(err)
		case n == 0 && read < st.Size:
			return fmt.Sprintf("ends at %d of %d bytes", read, st.Size)
		case n == 0:
			return hex.EncodeToString(h.Sum(nil))
		default:
			h.Write(readBuffer[:n])
			read += int64(n)
		}
	}
}

// sum is the checksum that a walk gives for a file with this content.
func sum(text string) string {
	h := sha256.Sum256([]byte(text))
	return hex.EncodeToString(h[:])
}

// message is the text of the errno, without the operation and the path.
func message(err error) string {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno.Error()
	}
	return err.Error()
}
