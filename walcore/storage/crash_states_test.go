package storage

import (
	"flag"
	"fmt"
	"hash/maphash"
	"math/rand"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/walfs/walfs/test/child"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore/crashfs"
	"github.com/walfs/walfs/walcore/format"
	"github.com/walfs/walfs/walcore/vfs"
	"go.etcd.io/raft/v3/raftpb"
)

// The tests of power loss read slot tables of 1 MB by the ten thousand: nothing
// that a small heap is good for.
var _ = debug.SetGCPercent(400)

// stride says which of the states that a power loss could leave are looked at: every so
// many, always the same ones, or all if it is 1. The race detector makes each take ten
// times as long and finds little in them.
var stride = flag.Int("states-every", usualStride(), "look at one of so many states that a power loss could leave")

func usualStride() int {
	if child.Race {
		return 60
	}
	return fixture.Size(12, 3)
}

// crashTest runs changes on a storage and opens every state that a power loss
// could have left.
type crashTest struct {
	t      testing.TB
	opts   Options
	random *rand.Rand
	few    int // states at a step, where not all are looked at
	dir    string
	live   string // the storage's own directory
	disk   *crashfs.Dir

	mu      sync.Mutex
	seed    maphash.Seed
	seen    map[uint64]bool
	drawn   int                         // states that there were
	states  int                         // those that were looked at
	refused atomic.Int64                // by Open
	saved   map[[2]uint64]*raftpb.Entry // ever, by index and term
	past    []expectedLog               // from the last flush of everything to what was acknowledged last
	floor   uint64                      // entries up to here are on disk for certain
	now     change
	done    bool
	problem string // the first that was found
}

func newCrashTest(t testing.TB, opts Options, block int, seed int64, few int) *crashTest {
	opts.Create = true
	c := &crashTest{t: t, opts: opts, random: rand.New(rand.NewSource(seed)), few: few, dir: memDir(t),
		seed: maphash.MakeSeed(), saved: map[[2]uint64]*raftpb.Entry{}, past: []expectedLog{{}}}
	c.live = filepath.Join(c.dir, "live")
	c.opts.Logger = quiet
	c.opts.limits = limits{slots: 40, bytes: format.PayloadAt + 6000}
	c.now = change{name: "create"}
	c.seen = map[uint64]bool{}
	c.opts.wrap = func(d vfs.Dir) vfs.Dir {
		disk, err := crashfs.Wrap(d, block)
		fixture.Must(t, err)
		c.disk = disk
		disk.OnStep(c.step)
		return disk
	}
	return c
}

// allowed is what a power loss in this moment may leave.
func (c *crashTest) allowed() allowed {
	o := allowed{logs: c.past, kept: c.floor, keptNew: c.floor, manual: c.opts.Sync == SyncManual}
	o.wrong = o.manual && !c.opts.Checksums
	if c.done {
		return o
	}
	o.logs = append(c.past[:len(c.past):len(c.past)], c.now.next)
	o.keptNew = c.now.kept
	if c.now.next.snapIndex == c.past[0].snapIndex {
		o.keptNew = min(c.floor, c.now.kept)
		o.kept = o.keptNew
	}
	return o
}

// acknowledged takes note of a change that is complete.
func (c *crashTest) acknowledged() {
	n := c.now
	switch old := c.past[len(c.past)-1]; {
	case c.opts.Sync == SyncAlways || n.flushes:
		c.past, c.floor = []expectedLog{n.next}, n.next.last()
	case n.next.snapIndex != old.snapIndex:
		// The snapshot is on disk, with as much of the hard state as needs no entries.
		first := n.next
		first.hs.commit, first.entries = min(first.hs.commit, first.snapIndex), nil
		c.past, c.floor = []expectedLog{first, n.next}, n.kept
	default:
		c.past, c.floor = append(c.past, n.next), min(c.floor, n.kept)
	}
	c.done = true
}

// step opens the states of this moment, several at a time: readers wait a
// little where a file looks as if it were written to.
func (c *crashTest) step() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.problem != "" {
		return
	}
	var states []crashfs.State
	c.disk.States(c.few, c.random, func(s crashfs.State) {
		key := s.Key(c.seed)
		if c.seen[key] {
			return
		}
		c.seen[key] = true
		if c.drawn++; c.drawn%*stride == 0 {
			states = append(states, s)
		}
	})
	o := c.allowed()
	problems := make([]string, min(len(states), 8))
	var wg sync.WaitGroup
	for k := range problems {
		dir := filepath.Join(c.dir, fmt.Sprint(k))
		wg.Go(func() {
			for i := k; i < len(states) && problems[k] == ""; i += len(problems) {
				n := c.states + i
				problems[k] = c.check(o, states[i], dir, n%4 == 0, n%8 == 1)
			}
		})
	}
	wg.Wait()
	c.states += len(states)
	for _, p := range problems {
		if p != "" && c.problem == "" {
			c.problem = fmt.Sprintf("after a power loss in %q (done: %v): %s\nbefore: %d/%d to %d, after: %d/%d to %d; kept: %d or %d",
				c.now.name, c.done, p, o.logs[0].snapIndex, o.logs[0].snapTerm, o.logs[0].last(),
				o.next().snapIndex, o.next().snapTerm, o.next().last(), o.kept, o.keptNew)
		}
	}
}

