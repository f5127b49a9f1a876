//go:build linux

package fusefs

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"github.com/walfs/walfs/fsview"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/raftdir"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/hashicorp"
)

// notified notes what a kernel would be told to drop.
type notified struct {
	names map[cachedName]int
	nodes int
}

func (n *notified) InodeNotify(uint64, int64, int64) fuse.Status {
	n.nodes++
	return fuse.OK
}

func (n *notified) EntryNotify(parent uint64, name string) fuse.Status {
	n.names[cachedName{parent, name}]++
	return fuse.OK
}

// unmounted is a file system that is not mounted, and the tree before and after a rewrite
// from entry 101 on.
type unmounted struct {
	*rawFS
	t             *testing.T
	before, after *fsview.Tree
	entries       uint64 // the folder
}

func rewritten(t *testing.T) *unmounted {
	t.Helper()
	w := raftdir.Create(filepath.Join(t.TempDir(), "w"), raftdir.Options{})
	t.Cleanup(w.Close)
	open := func() *fsview.Tree {
		r, err := dgraph.OpenReader(w.Dir(), dgraph.ReaderOptions{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { r.Close() })
		r.Problems() // reads payload lengths, which are not there later
		return fsview.New(r, nil)
	}
	w.Append(1000)
	before := open()
	w.Rewind(100)
	w.Append(10)
	f := &unmounted{rawFS: New(fsview.NewLive(before)).(*rawFS), t: t, before: before, after: open()}
	f.entries = f.lookup(uint64(fsview.Root), "entries").NodeId
	return f
}

func (f *unmounted) lookup(folder uint64, name string) fuse.EntryOut {
	f.t.Helper()
	var out fuse.EntryOut
	if s := f.Lookup(nil, &fuse.InHeader{NodeId: folder}, name, &out); s != fuse.OK {
		f.t.Fatalf("%s: %v", name, s)
	}
	return out
}

func (f *unmounted) pass(second bool) *notified {
	n := &notified{names: map[cachedName]int{}}
	f.invalidate(f.before, f.after, second, n)
	return n
}

// TestUnseenCostsNothing: of 900 entries that are gone or others, a kernel has cached none.
func TestUnseenCostsNothing(t *testing.T) {
	f := rewritten(t)
	if n := f.pass(false); len(n.names) > 0 || n.nodes > 100 {
		t.Errorf("%d names and %d nodes are invalidated: %v", len(n.names), n.nodes, n.names)
	}
}

// TestCachedMeanwhile: what an answer from the tree before may bring to the kernel after the
// first pass is invalidated in the second, and no more.
func TestCachedMeanwhile(t *testing.T) {
	f := rewritten(t)
	f.lookup(f.entries, entryName(500))
	f.lookup(f.entries, "501")
	f.lookup(f.entries, "2000")
	first := f.pass(false)
	f.lookup(f.entries, entryName(510))
	f.lookup(f.entries, "511")
	f.lookup(f.entries, "2001")
	second := f.pass(true)
	for name, in := range map[string]*notified{entryName(500): first, "501": first, "2000": first,
		entryName(510): second, "511": second, "2001": second} {
		if in.names[cachedName{f.entries, name}] == 0 {
			t.Errorf("%s is not invalidated", name)
		}
	}
	// The answers that gave these may have come to the kernel after the first pass.
	for _, name := range []string{entryName(500), "501", "2000"} {
		if second.names[cachedName{f.entries, name}] == 0 {
			t.Errorf("%s is not invalidated a second time", name)
		}
	}
	for name := range second.names {
		if name.name == entryName(700) {
			t.Errorf("%s, which the kernel was never given, is invalidated", name.name)
		}
	}
}

// TestTooManyUnlisted: of names that no list has, a bounded number is remembered. The
// kernel is not to cache the others.
func TestTooManyUnlisted(t *testing.T) {
	f := rewritten(t)
	for round := range 3 {
		for i := range maxUnlisted + 10 {
			out := f.lookup(f.entries, fmt.Sprintf("no-%d-%d", round, i))
			if cached := out.EntryTimeout() > 0; cached != (i < maxUnlisted) {
				t.Fatalf("round %d, name %d: cached for %v", round, i, out.EntryTimeout())
			}
		}
		n := f.pass(false)
		for i := range maxUnlisted {
			if n.names[cachedName{f.entries, fmt.Sprintf("no-%d-%d", round, i)}] == 0 {
				t.Fatalf("round %d, name %d is not invalidated", round, i)
			}
		}
	}
}

// TestManyFolders: beyond a number of folders, the others share one range. None is
// forgotten.
func TestManyFolders(t *testing.T) {
	f := rewritten(t)
	for i := range uint64(maxFolders) {
		f.cached.add(1<<40+i, indexRange{1, 1})
	}
	f.lookup(f.entries, entryName(500))
	if n := f.pass(false); n.names[cachedName{f.entries, entryName(500)}] == 0 {
		t.Error("the name is not invalidated")
	}
	if n := f.pass(true); n.names[cachedName{f.entries, entryName(500)}] == 0 {
		t.Error("the name is not invalidated in the second pass")
	}
}

// TestManyNamesOfAFolder: many names are invalidated with the folder's own name.
func TestManyNamesOfAFolder(t *testing.T) {
	f := rewritten(t)
	for index := uint64(101); index <= 1000; index++ {
		f.lookup(f.entries, entryName(index))
	}
	n := f.pass(false)
	if n.names[cachedName{uint64(fsview.Root), "entries"}] != 1 || len(n.names) > 2*maxInvalidated {
		t.Errorf("%d names are invalidated, the folder's own %d times", len(n.names), n.names[cachedName{uint64(fsview.Root), "entries"}])
	}
}

// TestCommittedIsCached: what is committed may be cached for good, the rest until it is
// invalidated.
func TestCommittedIsCached(t *testing.T) {
	w := raftdir.Create(filepath.Join(t.TempDir(), "w"), raftdir.Options{})
	defer w.Close()
	w.Append(100)
	w.CommitTo(60)
	r, err := dgraph.OpenReader(w.Dir(), dgraph.ReaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	f := &unmounted{rawFS: New(fsview.NewLive(fsview.New(r, nil))).(*rawFS), t: t}
	f.entries = f.lookup(uint64(fsview.Root), "entries").NodeId
	for index, want := range map[uint64]time.Duration{1: forever, 60: forever, 61: untilInvalidated, 100: untilInvalidated} {
		out := f.lookup(f.entries, entryName(index))
		if out.EntryTimeout() != want || out.AttrTimeout() != want {
			t.Errorf("entry %d: cached for %v, %v, want %v", index, out.EntryTimeout(), out.AttrTimeout(), want)
		}
	}

	// A log that does not tell what is committed.
	unknown, err := hashicorp.Open(fixture.Dir(t, "hashicorp-wal-n2"))
	fixture.Must(t, err)
	defer unknown.Close()
	f = &unmounted{rawFS: New(fsview.NewLive(fsview.New(unknown, nil))).(*rawFS), t: t}
	f.entries = f.lookup(uint64(fsview.Root), "entries").NodeId
	last, _ := unknown.LastIndex()
	if out := f.lookup(f.entries, entryName(last)); out.EntryTimeout() != time.Minute || out.AttrTimeout() != time.Minute {
		t.Errorf("cached for %v, %v", out.EntryTimeout(), out.AttrTimeout())
	}
}
