package dgraph

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/nativelog"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
	meaning "github.com/walfs/walfs/walcore/payload"
	"go.etcd.io/raft/v3/raftpb"
)

var recognizer = meaning.NewRecognizer(meaning.Alpha)

// logWithTail is a plain log of one entry, of term 2, with some bytes behind it.
func logWithTail(t *testing.T, tail []byte) *Reader {
	t.Helper()
	slot := make([]byte, format.SlotSize)
	format.EncodeSlot(slot, format.Slot{Term: 2, Index: 1, Offset: format.PayloadAt})
	body := append([]byte{0, 0, 0, 1, 'x'}, tail...)
	file := &fixture.Sparse{Size: format.PayloadAt + int64(len(body)) + 5000,
		Parts: []fixture.Part{{At: 0, Bytes: slot}, {At: format.PayloadAt, Bytes: body}}}
	r, err := OpenFiles("tail", []walcore.NativeFile{{Name: "00001.wal", Attr: walcore.Attr{Size: file.Size}, ReaderAt: file}}, ReaderOptions{})
	fixture.Must(t, err)
	return r
}

const tailAt = format.PayloadAt + 5

func stored(payloads ...[]byte) (b []byte) {
	for _, p := range payloads {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(p))), p...)
	}
	return b
}

// TestTails: which payloads behind a log's end are found.
func TestTails(t *testing.T) {
	fixture.NotForRace(t)
	p := func(n uint64) []byte { return nativelog.Mutation(n, 1) }
	cut := func(b []byte) []byte { return b[7:] } // its beginning is overwritten
	random := make([]byte, 1<<20)
	rand.NewChaCha8([32]byte{}).Read(random)
	foreign := append(p(9), 0x9a, 0x06, 1, 'f') // field 99 is in no schema
	long := stored(bytes.Repeat([]byte{1}, 9))
	long[0] = 0xff
	for _, test := range []struct {
		name string
		tail []byte
		want []uint64
		why  string
	}{
		{"nothing", nil, nil, ""},
		{"behind one that is cut off", append(cut(stored(p(1))), stored(p(2), p(3))...), []uint64{2, 3}, ""},
		{"one", append(cut(stored(p(1))), stored(p(2))...), []uint64{2}, ""},
		{"the last is cut off behind", append(cut(stored(p(1))), stored(p(2), p(3), p(4)[:20])...), []uint64{2}, ""},
		{"right behind the end", stored(p(1), p(2)), nil, "left out"},
		{"right behind the end is one that is not recognized", stored([]byte("hello"), p(2), p(3)), nil, "left out"},
		{"behind two that are not done", append(stored(p(1), p(2)), append(cut(stored(p(3))), stored(p(4))...)...), []uint64{4}, ""},
		{"empty ones between", append(cut(stored(p(1))), stored(p(2), nil, p(3), nil, nil, p(4))...), []uint64{2, 3, 4}, ""},
		{"one of a newer version between", append(cut(stored(p(1))), stored(p(2), p(3), foreign, p(4))...), []uint64{2, 4}, ""},
		{"a length beyond the file", append(cut(stored(p(1))), append(stored(p(2), p(3)), long...)...), []uint64{2}, ""},
		{"behind a page of zeros", append(make([]byte, 8192), stored(p(2), p(3))...), nil, ""},
		{"a power loss has left the second page of an append", append(append(make([]byte, 4096-5), cut(stored(p(1)))...), stored(p(2), p(3))...), nil, ""},
		{"behind a large one that is cut off", append(random, stored(p(2), p(3))...), []uint64{2, 3}, ""},
		{"text", []byte(strings.Repeat("\x00\x00\x00\x0c a text here", 50)), nil, ""},
		{"zeros where lengths might be", append(cut(stored(p(1))), stored(make([]byte, 40), make([]byte, 8))...), nil, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := logWithTail(t, test.tail).Remains(recognizer)
			fixture.Must(t, err)
			for i, f := range got.Found {
				data, err := f.Data()
				if err != nil || i >= len(test.want) || !bytes.Equal(data, p(test.want[i])) || f.Type != walcore.EntryNormal {
					t.Errorf("at %d: %x, %v", f.Offset, data, err)
				}
			}
			if why := got.Searched[0].Note; len(got.Found) != len(test.want) || !strings.Contains(why, test.why) || why != "" && test.why == "" && len(test.want) == 0 {
				t.Errorf("%d are found, want %d: %q", len(got.Found), len(test.want), why)
			}
		})
	}
}

// manyBeginnings takes all for the beginning of a payload, and nothing for one.
type manyBeginnings struct{}

func (manyBeginnings) CanBegin([]byte, int64) bool             { return true }
func (manyBeginnings) TypeOf([]byte) (walcore.EntryType, bool) { return 0, false }

