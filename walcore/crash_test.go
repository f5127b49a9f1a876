package walcore

import (
	"bytes"
	"flag"
	"fmt"
	"hash/maphash"
	"io"
	"log/slog"
	"math/rand"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/walfs/walfs/walcore/crashfs"
	"github.com/walfs/walfs/walcore/vfs"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

var soak = flag.Int("walfs.soak", 1, "how many times as long the random tests run")

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// memDir makes a folder in memory where there is one: these tests open
// thousands of directories and need no disk.
func memDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "walfs-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// crashTest runs changes on a storage and opens every state that a power loss
// could have left.
type crashTest struct {
	t      testing.TB
	opts   Options
	random *rand.Rand
	few    int // states at a step
	dir    string
	live   string // the storage's own directory
	disk   *crashfs.Dir

	mu     sync.Mutex
	seed   maphash.Seed
	seen   map[uint64]bool
	states int
	saved  map[[2]uint64]*raftpb.Entry // ever, by index and term
	old    world
	now    change
	done   bool
}

func newCrashTest(t testing.TB, opts Options, block int, seed int64, few int) *crashTest {
	c := &crashTest{t: t, opts: opts, random: rand.New(rand.NewSource(seed)), few: few, dir: memDir(t),
		seed: maphash.MakeSeed(), saved: map[[2]uint64]*raftpb.Entry{}}
	c.live = filepath.Join(c.dir, "live")
	c.opts.Logger = quiet
	c.opts.limits = limits{slots: 40, bytes: PayloadAt + 6000}
	c.now = change{name: "create"}
	c.seen = map[uint64]bool{}
	c.opts.wrap = func(d vfs.Dir) vfs.Dir {
		disk, err := crashfs.Wrap(d, block)
		must(t, err)
		c.disk = disk
		disk.OnStep(c.step)
		return disk
	}
	return c
}

// step opens the states of this moment.
func (c *crashTest) step() {
	c.mu.Lock()
	defer c.mu.Unlock()
	var states []crashfs.State
	c.disk.States(c.few, c.random, func(s crashfs.State) {
		if key := s.Key(c.seed); !c.seen[key] {
			c.seen[key] = true
			states = append(states, s)
		}
	})
	for _, s := range states {
		c.check(s)
	}
}

func (c *crashTest) check(state crashfs.State) {
	c.states++
	dir := filepath.Join(c.dir, "state")
	must(c.t, os.RemoveAll(dir))
	must(c.t, state.Write(dir))
	if raw, err := os.ReadFile(filepath.Join(c.live, KeyRegistryName)); err == nil {
		must(c.t, os.WriteFile(filepath.Join(dir, KeyRegistryName), raw, 0o600))
	}
	opts := c.opts
	opts.wrap = nil
	// Before the first wal.meta is there the directory is not a log yet.
	opts.Create = c.now.name == "create"
	problem := c.checkReader(dir)
	if problem == "" {
		problem = c.checkStorage(dir, opts)
	}
	if problem != "" {
		kept := filepath.Join(os.TempDir(), "walfs-crash")
		os.RemoveAll(kept)
		must(c.t, os.RemoveAll(dir))
		must(c.t, state.Write(kept))
		c.t.Fatalf("after a power loss in %q (done: %v): %s\nthe state is in %s; before: %d/%d to %d, after: %d/%d to %d",
			c.now.name, c.done, problem, kept, c.old.snapIndex, c.old.snapTerm, c.old.last(),
			c.now.next.snapIndex, c.now.next.snapTerm, c.now.next.last())
	}
}

// checkReader looks for bytes that were never saved.
func (c *crashTest) checkReader(dir string) string {
	r, err := OpenReader(dir, ReaderOptions{Key: c.opts.Key})
	if err != nil {
		if c.now.name == "create" {
			return ""
		}
		return fmt.Sprintf("reader: %v", err)
	}
	defer r.Close()
	for e := range r.Log().Entries(0) {
		data, err := e.Data()
		if err != nil {
			continue // told, not hidden
		}
		want := c.saved[[2]uint64{e.Index, e.Term}]
		if want == nil || string(want.Data) != string(data) || want.GetType() != e.Type {
			return fmt.Sprintf("reader: entry %d of term %d has %q, want %v", e.Index, e.Term, data, want)
		}
	}
	return ""
}

func (c *crashTest) checkStorage(dir string, opts Options) string {
	s, err := Open(dir, opts)
	if err != nil {
		return err.Error()
	}
	defer s.Close()
	if p := c.now.compare(s, c.old, c.done); p != "" || c.random.Intn(8) > 0 {
		return p
	}
	// What was put right stays right, and takes more.
	last, _ := s.LastIndex()
	term, err := s.Term(last)
	if err != nil {
		return err.Error()
	}
	more := &raftpb.Entry{Term: proto.Uint64(term + 1), Index: proto.Uint64(last + 1), Data: []byte("more")}
	if err := s.Save(nil, []*raftpb.Entry{more}, nil); err != nil {
		return err.Error()
	}
	if err := s.Close(); err != nil {
		return err.Error()
	}
	opts.Create = false
	if s, err = Open(dir, opts); err != nil {
		return fmt.Sprintf("opened again: %v", err)
	}
	defer s.Close()
	if p := s.Problems(); len(p) > 0 {
		return fmt.Sprintf("opened again: %v", p)
	}
	got, err := s.Entries(last+1, last+2, 0)
	if err != nil || !proto.Equal(got[0], more) {
		return fmt.Sprintf("opened again: %v, %v", got, err)
	}
	return ""
}

// apply does a change and looks at the states at every step and at its end.
func (c *crashTest) apply(s *DiskStorage, n change) {
	c.mu.Lock()
	c.old, c.now, c.done = c.now.next, n, false
	for _, e := range n.next.entries {
		c.saved[[2]uint64{e.GetIndex(), e.GetTerm()}] = e
	}
	c.seen = map[uint64]bool{}
	c.mu.Unlock()
	must(c.t, n.do(s))
	if p := n.compare(s, c.old, true); p != "" {
		c.t.Fatalf("%s: %s", n.name, p)
	}
	c.done = true
	c.seen = map[uint64]bool{}
	c.step()
}

func (c *crashTest) run(changes int) {
	opts := c.opts
	opts.Create = true
	s, err := Open(c.live, opts)
	must(c.t, err)
	for _, next := range tour(c.random) {
		c.apply(s, next(c.now.next))
	}
	for i := range changes {
		c.apply(s, c.now.next.draw(c.random, 30, 300))
		if i%3 == 2 {
			must(c.t, s.Close())
			s, err = Open(c.live, c.opts)
			must(c.t, err)
		}
	}
	must(c.t, s.Close())
}

// A power loss while payloads are emptied leaves each of them whole, empty, or
// known to be damaged.
func TestPowerLossWhileEmptying(t *testing.T) {
	t.Parallel()
	for _, sums := range []bool{false, true} {
		base := memDir(t)
		var disk *crashfs.Dir
		s := create(t, filepath.Join(base, "live"), Options{Checksums: sums, Logger: quiet, wrap: func(d vfs.Dir) vfs.Dir {
			var err error
			disk, err = crashfs.Wrap(d, 512)
			must(t, err)
			return disk
		}})
		// Every length but the first lies across two sectors, with a
		// byte that is not 0 in each.
		list := someEntries(1, 1, 60)
		for i, e := range list {
			e.Data = bytes.Repeat([]byte{byte(i + 1)}, 508)
		}
		list[0].Data = list[0].Data[:505]
		must(t, s.Save(hard(1, 1, 60), list, nil))
		random, n, done := rand.New(rand.NewSource(1)), 0, false
		look := func(state crashfs.State) {
			dir := filepath.Join(base, fmt.Sprint(n))
			n++
			must(t, state.Write(dir))
			defer os.RemoveAll(dir)
			r := open(t, dir, nil)
			for i, want := range list {
				e, err := r.Log().Entry(uint64(i + 1))
				if err != nil && !done {
					continue
				}
				must(t, err)
				data, err := e.Data()
				must(t, err)
				full := string(data) == string(want.Data)
				if empty := len(data) == 0; !full && !empty || done && full != (i >= 49) {
					t.Fatalf("checksums %v, done %v: entry %d has %q", sums, done, i+1, data)
				}
			}
			must(t, r.Close())
		}
		disk.OnStep(func() {
			if random.Intn(10) == 0 {
				disk.States(10, random, look)
			}
		})
		must(t, s.TruncateEntriesUntil(50))
		done = true
		disk.States(10, random, look)
		t.Logf("%d states", n)
	}
}

// After a power loss at any moment everything acknowledged is there, and
// nothing that was never saved, for the storage and for a reader.
func TestPowerLoss(t *testing.T) {
	for _, v := range []struct {
		name  string
		block int
		opts  Options
	}{
		{"512", 512, Options{}},
		{"4096", 4096, Options{}},
		{"512-checksums", 512, Options{Checksums: true}},
		{"4096-checksums", 4096, Options{Checksums: true}},
		{"512-sealed", 512, Options{Key: []byte("0123456789abcdef")}},
		{"4096-sealed-checksums", 4096, Options{Key: []byte("0123456789abcdef"), Checksums: true}},
	} {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			for seed := range int64(*soak) {
				c := newCrashTest(t, v.opts, v.block, seed, 8)
				c.run(3 * *soak)
				t.Logf("%d states", c.states)
			}
		})
	}
}
