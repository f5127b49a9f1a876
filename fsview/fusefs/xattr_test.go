//go:build linux

package fusefs

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"golang.org/x/sys/unix"
)

// printXAttrs is what the child does: it lists each path's attributes, and asks
// for each with a buffer of no size, of the right one, and of one byte less.
func printXAttrs(paths []string) {
	for _, path := range paths {
		names := make([]byte, 4096)
		n, err := unix.Llistxattr(path, names)
		if err != nil {
			fmt.Printf("%s: %v\n", filepath.Base(path), err)
			continue
		}
		size, err := unix.Llistxattr(path, nil)
		fmt.Printf("%s: %t", filepath.Base(path), size == n && err == nil)
		if n > 0 {
			_, err = unix.Llistxattr(path, names[n:][:n-1])
			fmt.Printf(" %v", err)
		}
		for _, name := range strings.Split(string(names[:n])+"user.raft.other\x00user.term", "\x00") {
			if name == "" {
				continue
			}
			size, err := unix.Lgetxattr(path, name, nil)
			if err != nil {
				fmt.Printf(" %s %v", name, err)
				continue
			}
			value := make([]byte, size)
			n, err := unix.Lgetxattr(path, name, value)
			fmt.Printf(" %s=%s", name, value[:n])
			if err != nil {
				fmt.Printf(" %v", err)
			}
			if size > 1 { // a buffer of size 0 asks for the size
				if _, err := unix.Lgetxattr(path, name, value[1:]); err != unix.ERANGE {
					fmt.Printf(" with less: %v", err)
				}
			}
		}
		fmt.Println()
	}
}

func xattrs(t *testing.T, at string, paths ...string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for i := range paths {
		paths[i] = filepath.Join(at, paths[i])
	}
	cmd := exec.Command(self, paths...)
	cmd.Env = append(os.Environ(), childVariable+"=xattrs")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestXAttrs(t *testing.T) {
	dir := fixture.Dir(t, "alpha")
	log := fixture.Edit(t, filepath.Join(dir, "00001.wal"))
	log.Set(41, fixture.Type, 2)
	log.Set(42, fixture.Type, 7) // no type of Raft's
	log.Set(43, fixture.Offset, 5)
	at, c := serveView(t, Options{Dir: dir, XAttrs: true}, nil, live(nil))
	const none = " user.raft.other no data available user.term no data available\n"
	entry := func(name, term, index, kind string, slot int) string {
		return fmt.Sprintf("%s: true numerical result out of range user.raft.term=%s user.raft.index=%s user.raft.type=%s"+
			" user.raft.file=00001.wal user.raft.offset=%d%s", name, term, index, kind, log.Get(slot, fixture.Offset), none)
	}
	one := entry("1", "1", "1", "conf_change", 0)
	want := one + one + one + one +
		entry("00000000000000000041", "2", "41", "normal", 40) +
		entry("42", "2", "42", "conf_change_v2", 41) +
		entry("43", "2", "43", "7", 42) +
		"44: input/output error\n" +
		"decoded: true" + none + "1.json: true" + none + "README: true" + none + "00001.wal: true" + none
	if got := xattrs(t, at, "entries/1", "terms/1/1", "types/conf_change/1", "files/00001.wal/1",
		"entries/00000000000000000041", "types/conf_change_v2/42", "entries/43", "entries/44",
		"decoded", "decoded/1.json", "README", "native/00001.wal"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if n := c.take(); n["GETXATTR"] == 0 || n["LISTXATTR"] == 0 {
		t.Errorf("requests: %v", n)
	}
}

// TestNoXAttrs: what is not asked for costs nothing.
func TestNoXAttrs(t *testing.T) {
	at, c := serve(t, fixture.Dir(t, "alpha"), nil)
	if got := xattrs(t, at, "entries/1"); got != "1: operation not supported\n" {
		t.Errorf("got %s", got)
	}
	sh(t, `cd "$1" && ls -l entries && stat entries/1`, at)
	if n := c.take(); n["GETXATTR"]+n["LISTXATTR"] > 0 {
		t.Errorf("requests: %v", n)
	}
}
