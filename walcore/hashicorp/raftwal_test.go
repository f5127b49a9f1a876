package hashicorp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
)

const tailName = "wal/00000000000000001482-0000000000000004.wal"

// rebatched gives a segment whose entries are committed so many at a time, and where its
// commits end. It has its own idea of the format.
func rebatched(b []byte, most int) (segment []byte, ends []int) {
	table := crc32.MakeTable(crc32.Castagnoli)
	segment = bytes.Clone(b[:32])
	begin, entries := 0, 0
	commit := func() {
		sum := crc32.Checksum(segment[begin:], table)
		segment = append(segment, 3, 0, 0, 0, byte(sum), byte(sum>>8), byte(sum>>16), byte(sum>>24))
		begin, entries = len(segment), 0
		ends = append(ends, begin)
	}
	for at := 32; b[at] != 0; {
		n := 8
		if b[at] == 1 {
			n += (int(binary.LittleEndian.Uint32(b[at+4:])) + 7) / 8 * 8
			segment = append(segment, b[at:at+n]...)
			if entries++; entries == most {
				commit()
			}
		}
		at += n
	}
	if entries > 0 {
		commit()
	}
	return append(segment, make([]byte, max(0, len(b)-len(segment)))...), ends
}

// TestRefreshFollowsTail: a log grows with each commit, and what is written without one does
// not count. A commit can be long, and only its end be missing.
func TestRefreshFollowsTail(t *testing.T) {
	for entries, commits := range map[int]int{5: 7, 100: 1} {
		testRefreshFollowsTail(t, entries, commits)
	}
}

func testRefreshFollowsTail(t *testing.T, entries, commits int) {
	m, dir := readManifest(t, "hashicorp-wal-n2"), fixture.Dir(t, "hashicorp-wal-n2")
	name := filepath.Join(dir, tailName)
	whole, ends := rebatched(fixture.ReadFile(t, name), entries)
	if len(ends) != commits {
		t.Fatalf("%d commits", len(ends))
	}
	fixture.WriteFile(t, name, make([]byte, len(whole)))
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	fixture.Must(t, err)
	defer f.Close()
	r := open(t, dir)
	if last, known := r.LastIndex(); last != 1481 || !known || len(r.Problems()) > 0 {
		t.Errorf("an empty tail: %d, %v, %v", last, known, r.Problems())
	}
	last := uint64(1481)
	for i, end := range ends {
		begin := 0
		if i > 0 {
			begin = ends[i-1]
		}
		_, err = f.WriteAt(whole[begin:end-8], int64(begin))
		fixture.Must(t, err)
		before := refresh(t, r)
		if now, _ := before.LastIndex(); now != last || len(before.Problems()) != 1 || before.Problems()[0].Kind != walcore.KindTorn {
			t.Errorf("without a commit: %d after %d, %v", now, last, before.Problems())
		}
		_, err = f.WriteAt(whole[end-8:end], int64(end-8))
		fixture.Must(t, err)
		r = refresh(t, before)
		now, _ := r.LastIndex()
		if now <= last || len(r.Problems()) > 0 {
			t.Errorf("after commit %d: %d after %d, %v", i, now, last, r.Problems())
		}
		if first, same := r.Unchanged(before); first != m.FirstIndex || same != last {
			t.Errorf("after commit %d: %d to %d are unchanged", i, first, same)
		}
		if a, b := r.Files()[0], before.Files()[0]; a != b {
			t.Error("a sealed segment is another file")
		}
		last = now
	}
	if last != m.LastIndex {
		t.Errorf("the last one is %d", last)
	}
	for again := refresh(t, r); again != r; again = refresh(t, r) {
		r = again
	}
	for e := range r.Entries(0) {
		data, err := e.Data()
		if wrong := m.wrong(e, data); wrong != "" || err != nil {
			t.Errorf("entry %d: %s, %v", e.Index, wrong, err)
		}
	}

	// Bytes that are changed in place are never served, and are read again.
	e, err := r.Entry(m.LastIndex)
	fixture.Must(t, err)
	_, err = f.WriteAt([]byte{whole[e.Offset+10] ^ 1}, int64(e.Offset)+10)
	fixture.Must(t, err)
	if _, err := e.Data(); err == nil {
		t.Error("other bytes were served")
	}
	r = refresh(t, r)
	if last, _ := r.LastIndex(); last == m.LastIndex {
		t.Error("the log still has the entry")
	}
}