// TestSearchIsGivenUp where it would take too long.
func TestSearchIsGivenUp(t *testing.T) {
	fixture.NotForRace(t)
	tail := bytes.Repeat([]byte{0, 0, 0x20, 0}, 300_000)
	got, err := logWithTail(t, tail).Remains(manyBeginnings{})
	fixture.Must(t, err)
	if s := got.Searched[0]; !strings.Contains(s.Note, "too much looks like") || s.To >= s.From+int64(len(tail)) {
		t.Errorf("%+v", s)
	}
	// So it is at once where earlier parts of the file have taken that long.
	log := logWithTail(t, bytes.Repeat([]byte{1}, 1000))
	part := log.partsOf(log.tables()[0], leftSlots{})[0]
	s := payloadSearch{part: part, l: log.tables()[0], recognizer: recognizer, left: maxRemains, wasted: maxWasted}
	if err := s.run(); err != nil || !s.gaveUp || s.searchedTo != part.from+1 {
		t.Errorf("given up: %v at %d, %v", s.gaveUp, s.searchedTo-part.from, err)
	}
}

// TestLengthsThatLeadOn: lengths that lead from one to the next, four bytes at a time, are not
// followed for ever.
func TestLengthsThatLeadOn(t *testing.T) {
	log := logWithTail(t, bytes.Repeat([]byte{1}, 1000))
	part := log.partsOf(log.tables()[0], leftSlots{})[0]
	s := payloadSearch{part: part, l: log.tables()[0], wasted: maxWasted, next: part.from, at: part.to}
	if !s.mayBeNext(part.to) || s.next != part.from {
		t.Errorf("looked up to %d", s.next-part.from)
	}
}

// counted counts what is read.
type counted struct {
	io.ReaderAt
	bytes int64
}

func (c *counted) ReadAt(p []byte, off int64) (int, error) {
	c.bytes += int64(len(p))
	return c.ReaderAt.ReadAt(p, off)
}

// TestSlotsThatClaimTooMuch: slots that all claim a large payload do not make it be read for
// each of them.
func TestSlotsThatClaimTooMuch(t *testing.T) {
	fixture.NotForRace(t)
	const size, claimed, slots = 8 << 20, 6 << 20, 200
	table := make([]byte, (3+1+slots)*format.SlotSize)
	put := func(i int, s format.Slot) { format.EncodeSlot(table[i*format.SlotSize:], s) }
	var body []byte
	for i := range 3 {
		put(i, format.Slot{Term: 5, Index: uint64(i + 1), Offset: uint64(format.PayloadAt + len(body))})
		body = append(body, 0, 0, 0, 1, 'x')
	}
	const at = format.PayloadAt + 100
	for i := range slots {
		put(4+i, format.Slot{Term: 2, Index: uint64(4 + i), Offset: at, Sum: 1})
	}
	in := &counted{ReaderAt: &fixture.Sparse{Size: size, Parts: []fixture.Part{{At: 0, Bytes: table},
		{At: format.PayloadAt, Bytes: body}, {At: at, Bytes: binary.BigEndian.AppendUint32(nil, claimed)}}}}
	r, err := OpenFiles("claims", []walcore.NativeFile{{Name: "00001.wal", Attr: walcore.Attr{Size: size}, ReaderAt: in}}, ReaderOptions{})
	fixture.Must(t, err)
	r.meta.HardState = &raftpb.HardState{Term: new(uint64(5))}
	in.bytes = 0
	for e := range r.Replaced(0) {
		t.Errorf("entry %d", e.Index)
	}
	if in.bytes < claimed || in.bytes > 2*size {
		t.Errorf("%d bytes of a file of %d are read", in.bytes, int64(size))
	}
}

// FuzzRemains searches any bytes behind a log's end. What is found is a payload, in its
// place, and none overlaps another one.
func FuzzRemains(f *testing.F) {
	p := func(n uint64) []byte { return nativelog.Mutation(n, 1) }
	f.Add(append(stored(p(1))[9:], stored(p(2), nil, p(3))...))
	f.Add(stored(p(1), p(2)))
	f.Add(append(bytes.Repeat([]byte{0}, 30), stored(p(1), p(2))...))
	f.Add(bytes.Repeat([]byte{0, 0, 0, 9}, 30))
	f.Add([]byte("\x00\x00\x00\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, tail []byte) {
		log := logWithTail(t, tail)
		got, err := log.Remains(recognizer)
		fixture.Must(t, err)
		tail = append(tail, make([]byte, 5000)...)
		end := uint64(tailAt)
		for _, found := range got.Found {
			data, err := found.Data()
			if at := found.Offset - tailAt; err != nil || found.Offset <= end && end == tailAt || found.Offset < end ||
				!bytes.Equal(data, tail[at+4:at+4+uint64(found.Size)]) {
				t.Fatalf("at %d, behind %d: %x, %v", found.Offset, end, data, err)
			}
			if _, ok := recognizer.TypeOf(data); !ok || !recognizer.CanBegin(data[:min(len(data), walcore.RecognizedHead)], found.Size) {
				t.Fatalf("%x is no payload, or cannot begin", data)
			}
			end = found.Offset + format.LengthSize + uint64(found.Size)
		}
	})
}
