//go:build linux

package fusefs

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/walfs/walfs/test/fixture"
)

func TestReadOnly(t *testing.T) {
	at, _ := serve(t, fixture.Dir(t, "alpha"), nil)
	if got := sh(t, `findmnt -n -o FSTYPE,OPTIONS "$1"`, at); !strings.HasPrefix(got, "fuse.walfs ro,nosuid,nodev") {
		t.Errorf("mounted as %q", got)
	}
	for _, test := range []struct{ op, path string }{
		{"create", "new"},
		{"create", "entries/new"},
		{"create", "entries/00000000000000099999"},
		{"write", "README"},
		{"write", "entries/42"},
		{"write", "native/wal.meta"},
		{"truncate", "entries/42"},
		{"chmod", "entries/42"},
		{"chmod", "entries"},
		{"chown", "entries/42"},
		{"utimes", "entries/42"},
		{"unlink", "entries/42"},
		{"mkdir", "new"},
		{"rmdir", "entries"},
		{"rename", "entries/42"},
		{"link", "entries/42"},
		{"symlink", "new"},
		{"setxattr", "entries/42"},
	} {
		t.Run(test.op+" "+test.path, func(t *testing.T) {
			if got := errnoOf(t, test.op, filepath.Join(at, test.path)); got != syscall.EROFS {
				t.Errorf("%v, want %v", got, syscall.EROFS)
			}
		})
	}
}

// errnos are what looks at alpha's damaged log fail with.
var errnos = []struct {
	op, path string
	want     syscall.Errno
}{
	{"read", "entries/00000000000000000041", 0},
	{"read", "entries/41", 0},
	{"read", "terms/2/41", 0},
	{"read", "terms/00000000000000000002/41", 0},
	{"read", "terms/2/00000000000000000041", 0},
	{"read", "files/00001.wal/41", 0},
	{"read", "types/normal/41", 0},
	{"stat", "entries/041", syscall.ENOENT},
	{"stat", "entries/0", syscall.ENOENT},
	{"stat", "entries/x", syscall.ENOENT},
	{"stat", "entries/-1", syscall.ENOENT},
	{"stat", "entries/18446744073709551616", syscall.ENOENT},
	{"stat", "entries/18446744073709551615", syscall.ENOENT},
	{"stat", "entries/99999", syscall.ENOENT},
	{"stat", "terms/9", syscall.ENOENT},
	{"stat", "terms/1/41", syscall.ENOENT},
	{"stat", "types/conf_change/41", syscall.ENOENT},
	{"stat", "types/other", syscall.ENOENT},
	{"stat", "files/00002.wal", syscall.ENOENT},
	{"stat", "native/KEYREGISTRY", syscall.ENOENT},
	{"stat", "snapshots/latest", syscall.ENOENT},
	{"stat", "nothing", syscall.ENOENT},
	{"stat", "README/x", syscall.ENOTDIR},
	{"read", "entries", syscall.EISDIR},
	{"read", "entries/42", syscall.EIO},
	{"read", "entries/00000000000000000042", syscall.EIO},
	{"stat", "entries/42", syscall.EIO},
	{"stat", "files/00001.wal/42", syscall.EIO},
	{"stat", "entries/45", syscall.EIO},
	{"stat", "entries/975", syscall.EIO},
	{"read", "entries/44", 0},
}

// TestErrors: what does not exist and what is damaged fail with different errors.
func TestErrors(t *testing.T) {
	dir := fixture.Dir(t, "alpha")
	damageAlpha(t, dir)
	at, _ := serve(t, dir, nil)
	for _, test := range errnos {
		if got := errnoOf(t, test.op, filepath.Join(at, test.path)); got != test.want {
			t.Errorf("%s %s: %v, want %v", test.op, test.path, got, test.want)
		}
	}
	// What is damaged is not listed, so that a copy of the rest succeeds.
	if got := sh(t, `cd "$1" && ls entries | wc -l && tar -c entries terms types files | tar -t | wc -l`, at); !strings.HasPrefix(got, "972\n") {
		t.Errorf("%q entries are listed, want 972", got)
	}
}

// damageAlpha damages entries 42, 45 and 975, the last one. 42 has its payload in the slot
// table, 45's length goes beyond the file, and 975's slot has another index.
func damageAlpha(t *testing.T, dir string) {
	t.Helper()
	log := fixture.Edit(t, filepath.Join(dir, "00001.wal"))
	log.Set(41, fixture.Offset, 5)
	log.SetLength(44, 0xfffffff0)
	log.Set(974, fixture.Index, 3)
}