// TestReadAgainAtLast: bytes that were found to be others are read again, however often a node's
// transactions make reading begin anew or fail.
func TestReadAgainAtLast(t *testing.T) {
	dir := fixture.Dir(t, "hashicorp-wal-n2")
	file, database := fixture.Edit(t, filepath.Join(dir, tailName)), fixture.Edit(t, filepath.Join(dir, walFolder, walMetaName))
	for range 20 { // a transaction does not always come in between
		r := open(t, dir)
		last, _ := r.LastIndex()
		e, err := r.Entry(last)
		fixture.Must(t, err)
		at := int64(e.Offset) + 10
		was := file.Read(at, 1)
		file.Write(at, []byte{was[0] ^ 1})
		if _, err := e.Data(); !errors.Is(err, walcore.ErrChanged) {
			t.Errorf("other bytes: %v", err)
		}
		database.CommitBolt(nil)
		stop, done := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(done)
			for {
				select {
				case <-stop:
					return
				default:
					database.CommitBolt(nil)
				}
			}
		}()
		if next, err := r.Refresh(); err == nil {
			r = next.(*Reader)
		} else if !errors.Is(err, walcore.ErrChanged) {
			t.Error(err)
		}
		close(stop)
		<-done
		if now, _ := refresh(t, r).LastIndex(); now == last {
			t.Fatal("the log still has the entry")
		}
		file.Write(at, was)
	}
}

// TestClosedFiles: what a refresh has closed has changed, for who has the log before.
func TestClosedFiles(t *testing.T) {
	for name, main := range map[string]string{"hashicorp-bolt-n2": boltName, "hashicorp-wal-n2": tailName} {
		dir := fixture.Dir(t, name)
		r := open(t, dir)
		last, _ := r.LastIndex()
		e, err := r.Entry(last)
		fixture.Must(t, err)
		changed := func(what string) {
			t.Helper()
			var s walcore.Scanner
			if _, err := e.Data(); !errors.Is(err, walcore.ErrChanged) {
				t.Errorf("%s of %s: an entry: %v", what, name, err)
			}
			if _, err := s.Data(&e); !errors.Is(err, walcore.ErrChanged) {
				t.Errorf("%s of %s: an entry that is scanned: %v", what, name, err)
			}
		}
		file := filepath.Join(dir, main)
		fixture.WriteFile(t, file+".new", fixture.ReadFile(t, file))
		fixture.Must(t, os.Rename(file+".new", file))
		refresh(t, r)
		changed("a file")

		r = open(t, dir)
		native := r.Native()[0]
		image, err := r.Image()
		fixture.Must(t, err)
		e, err = r.Entry(last)
		fixture.Must(t, err)
		fixture.Must(t, os.Rename(dir, dir+".old"))
		fixture.Must(t, os.Rename(fixture.Dir(t, name), dir))
		refresh(t, r)
		changed("the directory")
		if _, err := native.ReadAt(make([]byte, 1), 0); !errors.Is(err, walcore.ErrChanged) {
			t.Errorf("%s: a file of a directory that is gone: %v", native.Name, err)
		}
		for _, f := range image {
			if _, err := io.Copy(io.Discard, io.NewSectionReader(f, 0, f.Attr.Size)); f.Name != walFolder+"/"+walMetaName && !errors.Is(err, walcore.ErrChanged) {
				t.Errorf("%s of an image of a directory that is gone: %v", f.Name, err)
			}
		}
	}
}

