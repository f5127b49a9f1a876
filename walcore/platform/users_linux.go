package platform

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// User is a process that uses something below a folder.
type User struct {
	Process
	Path string // one of what it uses
	How  string // "works in", "has open", "has mapped", "has for its root", or "runs"
}

// Users names the processes that keep a folder's file system from being unmounted: those
// that work in it, or have something of it open or mapped. It sees only what /proc shows
// to this user, and never looks at the folder itself, whose server may not answer.
func Users(folder string) []User {
	proc, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer proc.Close()
	names, _ := proc.Readdirnames(-1) // whatever it has given
	var users []User
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		if how, path := usage(pid, folder); path != "" {
			users = append(users, User{Process{pid, command(pid)}, path, how})
		}
	}
	slices.SortFunc(users, func(a, b User) int { return a.PID - b.PID })
	return users
}

// usage gives one thing that a process uses below a folder.
func usage(pid int, folder string) (how, path string) {
	for _, link := range [...]struct{ name, how string }{{"cwd", "works in"}, {"root", "has for its root"}, {"exe", "runs"}} {
		if target, err := os.Readlink(fmt.Sprintf("/proc/%d/%s", pid, link.name)); err == nil && isBelow(target, folder) {
			return link.how, target
		}
	}
	fds := fmt.Sprintf("/proc/%d/fd", pid)
	names, _ := os.ReadDir(fds)
	for _, fd := range names {
		if target, err := os.Readlink(filepath.Join(fds, fd.Name())); err == nil && isBelow(target, folder) {
			return "has open", target
		}
	}
	maps, err := os.Open(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		return "", ""
	}
	defer maps.Close()
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		if at := strings.IndexByte(lines.Text(), '/'); at >= 0 && isBelow(lines.Text()[at:], folder) {
			return "has mapped", lines.Text()[at:]
		}
	}
	return "", ""
}

func isBelow(path, folder string) bool {
	return path == folder || strings.HasPrefix(path, strings.TrimSuffix(folder, "/")+"/")
}
