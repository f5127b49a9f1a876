package storage

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
	"github.com/walfs/walfs/walcore/platform"
	"github.com/walfs/walfs/walcore/vfs"
	"go.etcd.io/raft/v3/raftpb"
)

func TestStoreOne(t *testing.T) {
	before := bytes.Repeat([]byte{1}, 32)
	for _, test := range []struct {
		name string
		at   int
		b    []byte
		done bool
	}{
		{"nothing new", 3, []byte{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, true},
		{"a word", 8, []byte{2, 3, 4, 5, 6, 7, 8, 9}, true},
		{"within a word", 10, []byte{2, 3}, true},
		{"the end of one, the next as it was", 15, []byte{2, 1, 1}, true},
		{"the beginning of one, that before as it was", 14, []byte{1, 1, 2}, true},
		{"the last byte", 31, []byte{2}, true},
		{"across two", 15, []byte{2, 2}, false},
		{"two apart", 0, append(bytes.Repeat([]byte{2, 1, 1, 1, 1, 1, 1, 1}, 2), 2), false},
		{"behind the end", 31, []byte{2, 2}, false},
	} {
		m := mapFile(t, before)
		want := bytes.Clone(before)
		if test.done {
			copy(want[test.at:], test.b)
		}
		done, err := storeOne(m, test.at, test.b)
		if done != test.done || err != nil || !bytes.Equal(m, want) {
			t.Errorf("%s: %v, %v, %v; want %v, %v", test.name, done, err, m, test.done, want)
		}
	}
}

// mapFile gives a file's bytes as they are mapped: at a page's beginning.
func mapFile(t *testing.T, b []byte) []byte {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "f"))
	fixture.Must(t, err)
	defer f.Close()
	_, err = f.Write(b)
	fixture.Must(t, err)
	m, err := platform.Map(f, len(b))
	fixture.Must(t, err)
	t.Cleanup(func() { platform.Unmap(m) })
	return m
}

// What is stored while nothing is flushed is what is written otherwise.
func TestMappedAsWritten(t *testing.T) {
	dirs := map[SyncMode]string{}
	for _, mode := range []SyncMode{SyncAlways, SyncManual} {
		dir := filepath.Join(t.TempDir(), "w")
		s := create(t, dir, Options{Sync: mode, Checksums: true, Logger: quiet, limits: limits{slots: 50, bytes: format.MaxFileSize}})
		last := uint64(0)
		for k := range 40 {
			fixture.Must(t, s.Save(hard(uint64(1+k/9), uint64(k/9%3), max(last, 9)-9), someEntries(uint64(1+k/9), last+1, 1+k%7), nil))
			last += uint64(1 + k%7)
			if k%11 == 5 {
				last -= 9
			}
		}
		fixture.Must(t, s.Close())
		dirs[mode] = dir
	}
	files, err := filepath.Glob(filepath.Join(dirs[SyncAlways], "*.*"))
	fixture.Must(t, err)
	if len(files) < 4 {
		t.Fatalf("only %v", files)
	}
	for _, file := range files {
		name := filepath.Base(file)
		a, b := beginning(t, file), beginning(t, filepath.Join(dirs[SyncManual], name))
		if !bytes.Equal(a, b) {
			t.Errorf("%s differs", name)
		}
	}
}

// beginning is what can be mapped of a file.
func beginning(t *testing.T, name string) []byte {
	t.Helper()
	f, err := os.Open(name)
	fixture.Must(t, err)
	defer f.Close()
	b := make([]byte, format.SlotTableSize)
	_, err = io.ReadFull(f, b)
	fixture.Must(t, err)
	return b
}

// A process that is killed can leave a slot without its index, the last word.
func TestSlotCutOffBeforeItsIndex(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "w")
	opts := Options{Sync: SyncManual, Logger: quiet}
	s := create(t, dir, opts)
	list := someEntries(1, 1, 3)
	fixture.Must(t, s.Save(hard(1, 1, 3), list, nil))
	fixture.Must(t, s.Close())
	f, err := os.OpenFile(filepath.Join(dir, "00001.wal"), os.O_RDWR, 0)
	fixture.Must(t, err)
	var slot [format.SlotSize]byte
	format.EncodeSlot(slot[:], format.Slot{Term: 1, Offset: format.PayloadAt + 500, Type: raftpb.EntryType_EntryConfChange})
	_, err = f.WriteAt(slot[:], 3*format.SlotSize)
	fixture.Must(t, err)
	fixture.Must(t, f.Close())

	r := openReader(t, dir, nil)
	if last, _ := r.Last(); last.Index != 3 {
		t.Errorf("a reader sees entries up to %d", last.Index)
	}
	fixture.Must(t, r.Close())
	s = reopen(t, dir, opts)
	if p := s.Problems(); len(p) != 1 || p[0].Kind != walcore.KindTorn {
		t.Errorf("%v, want one torn tail", p)
	}
	wantLog(t, s, list...)
	fixture.Must(t, s.Close())
}

