// Package rooms tests that packages import no others than walcore's documentation
// allows.
package rooms

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/walfs/walfs/"

// rooms says, for each package, which others of this module it may import.
var rooms = map[string]string{
	"walcore":            "",
	"walcore/wording":    "",
	"walcore/platform":   "walcore",
	"meta":               "",
	"walcore/format":     "walcore",
	"walcore/dgraph":     "walcore walcore/format walcore/platform meta",
	"walcore/bolt":       "walcore",
	"walcore/etcd":       "walcore walcore/platform walcore/bolt",
	"walcore/hashicorp":  "walcore walcore/platform walcore/bolt",
	"walcore/detect":     "walcore walcore/dgraph walcore/etcd walcore/hashicorp walcore/format walcore/platform",
	"walcore/vfs":        "walcore/platform",
	"walcore/crashfs":    "walcore/vfs",
	"walcore/confstate":  "",
	"walcore/storage":    "walcore walcore/dgraph walcore/format walcore/platform walcore/vfs walcore/confstate meta",
	"walcore/payload":    "walcore walcore/platform",
	"walcore/membership": "walcore walcore/payload walcore/confstate",
	"walcore/pending":    "walcore/payload",
	"walcore/replay":     "walcore walcore/payload",
	"walcore/filter":     "walcore walcore/payload walcore/replay walcore/wording",
	"walcore/stats":      "walcore walcore/payload",
	"walcore/tally":      "walcore walcore/payload walcore/stats",
	"walcore/status":     "walcore",
	"walcore/sums":       "walcore walcore/payload walcore/filter walcore/stats",
	"walcore/export":     "walcore walcore/payload walcore/platform",
	"walcore/diff":       "walcore walcore/payload walcore/status",
	"walcore/check":      "walcore walcore/payload walcore/confstate walcore/membership walcore/replay walcore/status",
	"walcore/explain":    "walcore walcore/payload walcore/membership walcore/pending walcore/replay walcore/stats",
	"walcore/repair": "walcore walcore/format walcore/platform walcore/dgraph walcore/storage walcore/confstate " +
		"walcore/payload walcore/membership walcore/check",
	"walcore/backup": "walcore walcore/dgraph walcore/detect walcore/platform",
	"fsview":         "walcore walcore/payload walcore/membership walcore/status",
	"fsview/fusefs":  "fsview walcore/platform",
	"fsview/httpfs":  "fsview walcore",
}

func list(t *testing.T, args ...string) []string {
	t.Helper()
	out, err := exec.Command("go", append([]string{"list"}, args...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(out))
}

// TestRooms: every package is in rooms, and imports only what it may.
func TestRooms(t *testing.T) {
	for _, pkg := range list(t, module+"walcore/...", module+"fsview/...", module+"meta/...") {
		name := strings.TrimPrefix(pkg, module)
		allowed, known := rooms[name]
		if !known {
			t.Errorf("%s has no room: say in walcore's documentation and here what it may import", name)
			continue
		}
		for _, imported := range list(t, "-f", `{{join .Imports " "}}`, pkg) {
			if to, ours := strings.CutPrefix(imported, module); ours && !slices.Contains(strings.Fields(allowed), to) {
				t.Errorf("%s imports %s", name, to)
			}
		}
	}
}

// TestPure: packages that only compute cannot open files, and walcore needs no other
// module.
func TestPure(t *testing.T) {
	for _, imported := range list(t, "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", module+"walcore") {
		if imported != module+"walcore" {
			t.Errorf("walcore imports %s", imported)
		}
	}
	for _, pure := range []string{"walcore/format", "meta", "walcore/confstate"} {
		for _, imported := range list(t, "-f", `{{join .Imports " "}}`, module+pure) {
			if slices.Contains([]string{"os", "io/ioutil", "net", "syscall", "golang.org/x/sys/unix"}, imported) {
				t.Errorf("%s imports %s", pure, imported)
			}
		}
	}
}

// TestLight: a program that imports the storage or the reader does not get packages
// for servers, nor Dgraph's.
func TestLight(t *testing.T) {
	for _, pkg := range []string{"walcore/storage", "walcore/dgraph", "walcore/etcd", "walcore/hashicorp"} {
		for _, imported := range list(t, "-deps", module+pkg) {
			for _, heavy := range []string{"net/http", "github.com/dgraph-io/", "go.opentelemetry.io/", "github.com/hanwen/go-fuse"} {
				if strings.HasPrefix(imported, heavy) {
					t.Errorf("%s brings %s", pkg, imported)
				}
			}
		}
	}
}
