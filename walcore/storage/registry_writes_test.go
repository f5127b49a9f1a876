//go:build linux

package storage

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/walfs/walfs/test/fixture"

	"github.com/walfs/walfs/walcore/format"
)

// agedLog makes an encrypted log of 5 entries whose data key is too old for
// another file. Two files of 10 slots take 15 entries more.
func agedLog(t testing.TB, dir string) {
	t.Helper()
	s := create(t, dir, Options{Key: someKey, limits: smallFiles, Logger: quiet})
	fixture.Must(t, s.Save(nil, someEntries(1, 1, 5), nil))
	fixture.Must(t, s.Close())
	ageDataKey(t, dir, 11)
}

// A key registry is whole and on disk before it has its name, and a data key is
// in it for good before any file uses it.
func TestOrderOfRegistryWrites(t *testing.T) {
	dir, o := filepath.Join(memDir(t), "w"), &ops{}
	opts := Options{Key: someKey, limits: smallFiles, Logger: quiet, wrap: o.wrap(t)}
	want := func(want string) {
		t.Helper()
		// Of later writes other tests tell.
		got, _, _ := strings.Cut(strings.ReplaceAll(o.take(), format.KeyRegistryName, "K"), ", zero")
		if got != want {
			t.Errorf("\n got %s\nwant %s", got, want)
		}
	}
	s := create(t, dir, opts)
	want("remove REWRITE-K, create REWRITE-K, write REWRITE-K, sync REWRITE-K, rename REWRITE-K, sync dir, " +
		"remove m.new, create m.new, truncate m.new, sync m.new, rename m.new, sync dir, " +
		"remove m.new, write K, sync K, create 1, truncate 1")
	fixture.Must(t, s.Close())
	fixture.Must(t, os.RemoveAll(dir))

	agedLog(t, dir)
	s = reopen(t, dir, opts)
	o.take()
	fixture.Must(t, s.Save(nil, someEntries(1, 6, 4), nil))
	o.take()
	fixture.Must(t, s.Save(nil, someEntries(1, 10, 15), nil))
	want("write 1, truncate 1, write K, sync K, create 2, truncate 2")
	if got := dataKeys(s); got != "[1 2 2]" {
		t.Errorf("data keys %s", got)
	}
}

// A power loss while a data key is added, and used, leaves a log that opens
// with the key, and all that was acknowledged. So does one while the registry is
// made: that is part of TestPowerLoss.
func TestPowerLossWhileDataKeyIsAdded(t *testing.T) {
	t.Parallel()
	for _, mode := range []SyncMode{SyncAlways, SyncManual} {
		c := newCrashTest(t, Options{Key: someKey, Sync: mode}, 512, 1, 64)
		s, err := Open(c.live, Options{Create: true, Key: someKey, Logger: quiet, limits: c.opts.limits})
		fixture.Must(t, err)
		w := c.now.next
		first := w.save("append", hardState{1, 1, 0}, w.run(c.random, 1, 1, 30, 100), nil)
		fixture.Must(t, first.do(s))
		fixture.Must(t, s.Close())
		ageDataKey(t, c.live, 11)
		for _, e := range first.next.entries {
			c.saved[[2]uint64{e.GetIndex(), e.GetTerm()}] = e
		}
		c.now, c.done = change{name: "open", next: first.next}, true
		c.past, c.floor = []expectedLog{first.next}, first.next.last()
		s, err = Open(c.live, c.opts)
		c.must(err)
		for range 2 {
			w := c.now.next
			c.apply(s, w.save("append", hardState{1, 1, 0}, w.run(c.random, w.last()+1, 1, 20, 100), nil))
		}
		if got := dataKeys(s); got != "[1 2]" {
			t.Errorf("data keys %s", got)
		}
		c.must(s.Close())
		t.Logf("%d states", c.states)
	}
}

// failOp fails an operation once.
func (o *ops) failOp(op string, cause error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.fail = func(_ int, now string) error {
		if now != op {
			return nil
		}
		o.fail = nil
		return cause
	}
}

// Where a registry cannot be made, Open fails, and works when it is called again.
func TestRegistryCannotBeMade(t *testing.T) {
	const name = newRegistryName
	for _, op := range []string{"remove " + name, "create " + name, "write " + name, "sync " + name, "rename " + name, "sync dir"} {
		dir, o := filepath.Join(memDir(t), "w"), &ops{}
		o.failOp(op, syscall.EIO)
		opts := Options{Key: someKey, Create: true, Logger: quiet, wrap: o.wrap(t)}
		if _, err := Open(dir, opts); !errors.Is(err, syscall.EIO) {
			t.Errorf("%s failed: %v", op, err)
		}
		if _, err := os.Stat(filepath.Join(dir, format.MetaName)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s failed, and Open went on: %v", op, err)
		}
		s := create(t, dir, opts)
		fixture.Must(t, s.Save(nil, someEntries(1, 1, 5), nil))
		fixture.Must(t, s.Close())
		wantLog(t, reopen(t, dir, opts), someEntries(1, 1, 5)...)
		if left, err := filepath.Glob(filepath.Join(dir, "*"+format.KeyRegistryName)); err != nil || len(left) != 1 {
			t.Errorf("%s failed: %v, %v", op, left, err)
		}
	}
}

