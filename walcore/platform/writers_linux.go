package platform

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/sys/unix"
)

// mostLinks is how many open files Writers looks at, of all processes together.
const mostLinks = 200_000

// mostWriters is how many processes Writers names.
const mostWriters = 3

// Writers names processes that have a file open for writing, or mapped so that what
// they store is written to it: a few, and only those that /proc shows to this user.
// There can be others, so that none named does not mean that there is none; HasWriter
// says that.
func Writers(name string) []Process {
	var st unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, name, unix.AT_SYMLINK_NOFOLLOW, unix.STATX_INO, &st); err != nil {
		return nil
	}
	proc, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer proc.Close()
	names, _ := proc.Readdirnames(-1) // whatever it has given
	search := writerSearch{base: filepath.Base(name), dev: unix.Mkdev(st.Dev_major, st.Dev_minor), ino: st.Ino, left: mostLinks}
	var found []Process
	for _, dir := range names {
		pid, err := strconv.Atoi(dir)
		if err != nil {
			continue
		}
		if search.opened(pid) || search.mapped(pid) {
			found = append(found, Process{pid, command(pid)})
		}
		if len(found) == mostWriters || search.left <= 0 {
			break
		}
	}
	return found
}

// command is a process's name.
func command(pid int) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil {
		return "a process"
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, strings.TrimSuffix(string(b), "\n"))
}

// writerSearch looks for a file among those that processes have open.
type writerSearch struct {
	base     string // its name: only links that end with it are followed
	dev, ino uint64
	left     int // how many links may still be looked at
}

// opened reports whether a process has the file open for writing.
func (s *writerSearch) opened(pid int) bool {
	dir, err := os.Open(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return false
	}
	defer dir.Close()
	for s.left > 0 {
		fds, err := dir.Readdirnames(min(s.left, 1024))
		s.left -= len(fds)
		for _, fd := range fds {
			if s.isFile(filepath.Join(dir.Name(), fd)) && opensForWriting(pid, fd) {
				return true
			}
		}
		if err != nil || len(fds) == 0 {
			return false
		}
	}
	return false
}

// isFile reports whether a link in /proc leads to the file. Where the name is another
// one, that is not asked: the file could be on a server that does not answer.
func (s *writerSearch) isFile(link string) bool {
	target, err := os.Readlink(link)
	if err != nil || filepath.Base(target) != s.base {
		return false
	}
	var st unix.Statx_t
	err = unix.Statx(unix.AT_FDCWD, link, unix.AT_STATX_DONT_SYNC, unix.STATX_INO, &st)
	return err == nil && st.Ino == s.ino && unix.Mkdev(st.Dev_major, st.Dev_minor) == s.dev
}

// opensForWriting reports whether a process's descriptor is for writing.
func opensForWriting(pid int, fd string) bool {
	info, err := os.ReadFile(fmt.Sprintf("/proc/%d/fdinfo/%s", pid, fd))
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(info)) {
		if octal, ok := strings.CutPrefix(line, "flags:"); ok {
			flags, err := strconv.ParseUint(strings.TrimSpace(octal), 8, 64)
			return err == nil && flags&unix.O_ACCMODE != unix.O_RDONLY
		}
	}
	return false
}

// mapped reports whether a process has the file mapped so that what it stores is
// written to it. Its descriptor may be closed.
func (s *writerSearch) mapped(pid int) bool {
	maps, err := os.Open(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		return false
	}
	defer maps.Close()
	for lines := bufio.NewScanner(maps); s.left > 0 && lines.Scan(); s.left-- {
		if s.isMapping(lines.Text()) {
			return true
		}
	}
	return false
}

// isMapping reports whether a line of /proc/PID/maps is about the file, and a mapping
// that is written to it: from-to rw-s offset major:minor inode path.
func (s *writerSearch) isMapping(line string) bool {
	f := strings.Fields(line)
	if len(f) < 6 || len(f[1]) < 4 || f[1][1] != 'w' || f[1][3] != 's' || filepath.Base(f[len(f)-1]) != s.base {
		return false
	}
	var major, minor uint32
	if _, err := fmt.Sscanf(f[3], "%x:%x", &major, &minor); err != nil {
		return false
	}
	ino, err := strconv.ParseUint(f[4], 10, 64)
	return err == nil && ino == s.ino && unix.Mkdev(major, minor) == s.dev
}
