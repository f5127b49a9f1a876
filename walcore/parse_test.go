package walcore

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"sort"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// A second parser of the native format, written from its description alone:
// it calls nothing of this package or of meta, so that a mistake in their
// codecs cannot hide.

type parsedEntry struct {
	term, index uint64
	typ         uint64 // the whole word
	data        string
	file        string
}

type parsedDir struct {
	entries                     []parsedEntry
	raftID, groupID, checkpoint uint64
	term, vote, commit          uint64
	snapIndex, snapTerm         uint64
	snapData                    string
	sizes                       map[string]int64
}

// parseDir reads a plain directory and fails the test where it does not keep
// to the format.
func parseDir(t testing.TB, dir string) *parsedDir {
	t.Helper()
	p := &parsedDir{sizes: map[string]int64{}}
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	sort.Strings(names)
	for _, name := range names {
		st, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		p.sizes[filepath.Base(name)] = st.Size()
		switch filepath.Ext(name) {
		case ".wal":
			p.parseLog(t, name, st.Size())
		case ".meta":
			p.parseMeta(t, name)
		default:
			t.Fatalf("%s does not belong to the format", name)
		}
	}
	return p
}

func (p *parsedDir) parseLog(t testing.TB, name string, size int64) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	head := make([]byte, 1048576)
	if n, err := f.ReadAt(head, 0); err != nil {
		t.Fatalf("%s: %d bytes: %v", name, n, err)
	}
	for i, b := range head[960000:] {
		if b != 0 {
			t.Fatalf("%s: byte %d is %#x, want 0", name, 960000+i, b)
		}
	}
	next, ended := uint64(1048576), false
	for i := 0; i < 30000; i++ {
		row := head[32*i : 32*i+32]
		e := parsedEntry{file: filepath.Base(name)}
		e.term = binary.BigEndian.Uint64(row[0:8])
		e.index = binary.BigEndian.Uint64(row[8:16])
		offset := binary.BigEndian.Uint64(row[16:24])
		e.typ = binary.BigEndian.Uint64(row[24:32])
		if e.index == 0 {
			ended = true
			if e.term != 0 || offset != 0 || e.typ != 0 {
				t.Fatalf("%s slot %d: half empty", name, i)
			}
			continue
		}
		if ended {
			t.Fatalf("%s slot %d: index %d behind the end", name, i, e.index)
		}
		if offset < next || offset+4 > uint64(size) {
			t.Fatalf("%s slot %d: offset %d, want one from %d to %d", name, i, offset, next, size-4)
		}
		var length [4]byte
		if _, err := f.ReadAt(length[:], int64(offset)); err != nil {
			t.Fatal(err)
		}
		n := uint64(binary.BigEndian.Uint32(length[:]))
		if offset+4+n > uint64(size) {
			t.Fatalf("%s slot %d: %d bytes at %d, the file has %d", name, i, n, offset, size)
		}
		data := make([]byte, n)
		if _, err := f.ReadAt(data, int64(offset)+4); err != nil && n > 0 {
			t.Fatal(err)
		}
		e.data = string(data)
		next = offset + 4 + n
		if k := len(p.entries); k > 0 && (e.index != p.entries[k-1].index+1 || e.term < p.entries[k-1].term) {
			t.Fatalf("%s slot %d: index %d term %d after %+v", name, i, e.index, e.term, p.entries[k-1])
		}
		p.entries = append(p.entries, e)
	}
}

func (p *parsedDir) parseMeta(t testing.TB, name string) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) < 1<<20 || len(b)&(len(b)-1) != 0 {
		t.Fatalf("%s: %d bytes", name, len(b))
	}
	u64 := func(at int) uint64 { return binary.BigEndian.Uint64(b[at:]) }
	block := func(at int) []byte { return b[at+4 : at+4+int(binary.BigEndian.Uint32(b[at:]))] }
	p.raftID, p.groupID, p.checkpoint = u64(0), u64(8), u64(16)
	p.snapIndex, p.snapTerm = u64(1024), u64(1032)
	varints := func(b []byte) (v [16]uint64, bytes [16][]byte) {
		for len(b) > 0 {
			num, typ, n := protowire.ConsumeTag(b)
			if n < 0 || num > 15 {
				t.Fatalf("%s: bad tag", name)
			}
			b = b[n:]
			switch typ {
			case protowire.VarintType:
				v[num], n = protowire.ConsumeVarint(b)
			case protowire.BytesType:
				bytes[num], n = protowire.ConsumeBytes(b)
			default:
				t.Fatalf("%s: field %d of type %d", name, num, typ)
			}
			if n < 0 {
				t.Fatalf("%s: bad field %d", name, num)
			}
			b = b[n:]
		}
		return v, bytes
	}
	hs, _ := varints(block(512))
	p.term, p.vote, p.commit = hs[1], hs[2], hs[3]
	_, snap := varints(block(1040))
	p.snapData = string(snap[1])
	md, _ := varints(snap[2])
	if md[2] != p.snapIndex || md[3] != p.snapTerm {
		t.Fatalf("%s: snapshot %d/%d is announced, %d/%d is stored", name, p.snapIndex, p.snapTerm, md[2], md[3])
	}
}