// check says what is wrong with a state. tree: it is looked at through the
// mount's tree, too; more: it is written to.
func (c *crashTest) check(o allowed, state crashfs.State, dir string, tree, more bool) string {
	defer os.RemoveAll(dir)
	if err := state.Write(dir); err != nil {
		return err.Error()
	}
	problem := c.checkReader(o, dir, tree)
	if problem == "" {
		problem = c.checkStorage(o, dir, more)
	}
	if problem == "" {
		return ""
	}
	kept, err := os.MkdirTemp("", "walfs-crash-")
	if err == nil {
		os.Remove(kept)
		err = state.Write(kept)
	}
	return fmt.Sprintf("%s\nthe state is in %s (%v)", problem, kept, err)
}

// must fails the test with what a step has found, or with err.
func (c *crashTest) must(err error) {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.problem != "" {
		c.t.Fatal(c.problem)
	}
	fixture.Must(c.t, err)
}

// apply does a change and looks at the states at every step and at its end.
func (c *crashTest) apply(s *DiskStorage, n change) {
	c.t.Helper()
	c.mu.Lock()
	c.now, c.done = n, false
	for _, e := range n.next.entries {
		c.saved[[2]uint64{e.GetIndex(), e.GetTerm()}] = e
	}
	c.seen = map[uint64]bool{}
	c.mu.Unlock()
	c.must(n.do(s))
	now := allowed{logs: []expectedLog{n.next}, kept: n.next.last(), keptNew: n.next.last()}
	if p := now.compare(s); p != "" {
		c.t.Fatalf("%s: %s", n.name, p)
	}
	c.mu.Lock()
	c.acknowledged()
	c.seen = map[uint64]bool{}
	c.mu.Unlock()
	c.step()
	c.must(nil)
}

func (c *crashTest) run(changes int) {
	s, err := Open(c.live, c.opts)
	c.must(err)
	c.done = true
	list := tour()
	for range changes {
		list = append(list, func(r *rand.Rand, w expectedLog) change { return w.draw(r, 30, 300) })
	}
	for i, next := range list {
		c.apply(s, next(c.random, c.now.next))
		if i >= len(tour()) && c.random.Intn(3) == 0 {
			c.apply(s, c.now.next.sync())
		}
		if i%3 == 1 {
			c.must(s.Close())
			c.past, c.floor = []expectedLog{c.now.next}, c.now.next.last()
			s, err = Open(c.live, c.opts)
			c.must(err)
		}
	}
	c.must(s.Close())
}

// After a power loss at any moment everything acknowledged is there, and
// nothing that was never saved, for the storage, for a reader and in the
// mount's tree. With SyncManual what was flushed last is there; of what came
// after it no entry is wrong if there are checksums, and none before it if not.
func TestPowerLoss(t *testing.T) {
	encrypted := []byte("0123456789abcdef")
	for _, v := range []struct {
		name  string
		block int
		opts  Options
	}{
		{"512", 512, Options{}},
		{"4096", 4096, Options{}},
		{"512-checksums", 512, Options{Checksums: true}},
		{"4096-checksums", 4096, Options{Checksums: true}},
		{"512-encrypted", 512, Options{Key: encrypted}},
		{"4096-encrypted-checksums", 4096, Options{Key: encrypted, Checksums: true}},
		{"512-manual", 512, Options{Sync: SyncManual}},
		{"4096-manual", 4096, Options{Sync: SyncManual}},
		{"512-manual-checksums", 512, Options{Sync: SyncManual, Checksums: true}},
		{"4096-manual-encrypted-checksums", 4096, Options{Sync: SyncManual, Key: encrypted, Checksums: true}},
	} {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			// Another seed with -race, so that CI has both.
			seed := int64(0)
			if child.Race {
				seed = 1000
			}
			c := newCrashTest(t, v.opts, v.block, seed, 64)
			c.run(3)
			t.Logf("%d states of %d, %d of them refused", c.states, c.drawn, c.refused.Load())
		})
	}
}
