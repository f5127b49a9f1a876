package hashicorp

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
)

// FuzzValues: a value is taken apart or refused, and what is said of it lies within it.
func FuzzValues(f *testing.F) {
	for _, name := range fixture.HashiCorp()[:2] {
		r := open(f, fixture.Dir(f, name))
		for e := range r.Entries(1500) {
			l := e.File.Source.(*logFile)
			i, _ := l.find(e.Index)
			b := make([]byte, l.slots[i].value)
			fixture.Must(f, readFull(l.f, b, l.slots[i].at))
			f.Add(b)
		}
	}
	f.Add(msgpackEntry(1, 2, []byte("data")))
	f.Add([]byte("\x81\xaaAppendedAt\xc7\x0c\xff\x00\x00\x00\x01\x00\x00\x00\x00\x60\x00\x00\x00"))
	f.Add([]byte("\x86\xaaAppendedAt\xd7\xff\x00\x00\x00\x01\x60\x00\x00\x00\xa4Data\xdb\xff\xff\xff\xff"))
	f.Add([]byte("\x85\xaaAppendedAt\xa8\x00\x00\x00\x01\x60\x00\x00\x00\xa4Data\xa1x\xa5Index\x01\xa4Term\x01\xa4Type\x00"))
	f.Fuzz(func(t *testing.T, value []byte) {
		usualIsRight(t, value)
		for _, parse := range []parser{parseMsgpack, parseCodec1} {
			r, err := parse(value)
			if err != nil {
				continue
			}
			if r.dataAt < 0 || r.size < 0 || r.dataAt+r.size > len(value) || r.index == 0 || r.index > walcore.MaxNumber || r.term == 0 || r.term > walcore.MaxNumber {
				t.Errorf("%+v of %d bytes", r, len(value))
			}
		}
	})
}

// usualIsRight checks that a value is taken apart as one of any form is, if it has the usual one.
func usualIsRight(t *testing.T, value []byte) (usual bool) {
	t.Helper()
	index, term, got, usual := usualSlot(value)
	if !usual {
		return false
	}
	r, want, err := newSlot(0, value, parseMsgpack)
	if want.sum = 0; err == nil && (got != want || index != r.index || term != r.term) || err != nil && index != 0 && term != 0 {
		t.Errorf("entry %d of term %d, %+v, want %+v, %+v, %v", index, term, got, r, want, err)
	}
	return true
}

// TestUsual: nearly all values have the form that is taken apart fast.
func TestUsual(t *testing.T) {
	n, usual := 0, 0
	r := open(t, fixture.Dir(t, "hashicorp-bolt-n2"))
	for e := range r.Entries(0) {
		l := e.File.Source.(*logFile)
		i, _ := l.find(e.Index)
		b := make([]byte, l.slots[i].value)
		fixture.Must(t, readFull(l.f, b, l.slots[i].at))
		if n++; usualIsRight(t, b) {
			usual++
		}
		for k := range b {
			b[k]++
			usualIsRight(t, b)
			b[k]--
			usualIsRight(t, b[:k])
		}
	}
	if usual < n*9/10 {
		t.Errorf("%d of %d have the usual form", usual, n)
	}
}

// readAll opens a directory and reads all of it: that ends, and gives what was promised.
func readAll(t *testing.T, dir string) {
	t.Helper()
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	last := uint64(0)
	for e := range r.Entries(0) {
		data, err := e.Data()
		if err != nil || int64(len(data)) != e.Size || e.Index <= last || r.Gap(e.Index, e.Index) != nil {
			t.Errorf("entry %d after %d: %v, %v", e.Index, last, err, r.Gap(e.Index, e.Index))
		}
		last = e.Index
	}
	if end, known := r.LastIndex(); known && end < last {
		t.Errorf("the last is %d, and %d is there", end, last)
	}
	terms := r.Terms()
	for i := 1; i < len(terms); i++ {
		if terms[i].Term <= terms[i-1].Term || terms[i].First <= terms[i-1].Last {
			t.Errorf("terms %+v", terms)
		}
	}
	if _, err := r.Refresh(); err != nil {
		t.Error(err)
	}
}

// FuzzRaftDB puts bytes over a small raft.db.
func FuzzRaftDB(f *testing.F) {
	w := newBoltWriter(f, 1024)
	for i := range 60 {
		w.append(1+uint64(i)/20, 30+i*3%200)
	}
	w.append(9, 3000)
	w.commit()
	for _, at := range []int64{0, 1024, 2048 + 8, 3072 + 10, 4096, 2056 + 16} {
		f.Add(uint32(at), []byte{1})
		f.Add(uint32(at), bytes.Repeat([]byte{0xff}, 8))
	}
	whole := fixture.ReadFile(f, w.f.Name())
	used := int(2+region) * 1024
	whole = whole[:min(len(whole), used+40*1024)]
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, at uint32, b []byte) {
		// The log is in two places: what lies between them is a hole.
		n := int(at) % (42 * 1024)
		if n >= 2048 {
			n += used - 2048
		}
		b = b[:min(len(b), len(whole)-min(n, len(whole)))]
		name := filepath.Join(dir, boltName)
		file, err := os.Create(name)
		fixture.Must(t, err)
		defer file.Close()
		_, err = file.WriteAt(whole[:2048], 0)
		fixture.Must(t, err)
		_, err = file.WriteAt(whole[used:], int64(used))
		fixture.Must(t, err)
		_, err = file.WriteAt(b, int64(n))
		fixture.Must(t, err)
		readAll(t, dir)
	})
}

// FuzzSegment puts bytes over the beginning of the tail.
func FuzzSegment(f *testing.F) {
	dir := fixture.Dir(f, "hashicorp-wal-n2")
	name := filepath.Join(dir, tailName)
	whole, ends := rebatched(fixture.ReadFile(f, name), 3)
	whole = whole[:8<<10]
	for _, at := range []int{0, 32, 36, 40, ends[0], ends[1] - 4, ends[len(ends)-1]} {
		f.Add(uint16(at), []byte{3})
		f.Add(uint16(at), []byte("\x01\x00\x00\x00\xff\xff\xff\xff"))
		f.Add(uint16(at), make([]byte, 512))
	}
	f.Fuzz(func(t *testing.T, at uint16, b []byte) {
		damaged := bytes.Clone(whole)
		copy(damaged[int(at)%len(damaged):], b)
		fixture.WriteFile(t, name, damaged)
		readAll(t, dir)
	})
}

// FuzzJSON: the list of segments, and a snapshot's description.
func FuzzJSON(f *testing.F) {
	dir := fixture.Dir(f, "hashicorp-wal-n2")
	r := open(f, dir)
	b, err := r.snapshots[0].meta.all(maxSnapshotMeta)
	fixture.Must(f, err)
	f.Add(b)
	db := fixture.ReadFile(f, filepath.Join(dir, "wal", walMetaName))
	list := db[bytes.Index(db, []byte(`{"NextSegmentID`)):]
	f.Add(list[:bytes.IndexByte(list, 0)])
	f.Fuzz(func(t *testing.T, b []byte) {
		if infos, err := parseInfos(b); err == nil {
			for i := 1; i < len(infos); i++ {
				if infos[i].MinIndex <= infos[i-1].MaxIndex || !infos[i-1].sealed() {
					t.Errorf("%+v", infos)
				}
			}
		}
		if info, err := parseSnapshotInfo(b); err == nil && (info.Index == 0 || info.Size < 0) {
			t.Errorf("%+v", info)
		}
	})
}
