//go:build linux

package etcd

import (
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
)

// TestTouchesNothing: reading everything leaves no trace, not in the access times either.
func TestTouchesNothing(t *testing.T) {
	for _, sub := range []string{"", "member", "member/wal"} {
		dir := fixture.Dir(t, "etcd-small")
		fixture.Must(t, syscall.Mkfifo(filepath.Join(dir, "member/wal/0000000000000001-0000000000000050.wal"), 0o600))
		fixture.Must(t, os.Symlink("db", filepath.Join(dir, "member/snap/0000000000000002-0000000000000007.snap")))
		folders := []string{dir, dir + "/member", dir + "/member/wal", dir + "/member/snap"}
		for _, folder := range folders {
			fixture.Age(t, folder)
		}
		state := func() (text string) {
			for _, folder := range folders {
				text += fixture.State(t, folder)
			}
			return text
		}
		before := state()
		r := open(t, filepath.Join(dir, sub))
		n := 0
		for e := range r.Entries(0) {
			_, err := e.Data()
			fixture.Must(t, err)
			n++
		}
		for _, f := range r.Native() {
			_, err := io.Copy(io.Discard, io.NewSectionReader(f, 0, f.Attr.Size))
			fixture.Must(t, err)
		}
		refresh(t, r)
		fixture.Must(t, r.Close())
		if after := state(); after != before {
			t.Errorf("the directory has changed:\nbefore\n%s\nafter\n%s", before, after)
		}
		if n != 79 || kinds(r) != "not_a_file not_a_file" {
			t.Errorf("%d entries; problems %s", n, kinds(r))
		}
	}
}

// TestNoDescriptorIsLeftOpen cannot run beside other tests.
func TestNoDescriptorIsLeftOpen(t *testing.T) {
	dir := fixture.Dir(t, "etcd-small")
	count := func() int {
		fds, err := os.ReadDir("/proc/self/fd")
		fixture.Must(t, err)
		return len(fds)
	}
	look := func() {
		r, err := Open(dir)
		fixture.Must(t, err)
		var log walcore.Follower = r
		for _, name := range []string{"a", "b"} {
			fixture.WriteFile(t, filepath.Join(dir, "member/snap", name), nil)
			log, err = log.Refresh()
			fixture.Must(t, err)
			fixture.Must(t, os.Remove(filepath.Join(dir, "member/snap", name)))
			log, err = log.Refresh()
			fixture.Must(t, err)
		}
		fixture.Must(t, log.Close())
	}
	look() // what the runtime opens once
	before := count()
	for range 5 {
		look()
		_, _ = Open(t.TempDir())
	}
	if after := count(); after > before {
		t.Errorf("%d descriptors are open, %d were before", after, before)
	}
}
