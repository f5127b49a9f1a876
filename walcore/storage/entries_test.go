package storage

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
	"github.com/walfs/walfs/walcore/vfs"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// sizedEntries makes entries of term 1 from index 1 on, with so many bytes each.
func sizedEntries(sizes ...int) []*raftpb.Entry {
	var list []*raftpb.Entry
	for i, size := range sizes {
		e := &raftpb.Entry{Term: proto.Uint64(1), Index: proto.Uint64(uint64(i + 1))}
		if size > 0 {
			e.Data = make([]byte, size)
		}
		for k := range e.Data {
			e.Data[k] = byte(k + k>>8 + i)
		}
		list = append(list, e)
	}
	return list
}

func clones(list []*raftpb.Entry) (copies []*raftpb.Entry) {
	for _, e := range list {
		copies = append(copies, proto.Clone(e).(*raftpb.Entry))
	}
	return copies
}

func wantEntries(t testing.TB, what string, got, want []*raftpb.Entry) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d entries, want %d", what, len(got), len(want))
	}
	for i, e := range got {
		if !proto.Equal(e, want[i]) {
			t.Fatalf("%s: entry %d of term %d with %d bytes is not that of term %d with %d",
				what, e.GetIndex(), e.GetTerm(), len(e.Data), want[i].GetTerm(), len(want[i].Data))
		}
	}
}

// Entries gives as many as fit, whatever buffers and files they come from.
func TestEntriesOfAnySize(t *testing.T) {
	fixture.NotForRace(t)
	const kib, mib = 1 << 10, 1 << 20
	sizes := []int{0, 1, 300, readWindow - 1, readWindow, 0, 0, 3*readWindow + 7, 20, readWindow / 2, readWindow / 2, 5}
	for range 30 {
		sizes = append(sizes, 40*kib, 0, 17)
	}
	list := sizedEntries(sizes...)
	for name, opts := range map[string]Options{"plain": {}, "with checksums": {Checksums: true}, "encrypted": {Key: someKey}} {
		opts.Logger, opts.limits = quiet, smallFiles
		s := create(t, filepath.Join(memDir(t), "w"), opts)
		fixture.Must(t, s.Save(nil, list, nil))
		end := uint64(len(list)) + 1
		for lo := uint64(1); lo < end; lo += 1 + lo/2 {
			for _, most := range []uint64{0, 400, mib + 30, 1<<64 - 1} {
				got, err := s.Entries(lo, end, most)
				fixture.Must(t, err)
				n, left := 0, most
				for _, e := range list[lo-1:] {
					size := uint64(proto.Size(e))
					if n > 0 && size > left {
						break
					}
					left -= min(left, size)
					n++
				}
				wantEntries(t, name, got, list[lo-1:][:n])
			}
		}
		fixture.Must(t, s.Close())
	}
}

// A log of more than Entries reads before it makes entries of it. No more is read than
// was asked for, and an entry.
func TestEntriesReadInTurns(t *testing.T) {
	fixture.NotForRace(t)
	const size = 3 << 20
	var sizes []int
	for range readAtOnce/size + 2 {
		sizes = append(sizes, size)
	}
	list := sizedEntries(sizes...)
	var w *counted
	s := create(t, filepath.Join(memDir(t), "w"), Options{Sync: SyncManual, Logger: quiet,
		wrap: func(d vfs.Dir) vfs.Dir { w = &counted{Dir: d}; return w }})
	fixture.Must(t, s.Save(nil, list, nil))
	for _, n := range []int{len(list), 2} {
		w.bytesRead = 0
		got, err := s.Entries(1, uint64(len(list))+1, uint64(n*(size+100)))
		fixture.Must(t, err)
		wantEntries(t, "large ones", got, list[:n])
		if most := (n + 1) * (size + format.LengthSize); w.bytesRead > most {
			t.Errorf("%d bytes were read for %d entries, want %d at most", w.bytesRead, n, most)
		}
	}
}