// TestRefreshFollowsDirectory: snapshots go, and a directory that is replaced is read anew.
func TestRefreshFollowsDirectory(t *testing.T) {
	dir := fixture.Dir(t, "hashicorp-wal-n2")
	r := open(t, dir)
	fixture.Must(t, os.RemoveAll(filepath.Join(dir, snapshotsName)))
	r = refresh(t, r)
	if r.Meta().Snapshot.Index != 0 || len(r.Meta().Snapshots) != 0 {
		t.Errorf("a snapshot at %d", r.Meta().Snapshot.Index)
	}
	fixture.Must(t, os.Rename(dir, dir+".old"))
	if _, err := r.Refresh(); err == nil {
		t.Error("a directory that is gone")
	}
	fixture.Must(t, os.Rename(fixture.Dir(t, "hashicorp-bolt-n2"), dir))
	if _, err := r.Refresh(); err == nil {
		t.Error("another store has taken its place")
	}
	fixture.Must(t, os.RemoveAll(dir))
	fixture.Must(t, os.Rename(fixture.Dir(t, "hashicorp-wal-n2"), dir))
	r = refresh(t, r)
	if r.Meta().Snapshot.Index != 1356 {
		t.Errorf("a snapshot at %d", r.Meta().Snapshot.Index)
	}
}

// TestWriteTakesLong: the rest of a write that took long is seen, though the file's time is that
// of its beginning.
func TestWriteTakesLong(t *testing.T) {
	dir := fixture.Dir(t, "hashicorp-wal-n2")
	name := filepath.Join(dir, tailName)
	whole, ends := rebatched(fixture.ReadFile(t, name), 100)
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	fixture.Must(t, err)
	defer f.Close()
	begun := time.Now()
	put := func(from, to int) {
		_, err := f.WriteAt(whole[from:to], int64(from))
		fixture.Must(t, err)
		fixture.Must(t, os.Chtimes(name, begun, begun))
	}
	clear(whole[ends[0]:])
	fixture.Must(t, f.Truncate(0))
	fixture.Must(t, f.Truncate(int64(len(whole))))
	put(0, ends[0]/2)
	r := open(t, dir)
	put(ends[0]/2, ends[0])
	if last, _ := refresh(t, r).LastIndex(); last <= 1481 {
		t.Errorf("the last entry is %d", last)
	}
}

// TestLargeValue: a value that is not held in memory is read as others are, and one that is only
// claimed takes no memory.
func TestLargeValue(t *testing.T) {
	dir := fixture.Dir(t, "hashicorp-wal-n2")
	name := filepath.Join(dir, tailName)
	payload := bytes.Repeat([]byte("walfs"), smallValue)
	at := time.Unix(1700000000, 5).UTC()
	stamp, err := at.MarshalBinary()
	fixture.Must(t, err)
	var value []byte
	for _, n := range []uint64{1482, 9, 0, uint64(len(payload))} {
		value = binary.AppendUvarint(value, n)
	}
	value = append(append(append(value, payload...), 4, 'e', 'x', 't', 's'), stamp...)
	frame := binary.LittleEndian.AppendUint32([]byte{1, 0, 0, 0}, uint32(len(value)))
	frame = append(append(frame, value...), make([]byte, -len(value)&7)...)
	segment := append(fixture.ReadFile(t, name)[:32], frame...)
	sum := crc32.Checksum(segment, crc32.MakeTable(crc32.Castagnoli))
	segment = binary.LittleEndian.AppendUint32(append(segment, 3, 0, 0, 0), sum)
	fixture.WriteFile(t, name, append(segment, make([]byte, 4096)...))
	r := open(t, dir)
	e, err := r.Entry(1482)
	fixture.Must(t, err)
	data, err := e.Data()
	if !bytes.Equal(data, payload) || err != nil || e.Term != 9 {
		t.Errorf("%+v: %d bytes, %v; %v", e, len(data), err, r.Problems())
	}
	if extensions, err := e.Extensions(); string(extensions) != "exts" || err != nil {
		t.Errorf("extensions %q, %v", extensions, err)
	}
	if stored, ok := e.Time(); !ok || !stored.Equal(at) {
		t.Errorf("appended at %v", stored)
	}

	claimed := append(segment[:32:32], 1, 0, 0, 0, 0, 0, 0, 0x06) // 100 MB
	fixture.WriteFile(t, name, claimed)
	fixture.Must(t, os.Truncate(name, 128<<20))
	if n := fixture.Allocated(func() { r = open(t, dir) }); n > 8<<20 {
		t.Errorf("%d bytes were allocated", n)
	}
	if last, _ := r.LastIndex(); last != 1481 {
		t.Errorf("the last entry is %d", last)
	}
}