// Where a data key cannot be added, the storage stops as after any failed write.
func TestDataKeyCannotBeAdded(t *testing.T) {
	for _, cause := range []error{syscall.EIO, syscall.ENOSPC} {
		for _, op := range []string{"write " + format.KeyRegistryName, "sync " + format.KeyRegistryName} {
			dir, o := filepath.Join(memDir(t), "w"), &ops{}
			opts := Options{Key: someKey, limits: smallFiles, Logger: quiet, wrap: o.wrap(t)}
			agedLog(t, dir)
			size := len(fixture.ReadFile(t, filepath.Join(dir, format.KeyRegistryName)))
			s := reopen(t, dir, opts)
			o.failOp(op, cause)
			err := s.Save(nil, someEntries(1, 6, 15), nil)
			if where := fmt.Sprintf("%s offset %d: ", format.KeyRegistryName, size); !errors.Is(err, cause) || !strings.HasPrefix(err.Error(), where) {
				t.Errorf("%s failed: %v", op, err)
			}
			if stopped := s.Save(nil, nil, nil); stopped != err {
				t.Errorf("%s failed: then %v", op, stopped)
			}
			s.Close()
			s = reopen(t, dir, opts)
			wantLog(t, s, someEntries(1, 1, 5)...)
			fixture.Must(t, s.Save(nil, someEntries(1, 6, 15), nil))
			fixture.Must(t, s.Close())
			wantLog(t, reopen(t, dir, opts), someEntries(1, 1, 20)...)
		}
	}
}

// A registry does not grow to a size at which it would not be taken for one.
func TestRegistryIsFull(t *testing.T) {
	const recordSize = 52 // of a data key of 16 bytes
	for _, room := range []int{recordSize, recordSize + 1} {
		dir := filepath.Join(memDir(t), "w")
		agedLog(t, dir)
		name := filepath.Join(dir, format.KeyRegistryName)
		raw := fixture.ReadFile(t, name)
		n := format.MaxRegistry - room - len(raw)
		for pad := n; ; pad-- {
			record, err := format.EncodeRecord(someKey, format.DataKey{ID: 5, Data: make([]byte, pad)})
			fixture.Must(t, err)
			if len(record) == n {
				raw = append(raw, record...)
				break
			}
		}
		fixture.WriteFile(t, name, raw)
		opts := Options{Key: someKey, limits: smallFiles, Logger: quiet}
		s := reopen(t, dir, opts)
		err := s.Save(nil, someEntries(1, 6, 15), nil)
		if room > recordSize {
			fixture.Must(t, err)
		} else if err == nil || !strings.Contains(err.Error(), "copy the log into a new directory") {
			t.Errorf("%d bytes of room: %v", room, err)
		} else if now := fixture.ReadFile(t, name); !slices.Equal(now, raw) {
			t.Errorf("%d bytes of room: the registry has changed", room)
		}
		s.Close()
		s = reopen(t, dir, opts)
		if last, _ := s.LastIndex(); last < 5 || room > recordSize && last != 20 {
			t.Errorf("%d bytes of room: the log ends at %d", room, last)
		}
		fixture.Must(t, s.Close())
	}
}

// A dry run makes and changes a registry in memory alone.
func TestDryRunWithoutTempDir(t *testing.T) {
	dir := filepath.Join(memDir(t), "w")
	empty := memDir(t)
	agedLog(t, dir)
	t.Setenv("TMPDIR", filepath.Join(dir, "none"))
	for _, opts := range []Options{
		{Key: someKey, limits: smallFiles, Logger: quiet, DryRun: true},
		{Key: someKey, limits: smallFiles, Logger: quiet, DryRun: true, Create: true},
	} {
		path, first := dir, uint64(6)
		if opts.Create {
			path, first = empty, 1
		}
		was := snapshotDir(t, path)
		s, err := Open(path, opts)
		fixture.Must(t, err)
		fixture.Must(t, s.Save(nil, someEntries(1, first, 25), nil))
		wantLog(t, s, someEntries(1, 1, int(first)+24)...)
		fixture.Must(t, s.Close())
		if now := snapshotDir(t, path); now != was {
			t.Errorf("a dry run has changed the directory:\n%s\n%s", was, now)
		}
	}
}
