//go:build linux

package mutate

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"log/slog"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/raftdir"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/format"
	"github.com/walfs/walfs/walcore/storage"
	"go.etcd.io/raft/v3/raftpb"
)

// Base is a sound directory that mutants are made of.
type Base struct {
	Name string
	Key  []byte

	images map[string]*image
	older  map[string]*image // an earlier state of the same directory; nil: there is none
	layout *layout
	truth  map[uint64]truth
	old    map[uint64]truth // of the earlier state
}

// truth is an entry as it was written.
type truth struct {
	term uint64
	typ  walcore.EntryType
	data []byte
	file string
}

// Bases makes them all, or those with the given names, in the same way each time.
func Bases(t testing.TB, names ...string) []*Base {
	t.Helper()
	wanted := func(name string) bool { return len(names) == 0 || slices.Contains(names, name) }
	reader := rand.Reader
	defer func() { rand.Reader = reader }()
	var bases []*Base
	for _, name := range []string{"alpha", "zero", "emptied", "highstart", "rewritten", "sealed128", "sealed256", "bigsnap", "snaponly"} {
		if wanted(name) {
			bases = append(bases, newBase(t, name, fixture.Dir(t, name), "", fixture.Key(name)))
		}
	}
	if fixture.Full() {
		for _, name := range []string{"alpha-encrypted", "cluster-node1", "compacted"} {
			if fixture.Has(name) && wanted(name) {
				bases = append(bases, newBase(t, name, fixture.Dir(t, name), "", fixture.Key(name)))
			}
		}
	}
	for _, w := range written {
		if !wanted(w.name) {
			continue
		}
		rand.Reader = mathrand.NewChaCha8([32]byte([]byte("walfs mutants, " + w.name + "                                ")[:32]))
		before, dir := filepath.Join(t.TempDir(), "before"), filepath.Join(t.TempDir(), "w")
		w.write(t, dir, func() { copyDir(t, before, dir) })
		bases = append(bases, newBase(t, w.name, dir, before, w.key))
	}
	return bases
}

func newBase(t testing.TB, name, dir, before string, key []byte) *Base {
	t.Helper()
	b := &Base{Name: name, Key: key}
	var err error
	b.images, err = readImages(dir)
	fixture.Must(t, err)
	b.layout, b.truth = readLayout(b.images), readTruth(t, dir, key)
	if before != "" {
		b.older, err = readImages(before)
		fixture.Must(t, err)
		b.old = readTruth(t, before, key)
	}
	return b
}

// readTruth reads a sound directory. Other tests compare what is read from fixtures
// with what Dgraph's own code reads, and what is read from written logs with what
// was written.
func readTruth(t testing.TB, dir string, key []byte) map[uint64]truth {
	t.Helper()
	r, err := dgraph.OpenReader(dir, dgraph.ReaderOptions{Key: key})
	fixture.Must(t, err)
	defer r.Close()
	if p := r.Problems(); len(p) > 0 {
		t.Fatalf("%s is not sound: %v", dir, p)
	}
	all := map[uint64]truth{}
	for e := range r.Entries(0) {
		data, err := e.Data()
		fixture.Must(t, err)
		all[e.Index] = truth{e.Term, e.Type, data, e.File.Name}
	}
	return all
}

