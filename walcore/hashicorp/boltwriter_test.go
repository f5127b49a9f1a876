package hashicorp

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/walfs/walfs/test/fixture"
)

// boltWriter writes raft.db as bbolt does, in so far as a reader can tell: each transaction
// writes a new tree, and then a meta page. It reuses pages as early as bbolt ever does: those of
// transaction N are written over by N+2. It shares no code with the reader.
type boltWriter struct {
	t        testing.TB
	f        *os.File
	pageSize int
	txid     uint64
	stable   map[string][]byte
	entries  []testEntry
}

type testEntry struct {
	index, term uint64
	value       []byte
}

// region is how many pages a transaction can take.
const region = 1 << 14

func newBoltWriter(t testing.TB, pageSize int) *boltWriter {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), boltName))
	fixture.Must(t, err)
	t.Cleanup(func() { f.Close() })
	w := &boltWriter{t: t, f: f, pageSize: pageSize, stable: map[string][]byte{}}
	w.commit()
	w.commit()
	return w
}

func (w *boltWriter) dir() string { return filepath.Dir(w.f.Name()) }

// entryData is the payload that an entry of a test has.
func entryData(index, term uint64, size int) []byte {
	b := fmt.Appendf(nil, "entry %d of term %d ", index, term)
	for len(b) < size {
		b = append(b, byte(len(b))*7+byte(index))
	}
	return b
}

// append adds an entry with so many bytes.
func (w *boltWriter) append(term uint64, size int) {
	index := uint64(1)
	if n := len(w.entries); n > 0 {
		index = w.entries[n-1].index + 1
	}
	w.entries = append(w.entries, testEntry{index, term, msgpackEntry(index, term, entryData(index, term, size))})
	w.stable["CurrentTerm"] = binary.BigEndian.AppendUint64(nil, max(term, w.currentTerm()))
}

func (w *boltWriter) currentTerm() uint64 {
	if b := w.stable["CurrentTerm"]; b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// msgpackEntry has its fields in another order than the fixtures, and another kind of time.
func msgpackEntry(index, term uint64, data []byte) []byte {
	b := []byte{0x86}
	b = append(append(b, "\xa5Index\xcf"...), binary.BigEndian.AppendUint64(nil, index)...)
	b = append(append(b, "\xa4Term\xcf"...), binary.BigEndian.AppendUint64(nil, term)...)
	b = append(b, "\xa4Type\x00"...)
	b = append(append(append(b, "\xa4Data\xc6"...), binary.BigEndian.AppendUint32(nil, uint32(len(data)))...), data...)
	b = append(b, "\xaaExtensions\xc0"...)
	return append(append(b, "\xaaAppendedAt\xd6\xff"...), binary.BigEndian.AppendUint32(nil, 1700000000+uint32(index))...)
}

type testPage struct {
	first []byte
	id    uint64
}

// commit writes a transaction.
func (w *boltWriter) commit() {
	w.t.Helper()
	next := 2 + w.txid%2*region
	write := func(flags uint16, keys, values [][]byte, elementFlag uint32) testPage {
		b := pageBytes(next, flags, keys, values, elementFlag, w.pageSize)
		_, err := w.f.WriteAt(b, int64(next)*int64(w.pageSize))
		fixture.Must(w.t, err)
		p := testPage{id: next}
		if len(keys) > 0 {
			p.first = keys[0]
		}
		next += uint64(len(b) / w.pageSize)
		return p
	}
	// Leaves, and branches above them until there is one page.
	var pages []testPage
	for rest := w.entries; ; {
		var keys, values [][]byte
		for size := 16; len(rest) > 0; rest = rest[1:] {
			if size += 16 + 8 + len(rest[0].value); size > w.pageSize && len(keys) > 0 {
				break
			}
			keys, values = append(keys, binary.BigEndian.AppendUint64(nil, rest[0].index)), append(values, rest[0].value)
		}
		pages = append(pages, write(2, keys, values, 0))
		if len(rest) == 0 {
			break
		}
	}
	for len(pages) > 1 {
		var above []testPage
		for part := range slices.Chunk(pages, w.pageSize/32) {
			var keys, ids [][]byte
			for _, p := range part {
				keys, ids = append(keys, p.first), append(ids, binary.LittleEndian.AppendUint64(nil, p.id))
			}
			above = append(above, write(1, keys, ids, 0))
		}
		pages = above
	}
	var keys, values [][]byte
	for _, name := range []string{"CurrentTerm", "LastVoteCand", "LastVoteTerm"} {
		if v := w.stable[name]; v != nil {
			keys, values = append(keys, []byte(name)), append(values, v)
		}
	}
	conf := append(make([]byte, 16), bytes.TrimRight(pageBytes(0, 2, keys, values, 0, w.pageSize), "\x00")...)
	conf = append(conf, make([]byte, 16)...) // zeros that were trimmed
	logs := append(binary.LittleEndian.AppendUint64(nil, pages[0].id), make([]byte, 8)...)
	root := write(2, [][]byte{[]byte(confBucket), []byte(logsBucket)}, [][]byte{conf, logs}, 1)

	meta := make([]byte, 80)
	le := binary.LittleEndian
	le.PutUint64(meta, w.txid%2)
	le.PutUint16(meta[8:], 4)
	le.PutUint32(meta[16:], 0xED0CDAED)
	le.PutUint32(meta[20:], 2)
	le.PutUint32(meta[24:], uint32(w.pageSize))
	le.PutUint64(meta[32:], root.id)
	le.PutUint64(meta[56:], 2+2*region)
	le.PutUint64(meta[64:], w.txid)
	h := fnv.New64a()
	h.Write(meta[16:72])
	le.PutUint64(meta[72:], h.Sum64())
	_, err := w.f.WriteAt(meta, int64(w.txid%2)*int64(w.pageSize))
	fixture.Must(w.t, err)
	w.txid++
}

// pageBytes makes a page, or several of which the first one says that it goes on.
func pageBytes(id uint64, flags uint16, keys, values [][]byte, elementFlag uint32, pageSize int) []byte {
	le := binary.LittleEndian
	b := make([]byte, 16+16*len(keys))
	le.PutUint64(b, id)
	le.PutUint16(b[8:], flags)
	le.PutUint16(b[10:], uint16(len(keys)))
	for i, key := range keys {
		e := b[16+16*i:]
		pos := uint32(len(b) - (16 + 16*i))
		if flags == 2 {
			le.PutUint32(e, elementFlag)
			le.PutUint32(e[4:], pos)
			le.PutUint32(e[8:], uint32(len(key)))
			le.PutUint32(e[12:], uint32(len(values[i])))
			b = append(append(b, key...), values[i]...)
		} else {
			le.PutUint32(e, pos)
			le.PutUint32(e[4:], uint32(len(key)))
			copy(e[8:], values[i])
			b = append(b, key...)
		}
	}
	more := (len(b) - 1) / pageSize
	le.PutUint32(b[12:], uint32(more))
	return append(b, make([]byte, (more+1)*pageSize-len(b))...)
}
