package storage

import (
	"errors"
	"fmt"
	"hash/maphash"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/crashfs"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/format"
	"go.etcd.io/raft/v3/raftpb"
)

// TestOpenNeverDestroys damages directories in every way and opens them for writing.
// Where Open refuses, no byte has changed. Where it does not, everything that a reader
// has shown before is shown still, unless it lies in a file that the snapshot has
// replaced; and the log reaches the commit index.
func TestOpenNeverDestroys(t *testing.T) {
	// TestPowerLoss opens images with it.
	fixture.NotForRace(t)
	const snapshotLater = "snapshot, files before it left" // by a crash
	n := 0
	for _, opts := range []Options{{}, {Key: someKey}, {Checksums: true}, {Key: someKey, Checksums: true}} {
		for _, snapshot := range []string{"no snapshot", "snapshot in the first file", snapshotLater} {
			for _, commit := range []uint64{12, 22} {
				n++
				first := n // not the same damages each time
				t.Run(fmt.Sprintf("encrypted=%v/checksums=%v/%s/commit=%d", opts.Key != nil, opts.Checksums, snapshot, commit), func(t *testing.T) {
					t.Parallel()
					c := openCheck{opts: opts, dir: filepath.Join(memDir(t), "w"), commit: commit, seed: maphash.MakeSeed()}
					c.opts.Logger, c.opts.limits = quiet, smallFiles
					switch snapshot {
					case "no snapshot":
						c.build(t, 0)
					case snapshotLater:
						c.build(t, 0)
						old := c.sound
						c.build(t, 12)
						c.sound[format.FileName(1)] = old[format.FileName(1)]
					default:
						c.build(t, 5)
					}
					damages := allDamages()
					for i := first; i < len(damages); i += fixture.Size(60, 12) {
						c.check(t, damages[i])
					}
					if c.opened == 0 || c.refused == 0 {
						t.Errorf("%d opened, %d refused", c.opened, c.refused)
					}
					t.Logf("%d opened, %d of them without what a crash had left, %d refused", c.opened, c.dropped, c.refused)
				})
			}
		}
	}
}

// openCheck opens damaged directories.
type openCheck struct {
	opts   Options
	dir    string
	commit uint64
	sound  crashfs.State
	seed   maphash.Seed

	opened, dropped, refused int
}

// build makes three log files of terms 1 to 3, with entries 1 to 25.
func (c *openCheck) build(t *testing.T, snapshot uint64) {
	fixture.Must(t, os.RemoveAll(c.dir))
	s := create(t, c.dir, c.opts)
	var list []*raftpb.Entry
	for _, part := range []struct{ term, from, n uint64 }{{1, 1, 8}, {2, 9, 9}, {3, 18, 8}} {
		list = append(list, someEntries(part.term, part.from, int(part.n))...)
	}
	for _, i := range []int{1, 12, 22} {
		list[i].Type = raftpb.EntryConfChange.Enum()
	}
	fixture.Must(t, s.Save(hard(3, 1, c.commit), list, nil))
	fixture.Must(t, s.SetCheckpoint(10))
	if snapshot > 0 {
		fixture.Must(t, s.CreateSnapshot(snapshot, &raftpb.ConfState{Voters: []uint64{1, 2, 3}}, []byte("state")))
	}
	fixture.Must(t, s.Close())
	c.sound = stateOf(t, c.dir)
}

// shownEntry is what a reader shows.
type shownEntry struct {
	term uint64
	typ  walcore.EntryType
	data string
	file string
}

// shown gives the entries that can be read, and which files have no problem.
func (c *openCheck) shown(t *testing.T) (entries map[uint64]shownEntry, r *dgraph.Reader) {
	t.Helper()
	r, err := dgraph.OpenReader(c.dir, dgraph.ReaderOptions{Key: c.opts.Key})
	if errors.Is(err, walcore.ErrNotRaftDir) {
		return nil, nil
	}
	fixture.Must(t, err)
	defer r.Close()
	entries = map[uint64]shownEntry{}
	for e := range r.Entries(0) {
		if data, err := e.Data(); err == nil {
			entries[e.Index] = shownEntry{e.Term, e.Type, string(data), e.File.Name}
		}
	}
	r.Problems()
	return entries, r
}

func (c *openCheck) check(t *testing.T, d damageOf) {
	t.Helper()
	fixture.Must(t, os.RemoveAll(c.dir))
	fixture.Must(t, c.sound.Write(c.dir))
	if strings.HasPrefix(d.name, "0") && !exists(filepath.Join(c.dir, d.name[:len(format.FileName(1))])) {
		return // the snapshot's compaction has removed it
	}
	d.do(t, c.dir)
	before, r := c.shown(t)
	files := stateOf(t, c.dir)
	s, err := Open(c.dir, c.opts)
	if err != nil {
		c.refused++
		if now := stateOf(t, c.dir); now.Key(c.seed) != files.Key(c.seed) {
			t.Errorf("%s: Open has failed, and has changed the directory: %v", d.name, err)
		}
		if errors.Is(err, walcore.ErrDamaged) && !strings.Contains(err.Error(), "walfs repair "+c.dir+" OUT") {
			t.Errorf("%s: not said what to do: %v", d.name, err)
		}
		return
	}
	c.opened++
	problems, last, snapshot := s.Problems(), s.lastIndex(), s.meta.snapIndex
	committed := max(s.meta.hard.commit, s.meta.checkpoint)
	if committed > last {
		t.Errorf("%s: opened to %d, but %d is committed", d.name, last, committed)
	}
	fixture.Must(t, s.Close())
	after, _ := c.shown(t)
	replaced := map[string]bool{}
	torn := uint64(1<<64 - 1) // the first index that a torn append with checksums takes along
	for _, p := range problems {
		replaced[p.File] = replaced[p.File] || p.Kind == walcore.KindReplaced
		if p.Kind == walcore.KindTorn {
			c.dropped++
			if c.opts.Checksums && (strings.Contains(p.Message, "checksum") || strings.Contains(p.Message, "payload")) {
				torn = max(p.Index, committed+1)
			}
		}
	}
	for index, was := range before {
		switch now := after[index]; {
		case now == shownEntry{was.term, was.typ, was.data, now.file}:
		case index <= snapshot && replaced[was.file] && c.soundBefore(r, was.file):
		case index >= torn:
		default:
			t.Errorf("%s: entry %d of term %d in %s was shown; after Open: %+v; problems %v", d.name, index, was.term, was.file, now, problems)
		}
	}
}

// soundBefore reports whether the reader had nothing to say against a file.
func (c *openCheck) soundBefore(r *dgraph.Reader, file string) bool {
	for _, f := range r.Files() {
		if f.Name == file {
			return f.Source.(*dgraph.LogFile).Len() > 0
		}
	}
	return false
}
