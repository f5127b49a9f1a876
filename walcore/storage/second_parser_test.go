package storage

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
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
	typ, sum    uint32 // sum: the type word's high half, which fits if it is not 0
	data        string // in the clear
	file        string
}

type parsedConf struct {
	voters, learners, outgoing, next []uint64
	autoLeave                        bool
}

type parsedDir struct {
	entries                     []parsedEntry
	raftID, groupID, checkpoint uint64
	term, vote, commit          uint64
	snapIndex, snapTerm         uint64
	snapData                    string
	conf                        parsedConf
	sizes                       map[string]int64

	dataKeys map[uint64][]byte // by id; empty: all is plain
}

// parseDir reads a directory, whose log files are all encrypted if there is a
// key, and fails the test where it does not keep to the format.
func parseDir(t testing.TB, dir string, key []byte) *parsedDir {
	t.Helper()
	p := &parsedDir{sizes: map[string]int64{}, dataKeys: map[uint64][]byte{}}
	if len(key) > 0 {
		p.parseRegistry(t, filepath.Join(dir, "KEYREGISTRY"), key)
	}
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
		switch ext := filepath.Ext(name); {
		case ext == ".wal":
			p.parseLog(t, name, st.Size())
		case ext == ".meta":
			p.parseMeta(t, name)
		case filepath.Base(name) != "KEYREGISTRY" || len(key) == 0:
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
	for i, b := range head[960000:1048560] {
		if b != 0 {
			t.Fatalf("%s: byte %d is %#x, want 0", name, 960000+i, b)
		}
	}
	keyID := binary.BigEndian.Uint64(head[1048560:])
	baseIV := head[1048568:1048576]
	dataKey, encrypted := p.dataKeys[keyID]
	if encrypted != (len(p.dataKeys) > 0) || !encrypted && (keyID != 0 || binary.BigEndian.Uint64(baseIV) != 0) {
		t.Fatalf("%s: key id %d, IV %x; there are %d data keys", name, keyID, baseIV, len(p.dataKeys))
	}
	next, ended := uint64(1048576), false
	for i := 0; i < 30000; i++ {
		row := head[32*i : 32*i+32]
		e := parsedEntry{file: filepath.Base(name)}
		e.term = binary.BigEndian.Uint64(row[0:8])
		e.index = binary.BigEndian.Uint64(row[8:16])
		offset := binary.BigEndian.Uint64(row[16:24])
		e.sum = binary.BigEndian.Uint32(row[24:28])
		e.typ = binary.BigEndian.Uint32(row[28:32])
		where := fmt.Sprintf("%s slot %d", name, i)
		if e.index == 0 {
			ended = true
			if e.term != 0 || offset != 0 || e.sum != 0 || e.typ != 0 {
				t.Fatalf("%s: half empty", where)
			}
			continue
		}
		if ended {
			t.Fatalf("%s: index %d behind the end", where, e.index)
		}
		if offset < next || offset+4 > uint64(size) {
			t.Fatalf("%s: offset %d, want one from %d to %d", where, offset, next, size-4)
		}
		data := parsePayload(t, where, f, row, offset, uint64(size))
		next = offset + 4 + uint64(len(data))
		if encrypted {
			ctr(t, dataKey, binary.BigEndian.AppendUint64(append([]byte(nil), baseIV...), offset), data)
		}
		e.data = string(data)
		if k := len(p.entries); k > 0 && (e.index != p.entries[k-1].index+1 || e.term < p.entries[k-1].term) {
			t.Fatalf("%s: index %d term %d after %+v", where, e.index, e.term, p.entries[k-1])
		}
		p.entries = append(p.entries, e)
	}
}

// parsePayload reads the payload at an offset, as it is on disk, and checks it
// against the checksum of its slot, if there is one.
func parsePayload(t testing.TB, where string, f *os.File, row []byte, offset, size uint64) []byte {
	t.Helper()
	var length [4]byte
	if _, err := f.ReadAt(length[:], int64(offset)); err != nil {
		t.Fatal(err)
	}
	n := uint64(binary.BigEndian.Uint32(length[:]))
	if offset+4+n > size {
		t.Fatalf("%s: %d bytes at %d, the file has %d", where, n, offset, size)
	}
	data := make([]byte, n)
	if _, err := f.ReadAt(data, int64(offset)+4); err != nil && n > 0 {
		t.Fatal(err)
	}
	if sum := binary.BigEndian.Uint32(row[24:28]); sum != 0 {
		// CRC-32C of the slot without its sum, the length and the stored bytes.
		crc := crc32.New(crc32.MakeTable(crc32.Castagnoli))
		for _, b := range [][]byte{row[:24], {0, 0, 0, 0}, row[28:], length[:], data} {
			crc.Write(b)
		}
		want := crc.Sum32()
		if want == 0 {
			want = math.MaxUint32
		}
		if sum != want {
			t.Fatalf("%s: checksum %08x, want %08x", where, sum, want)
		}
	}
	return data
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
	hs := parseProto(t, name, block(512))
	p.term, p.vote, p.commit = hs.one(1), hs.one(2), hs.one(3)
	snap := parseProto(t, name, block(1040))
	p.snapData = string(snap.blobs[1])
	md := parseProto(t, name, snap.blobs[2])
	if md.one(2) != p.snapIndex || md.one(3) != p.snapTerm {
		t.Fatalf("%s: snapshot %d/%d is announced, %d/%d is stored", name, p.snapIndex, p.snapTerm, md.one(2), md.one(3))
	}
	cs := parseProto(t, name, md.blobs[1])
	p.conf = parsedConf{cs.nums[1], cs.nums[2], cs.nums[3], cs.nums[4], cs.one(5) == 1}
	if len(snap.blobs[2]) > 0 && (len(md.blobs[1]) == 0 || len(cs.nums[5]) != 1) {
		t.Fatalf("%s: the snapshot has no conf state, or one without auto_leave", name)
	}
}

// parsedProto is a message's fields by number.
type parsedProto struct {
	nums  [16][]uint64
	blobs [16][]byte
}

// one is the value of a number that stands there at most once.
func (p *parsedProto) one(field int) uint64 {
	if len(p.nums[field]) == 0 {
		return 0
	}
	return p.nums[field][0]
}

func parseProto(t testing.TB, name string, b []byte) *parsedProto {
	t.Helper()
	p := &parsedProto{}
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 || num > 15 {
			t.Fatalf("%s: bad tag", name)
		}
		b = b[n:]
		switch typ {
		case protowire.VarintType:
			var v uint64
			v, n = protowire.ConsumeVarint(b)
			p.nums[num] = append(p.nums[num], v)
		case protowire.BytesType:
			p.blobs[num], n = protowire.ConsumeBytes(b)
		default:
			t.Fatalf("%s: field %d of type %d", name, num, typ)
		}
		if n < 0 {
			t.Fatalf("%s: bad field %d", name, num)
		}
		b = b[n:]
	}
	return p
}

// parseRegistry reads the data keys.
func (p *parsedDir) parseRegistry(t testing.TB, name string, key []byte) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) < 28 {
		t.Fatalf("%s: %d bytes", name, len(b))
	}
	ctr(t, key, b[:16], b[16:28])
	if string(b[16:28]) != "Hello Badger" {
		t.Fatalf("%s: encrypted with another key", name)
	}
	for b = b[28:]; len(b) > 0; {
		n := int(binary.BigEndian.Uint32(b))
		record := b[8 : 8+n]
		if got, want := crc32.Checksum(record, crc32.MakeTable(crc32.Castagnoli)), binary.BigEndian.Uint32(b[4:]); got != want {
			t.Fatalf("%s: a record's checksum is %08x, want %08x", name, got, want)
		}
		dk := parseProto(t, name, record)
		data := append([]byte(nil), dk.blobs[2]...)
		ctr(t, key, dk.blobs[3], data)
		p.dataKeys[dk.one(1)] = data
		b = b[8+n:]
	}
}

// ctr encrypts b in place, or decrypts it.
func ctr(t testing.TB, key, iv, b []byte) {
	t.Helper()
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	cipher.NewCTR(block, iv).XORKeyStream(b, b)
}