// Somebody cuts the file that is stored to.
func TestMappedFileCut(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "w")
	s := create(t, dir, Options{Sync: SyncManual, Logger: quiet})
	fixture.Must(t, s.Save(hard(1, 1, 1), someEntries(1, 1, 3), nil))
	table := s.current().f.Map(format.SlotTableSize)
	fixture.Must(t, os.Truncate(filepath.Join(dir, "00001.wal"), 0))
	if err := storeSlots(table, 3*format.SlotSize, make([]byte, format.SlotSize)); !errors.Is(err, syscall.EIO) {
		t.Errorf("slots: %v, want %v", err, syscall.EIO)
	}
	fixture.Must(t, os.Truncate(filepath.Join(dir, "wal.meta"), 0))
	err := s.Save(hard(1, 1, 2), nil, nil)
	if !errors.Is(err, syscall.EIO) {
		t.Errorf("hard state: %v, want %v", err, syscall.EIO)
	}
	if again := s.Save(hard(1, 1, 3), nil, nil); again == nil || again.Error() != err.Error() {
		t.Errorf("then %v, want the same", again)
	}
	s.Close()
}

// counted counts the system calls that write, and the bytes that are read.
type counted struct {
	vfs.Dir
	writes, bytesRead int
}

type countedFile struct {
	vfs.File
	of *counted
}

func (c *counted) Create(name string) (vfs.File, error) {
	f, err := c.Dir.Create(name)
	return &countedFile{f, c}, err
}

func (c *counted) Open(name string) (vfs.File, error) {
	f, err := c.Dir.Open(name)
	return &countedFile{f, c}, err
}

func (f *countedFile) WriteAt(b []byte, off int64) (int, error) {
	f.of.writes++
	return f.File.WriteAt(b, off)
}

func (f *countedFile) ReadAt(b []byte, off int64) (int, error) {
	f.of.bytesRead += len(b)
	return f.File.ReadAt(b, off)
}

// A small append that is not flushed takes a system call for its payloads, and
// none for slots and commit index.
func TestOneWriteAnAppend(t *testing.T) {
	var w *counted
	s := create(t, filepath.Join(t.TempDir(), "w"), Options{Sync: SyncManual, Logger: quiet,
		wrap: func(d vfs.Dir) vfs.Dir { w = &counted{Dir: d}; return w }})
	fixture.Must(t, s.Save(hard(1, 1, 1), someEntries(1, 1, 3), nil))
	for last := uint64(3); last < 100; last += 3 {
		w.writes = 0
		fixture.Must(t, s.Save(hard(1, 1, last), someEntries(1, last+1, 3), nil))
		if w.writes != 1 {
			t.Fatalf("%d writes for entries %d to %d, want 1", w.writes, last+1, last+3)
		}
	}
	fixture.Must(t, s.Close())
}

// Only the file that is written has its slots in memory as they are on disk.
func TestFullFilesArePacked(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "w")
	opts := Options{Logger: quiet, limits: limits{slots: 10, bytes: format.MaxFileSize}}
	s := create(t, dir, opts)
	check := func(s *DiskStorage) {
		t.Helper()
		if len(s.segments) < 4 {
			t.Fatalf("only %d files", len(s.segments))
		}
		for _, g := range s.segments[:len(s.segments)-1] {
			if _, packed := g.slotTable.(*packedTable); !packed {
				t.Errorf("%s is not packed", g.name)
			}
		}
	}
	list := someEntries(1, 1, 45)
	fixture.Must(t, s.Save(nil, list[:25], nil))
	fixture.Must(t, s.Save(nil, list[25:], nil))
	check(s)
	wantLog(t, s, list...)
	fixture.Must(t, s.TruncateEntriesUntil(25))
	check(s)
	fixture.Must(t, s.Close())
	s = reopen(t, dir, opts)
	check(s)
	fixture.Must(t, s.Save(nil, someEntries(2, 15, 40), nil)) // back into a packed one
	check(s)
	for i, want := range map[uint64]uint64{14: 1, 15: 2, 54: 2} {
		if got, err := s.Term(i); got != want || err != nil {
			t.Errorf("entry %d has term %d, %v; want %d", i, got, err, want)
		}
	}
	fixture.Must(t, s.Close())
}