// written are the bases that are no fixtures: small log files, many to a log, and
// what no fixture has.
var written = []struct {
	name  string
	key   []byte
	write func(t testing.TB, dir string, before func())
}{
	{"plain", nil, func(t testing.TB, dir string, before func()) { writeFiles(dir, raftdir.Options{}, 0, before) }},
	{"snapshot", nil, func(t testing.TB, dir string, before func()) { writeFiles(dir, raftdir.Options{}, 70, before) }},
	{"encrypted", key128, func(t testing.TB, dir string, before func()) {
		writeFiles(dir, raftdir.Options{Key: key128, KeepKeyID: true, NewDataKey: 2}, 0, before)
	}},
	{"encrypted snapshot", key256, func(t testing.TB, dir string, before func()) {
		writeFiles(dir, raftdir.Options{Key: key256, KeepKeyID: true}, 95, before)
	}},
	{"checksums", nil, func(t testing.TB, dir string, before func()) {
		writeFiles(dir, raftdir.Options{}, 0, before)
		addChecksums(t, dir)
	}},
	{"encrypted checksums", key128, func(t testing.TB, dir string, before func()) {
		writeFiles(dir, raftdir.Options{Key: key128, KeepKeyID: true}, 50, before)
		addChecksums(t, dir)
	}},
	{"emptied files", nil, func(t testing.TB, dir string, before func()) {
		w := raftdir.Create(dir, raftdir.Options{Slots: 30})
		defer w.Close()
		w.Append(100)
		w.CommitTo(100)
		before()
		w.Empty(75)
	}},
	{"storage", nil, func(t testing.TB, dir string, before func()) { writeStorage(t, dir, storage.Options{}, before) }},
	{"storage checksums", nil, func(t testing.TB, dir string, before func()) {
		writeStorage(t, dir, storage.Options{Checksums: true}, before)
	}},
	{"storage encrypted checksums", key256, func(t testing.TB, dir string, before func()) {
		writeStorage(t, dir, storage.Options{Checksums: true, Key: key256}, before)
	}},
}

var key128, key256 = []byte("0123456789abcdef"), []byte("0123456789abcdef0123456789abcdef")

// writeFiles writes a log of several files with rewrites in it, in one of them back
// into the file before, and a snapshot.
func writeFiles(dir string, o raftdir.Options, snapshot uint64, before func()) {
	o.Slots = 30
	w := raftdir.Create(dir, o)
	defer w.Close()
	w.Append(50)
	w.Rewind(45)
	w.Append(35)
	w.CommitTo(60)
	w.Rewind(58) // back into the file before
	w.Append(30)
	w.CommitTo(75)
	before()
	w.Rewind(76)
	w.Append(52)
	w.CommitTo(126)
	if snapshot > 0 {
		w.Snapshot(snapshot)
	}
	w.Checkpoint(100)
}

// addChecksums gives each slot the checksum that a DiskStorage gives it.
func addChecksums(t testing.TB, dir string) {
	t.Helper()
	images, err := readImages(dir)
	fixture.Must(t, err)
	for _, f := range readLayout(images).files {
		for i, s := range f.slots {
			raw := f.image.bytes(int64(i)*slotSize, slotSize)
			sum := format.ChecksumAt(raw, f.image.bytes(int64(s.offset), s.end()-int64(s.offset)))
			binary.BigEndian.PutUint32(raw[24:], sum)
			fixture.Edit(t, filepath.Join(dir, f.name)).Write(int64(i)*slotSize, raw)
		}
	}
}

// writeStorage writes a log with a DiskStorage.
func writeStorage(t testing.TB, dir string, o storage.Options, before func()) {
	t.Helper()
	o.Create, o.Sync, o.Logger = true, storage.SyncManual, slog.New(slog.DiscardHandler)
	s, err := storage.Open(dir, o)
	fixture.Must(t, err)
	save := func(term, first, last, commit uint64) {
		var entries []*raftpb.Entry
		for index := first; index <= last; index++ {
			typ := raftpb.EntryType(raftdir.TypeOf(index))
			entries = append(entries, &raftpb.Entry{Term: &term, Index: &index, Type: &typ, Data: raftdir.Payload(index, term)})
		}
		vote := uint64(1)
		fixture.Must(t, s.Save(&raftpb.HardState{Term: &term, Vote: &vote, Commit: &commit}, entries, nil))
	}
	fixture.Must(t, s.SetRaftID(1))
	save(1, 1, 60, 40)
	save(2, 51, 90, 70)
	fixture.Must(t, s.Sync())
	before()
	save(4, 85, 130, 120)
	fixture.Must(t, s.SetCheckpoint(110))
	fixture.Must(t, s.Close())
}

// copyDir copies a directory with its holes.
func copyDir(t testing.TB, to, from string) {
	t.Helper()
	images, err := readImages(from)
	fixture.Must(t, err)
	fixture.Must(t, os.MkdirAll(to, 0o700))
	for name, m := range images {
		fixture.Must(t, m.write(filepath.Join(to, name)))
	}
}

func (a truth) equal(b truth) bool {
	return a.term == b.term && a.typ == b.typ && bytes.Equal(a.data, b.data)
}

// names are the base's files, in order.
func (b *Base) names() []string {
	var names []string
	for name := range b.images {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
