package hashicorp

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"golang.org/x/sys/unix"
)

// TestUntouched: reading all there is changes nothing, not even an access time, and takes no
// lock that a node could meet.
func TestUntouched(t *testing.T) {
	for _, name := range fixture.HashiCorp()[:2] {
		dir := fixture.Dir(t, name)
		folders := []string{dir, filepath.Join(dir, snapshotsName)}
		below, err := filepath.Glob(filepath.Join(dir, snapshotsName, "*"))
		fixture.Must(t, err)
		folders = append(folders, below...)
		if _, err := os.Stat(filepath.Join(dir, walFolder)); err == nil {
			folders = append(folders, filepath.Join(dir, walFolder))
		}
		before := ""
		for _, folder := range folders {
			fixture.Age(t, folder)
		}
		for _, folder := range folders {
			before += fixture.State(t, folder)
		}
		r := open(t, dir)
		for e := range r.Entries(0) {
			if _, err := e.Data(); err != nil {
				t.Error(err)
			}
		}
		for e := range r.Replaced(0) {
			if _, err := e.Data(); err != nil {
				t.Error(err)
			}
		}
		for _, n := range r.Native() {
			if _, err := n.ReadAt(make([]byte, n.Attr.Size), 0); err != nil {
				t.Error(err)
			}
		}
		r = refresh(t, r)
		for name := range r.files {
			f, err := os.Open(filepath.Join(dir, name))
			fixture.Must(t, err)
			if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
				t.Errorf("%s: a node would wait for its lock: %v", name, err)
			}
			f.Close()
		}
		after := ""
		for _, folder := range folders {
			after += fixture.State(t, folder)
		}
		if before != after {
			t.Errorf("%s: before\n%safter\n%s", name, before, after)
		}
	}
}