// Raft keeps entries for long. Nothing that happens to the log afterwards changes them.
func TestEntriesStayAsTheyWere(t *testing.T) {
	for name, opts := range map[string]Options{"plain": {}, "encrypted": {Key: someKey}} {
		dir := filepath.Join(memDir(t), "w")
		opts.Logger, opts.limits = quiet, smallFiles
		s := create(t, dir, opts)
		fixture.Must(t, s.Save(hard(1, 1, 40), someEntries(1, 1, 65), nil))
		got, err := s.Entries(1, 66, 1<<40)
		fixture.Must(t, err)
		want := clones(got)
		for _, step := range []struct {
			what string
			do   func() error
		}{
			{"payloads emptied", func() error { return s.TruncateEntriesUntil(30) }},
			{"replaced, in later files and in place", func() error { return s.Save(hard(2, 1, 40), someEntries(2, 43, 30), nil) }},
			{"files removed", func() error { return s.CreateSnapshot(35, oneVoter, nil) }},
			{"closed", s.Close},
			{"a file cut", func() error { return os.Truncate(filepath.Join(dir, format.FileName(5)), 0) }},
		} {
			fixture.Must(t, step.do())
			wantEntries(t, name+": "+step.what, got, want)
		}
	}
}

// A log file that was cut gives an error for what is gone, and never zeros for it.
func TestEntriesOfCutFile(t *testing.T) {
	const whole = 3 // entries before the cut, in the file's first part
	dir := filepath.Join(memDir(t), "w")
	s := create(t, dir, Options{Logger: quiet, limits: smallFiles})
	list := sizedEntries(100, 100, 100, 3000, 100, 100, 100, 100, 100, 100, 100)
	fixture.Must(t, s.Save(nil, list, nil))
	g := s.segments[0]
	for _, cut := range []int64{g.end - 1, g.offset(whole) + 1000, g.offset(whole)} {
		fixture.Must(t, os.Truncate(filepath.Join(dir, g.name), cut))
		_, err := s.Entries(1, 12, 1<<40)
		var where *walcore.Error
		if !errors.Is(err, walcore.ErrDamaged) || !errors.As(err, &where) || where.File != g.name {
			t.Errorf("cut at %d: %v, want damage in %s", cut, err, g.name)
		}
		got, err := s.Entries(1, whole+1, 1<<40)
		fixture.Must(t, err)
		wantEntries(t, "before the cut", got, list[:whole])
		got, err = s.Entries(11, 12, 1<<40)
		fixture.Must(t, err)
		wantEntries(t, "another file", got, list[10:])
	}
}

// What does not fit is not needed, though its file be cut.
func TestEntriesBeforeCutFile(t *testing.T) {
	dir := filepath.Join(memDir(t), "w")
	s := create(t, dir, Options{Logger: quiet, limits: smallFiles})
	list := sizedEntries(100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100)
	fixture.Must(t, s.Save(nil, list, nil))
	fixture.Must(t, os.Truncate(filepath.Join(dir, s.segments[1].name), format.PayloadAt))
	ten := uint64(0)
	for _, e := range list[:10] {
		ten += uint64(proto.Size(e))
	}
	// On disk ten entries take less than in Raft's encoding.
	got, err := s.Entries(1, 12, ten-1)
	fixture.Must(t, err)
	wantEntries(t, "the first file", got, list[:9])
	if _, err := s.Entries(1, 12, 2*ten); !errors.Is(err, walcore.ErrDamaged) {
		t.Errorf("both files: %v, want damage", err)
	}
}

// Entries allocates by the buffer, not by the entry.
func TestEntriesAllocations(t *testing.T) {
	fixture.NotForRace(t)
	const n, size = 12_000, 256
	sizes := make([]int, n)
	for i := range sizes {
		sizes[i] = size
	}
	s := create(t, filepath.Join(memDir(t), "w"), Options{Sync: SyncManual})
	fixture.Must(t, s.Save(nil, sizedEntries(sizes...), nil))
	for _, test := range []struct {
		entries uint64
		most    float64
	}{
		{1, 6},
		{1000, 6},
		{n, 6 + 2*(n*size/readWindow+1)},
	} {
		allocs := testing.AllocsPerRun(20, func() {
			if _, err := s.Entries(1, test.entries+1, 1<<40); err != nil {
				t.Fatal(err)
			}
		})
		if allocs > test.most {
			t.Errorf("%d entries take %v allocations, want %v at most", test.entries, allocs, test.most)
		}
	}
}
