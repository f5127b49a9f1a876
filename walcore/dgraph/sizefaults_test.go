package dgraph

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/walfs/walfs/walcore/format"
	"go.etcd.io/raft/v3/raftpb"
)

// payload is an entry of a table test: where its slot says that the payload is,
// and the length that is stored there. Offsets are from the first payload on.
type payload struct {
	offset int
	length uint32
	typ    raftpb.EntryType
	sum    uint32
}

// lengthsOf makes the stored lengths of a file of 1,000 bytes of payloads.
func lengthsOf(payloads []payload) *storedLengths {
	raw := make([]byte, len(payloads)*format.SlotSize)
	stored := map[uint64]uint32{}
	in := &storedLengths{fileSize: format.PayloadAt + 1000, end: len(payloads), failed: map[int]error{}}
	for i, p := range payloads {
		s := format.Slot{Term: 1, Index: uint64(i + 1), Offset: uint64(format.PayloadAt + p.offset), Type: p.typ, Sum: p.sum}
		format.EncodeSlot(raw[i*format.SlotSize:], s)
		stored[s.Offset] = p.length
		in.lengths = append(in.lengths, p.length)
	}
	slots := format.PackSlots(raw)
	in.slots = &slots
	in.entries = entrySlots{runs: []run{{slot: 0, n: len(payloads), index: 1}}}
	in.lengthAt = func(offset uint64) (uint32, error) { return stored[offset], nil }
	in.leftover = func(int) (format.Slot, bool) { return format.Slot{}, false }
	in.read = func(p []byte, _ uint64) error { copy(p, strings.Repeat("payload that was emptied ", 10)); return nil }
	return in
}

// short is the faults in a short form: slot and kind of each.
func (f sizeFaults) short() string {
	var b strings.Builder
	for _, fault := range f.list {
		fmt.Fprintf(&b, "%d %s; ", fault.slot, fault.kind)
	}
	return strings.TrimSuffix(b.String(), "; ")
}

const confChange = raftpb.EntryType_EntryConfChange

// sumOfEmpty is the checksum of an empty payload behind the slot that lengthsOf
// makes first.
var sumOfEmpty = format.Checksum(format.Slot{Term: 1, Index: 1, Offset: format.PayloadAt}, make([]byte, format.LengthSize))

// sizeFaultCase is a file's payloads, and the faults that are to be found in their
// lengths, in short form. change, if there is one, changes what lengthsOf makes.
type sizeFaultCase struct {
	name     string
	payloads []payload
	want     string
	change   func(in *storedLengths)
}

var sizeFaultCases = []sizeFaultCase{
	{"no entries", nil, "", nil},
	{"packed", []payload{{0, 6, 0, 0}, {10, 0, 0, 0}, {14, 6, confChange, 0}}, "", nil},
	{"up to the file's end", []payload{{0, 996, 0, 0}}, "", nil},

	{"a byte more than the file has", []payload{{0, 997, 0, 0}}, "0 length", nil},
	{"4 GiB", []payload{{0, 6, 0, 0}, {10, 1<<32 - 1, 0, 0}, {20, 6, 0, 0}, {30, 6, 0, 0}}, "1 length", nil},
	{"cannot be read", []payload{{0, 6, 0, 0}, {10, 0, 0, 0}, {20, 6, 0, 0}, {30, 6, 0, 0}}, "1 unreadable",
		func(in *storedLengths) { in.failed[1] = errors.New("EIO") }},
	{"a checksum of bytes, and none there", []payload{{0, 0, 0, 77}}, "0 length", nil},
	{"a checksum of no bytes", []payload{{0, 0, 0, sumOfEmpty}}, "", nil},

	{"emptied", []payload{{0, 0, 0, 0}, {10, 0, 0, 0}, {20, 6, 0, 0}, {30, 6, 0, 0}}, "", nil},
	{"emptied, but for a conf change", []payload{{0, 6, confChange, 0}, {10, 0, 0, 0}, {20, 6, 0, 0}}, "", nil},
	{"empty behind a full one", []payload{{0, 6, 0, 0}, {10, 0, 0, 0}, {20, 6, 0, 0}, {30, 6, 0, 0}}, "1 length", nil},
	{"empty behind one that was full before", []payload{{0, 0, 0, 0}, {10, 6, 0, 0}, {20, 0, 0, 0}, {30, 6, 0, 0}, {40, 1, 0, 0}}, "2 length", nil},
	{"the same where others are known to be sound", []payload{{0, 0, 0, 0}, {10, 6, 0, 0}, {20, 0, 0, 0}, {30, 6, 0, 0}, {40, 1, 0, 0}}, "2 length",
		func(in *storedLengths) { in.sound, in.emptyingEnded = 2, true }},
	{"a gap in an encrypted file", []payload{{0, 6, 0, 0}, {50, 6, 0, 0}}, "", beforeARewrite},
	{"not where a rewrite begins", []payload{{0, 6, 0, 0}, {50, 6, 0, 0}, {60, 6, 0, 0}}, "0 length", func(in *storedLengths) { in.encrypted = true }},
	{"the gap cannot be read", []payload{{0, 6, 0, 0}, {50, 6, 0, 0}, {60, 6, 0, 0}}, "0 unreadable", func(in *storedLengths) {
		in.encrypted = true
		in.read = func([]byte, uint64) error { return errors.New("EIO") }
	}},
	{"a gap before the first payload", []payload{{50, 6, 0, 0}, {60, 6, 0, 0}}, "", beforeARewrite},
	{"the same in a plain file", []payload{{50, 6, 0, 0}, {60, 6, 0, 0}, {70, 6, 0, 0}}, "0 offset", nil},
	{"an overlap in an encrypted file", []payload{{0, 7, 0, 0}, {10, 6, 0, 0}, {20, 1, 0, 0}}, "0 length",
		func(in *storedLengths) { in.encrypted = true }},
	{"a slot between is no entry", []payload{{0, 6, 0, 0}, {999, 9, 0, 0}, {20, 6, 0, 0}, {30, 6, 0, 0}}, "",
		func(in *storedLengths) {
			in.entries.dropped = []bool{false, true, false, false}
			in.lengthAt = lengthsOfTens
		}},
	{"it is none, but its offset is right", []payload{{0, 5, 0, 0}, {10, 6, 0, 0}, {20, 6, 0, 0}, {30, 6, 0, 0}}, "0 length",
		func(in *storedLengths) { in.entries.dropped = []bool{false, true, false, false} }},
	{"too short before slots without offsets", []payload{{0, 5, 0, 0}, {-9, 6, 0, 0}, {-9, 6, 0, 0}, {30, 6, 0, 0}, {40, 6, 0, 0}}, "0 length",
		func(in *storedLengths) {
			in.entries.dropped = []bool{false, true, true, false, false}
			in.lengthAt = lengthsOfTens
		}},
	{"it ends where another entry does", []payload{{0, 16, 0, 0}, {-9, 6, 0, 0}, {-9, 6, 0, 0}, {30, 6, 0, 0}, {40, 6, 0, 0}}, "0 length",
		func(in *storedLengths) {
			in.entries.dropped = []bool{false, true, true, false, false}
			in.lengthAt = lengthsOfTens
		}},
	{"the last slot is half written", []payload{{0, 6, 0, 0}, {10, 6, 0, 0}, {-format.PayloadAt, 0, 0, 0}}, "",
		func(in *storedLengths) { in.entries.dropped = []bool{false, false, true} }},
	{"the last payload never got to the disk", []payload{{0, 6, 0, 0}, {10, 6, 0, 0}, {1000, 0, 0, 0}}, "",
		func(in *storedLengths) { in.entries.dropped = []bool{false, false, true} }},

	{"full", []payload{{0, 6, 0, 0}, {10, 986, 0, 0}}, "", full},
	{"full, and more behind it", []payload{{0, 6, 0, 0}, {10, 6, 0, 0}}, "1 length", full},
	{"full, the last one emptied", []payload{{0, 0, 0, 0}, {10, 0, 0, 0}}, "", full},
	{"full, the last one empty behind a full one", []payload{{0, 6, 0, 0}, {10, 0, 0, 0}}, "1 length", full},
	{"full, encrypted, and rewritten to its end", []payload{{0, 6, 0, 0}, {10, 6, 0, 0}}, "", func(in *storedLengths) { full(in); beforeARewrite(in) }},
	{"full, the last slot half written", []payload{{0, 6, 0, 0}, {-format.PayloadAt, 0, 0, 0}}, "",
		func(in *storedLengths) {
			full(in)
			in.entries.dropped = []bool{false, true}
			in.lengthAt = func(uint64) (uint32, error) { return 986, nil }
		}},
	{"the same, and its length wrong", []payload{{0, 6, 0, 0}, {-format.PayloadAt, 0, 0, 0}}, "0 length",
		func(in *storedLengths) {
			full(in)
			in.entries.dropped = []bool{false, true}
			in.lengthAt = func(uint64) (uint32, error) { return 985, nil }
		}},

	{"full, and slots are lost that others come after", []payload{{0, 6, 0, 0}, {10, 6, 0, 0}}, "", leftover(5, 50)},
	{"the same, and too long", []payload{{0, 6, 0, 0}, {10, 16, 0, 0}}, "1 length", leftover(5, 50)},

	{"empty, and a file before was not emptied", []payload{{0, 0, 0, 0}, {10, 0, 0, 0}, {20, 6, 0, 0}, {30, 6, 0, 0}}, "0 length; 1 length",
		func(in *storedLengths) { in.endedEarlier = func() bool { return true } }},
	{"empty, and the files before were emptied", []payload{{0, 0, 0, 0}, {10, 0, 0, 0}, {20, 6, 0, 0}, {30, 6, 0, 0}}, "",
		func(in *storedLengths) { in.endedEarlier = func() bool { return false } }},
	{"nothing where the payload was", []payload{{0, 0, 0, 0}, {20, 0, 0, 0}, {40, 6, 0, 0}, {50, 6, 0, 0}}, "0 length; 1 length", zerosUpTo(40)},
	{"the same, and one behind that may be lost", []payload{{0, 0, 0, 0}, {20, 0, 0, 0}, {40, 6, 0, 0}, {50, 6, 0, 0}}, "0 length; 1 length", zerosUpTo(20)},
	{"the same, and two that may be", []payload{{0, 0, 0, 0}, {20, 0, 0, 0}, {40, 0, 0, 0}, {60, 6, 0, 0}, {70, 6, 0, 0}}, "0 length; 1 length; 2 length", zerosUpTo(20)},
	{"the same, and one in another block that was emptied", []payload{{0, 0, 0, 0}, {20, 0, 0, 0}, {5000, 0, 0, 0}, {5020, 6, 0, 0}, {5030, 6, 0, 0}}, "0 length",
		func(in *storedLengths) { zerosUpTo(20)(in); in.fileSize += 9000 }},
	{"the same at the end", []payload{{0, 0, 0, 0}, {20, 0, 0, 0}, {40, 0, confChange, 0}}, "0 length; 1 length", zerosUpTo(20)},

	{"empty behind a damaged length", []payload{{0, 7, 0, 0}, {10, 0, 0, 0}, {20, 6, 0, 0}, {30, 6, 0, 0}}, "0 length; 1 length", nil},
	{"empty before one", []payload{{0, 0, 0, 0}, {10, 7, 0, 0}, {20, 6, 0, 0}, {30, 6, 0, 0}}, "0 length; 1 length", nil},
	{"empty before one of a conf change", []payload{{0, 0, 0, 0}, {10, 0, confChange, 0}, {20, 6, 0, 0}, {30, 6, 0, 0}}, "0 length; 1 length", nil},
	{"empty, packed, beside one", []payload{{0, 7, 0, 0}, {10, 0, 0, 0}, {14, 6, 0, 0}, {24, 6, 0, 0}}, "0 length", nil},
	{"emptied beside one, and far behind it", []payload{{0, 0, 0, 0}, {10, 7, 0, 0}, {20, 0, 0, 0}, {5000, 0, 0, 0}, {5010, 6, 0, 0}, {5020, 6, 0, 0}}, "1 length",
		func(in *storedLengths) { in.fileSize += 9000 }},
	{"emptied, and one damaged behind a full one", []payload{{0, 0, 0, 0}, {10, 6, 0, 0}, {20, 7, 0, 0}, {30, 6, 0, 0}, {40, 6, 0, 0}}, "2 length", nil},
	{"the last one empty, and one damaged before a full one", []payload{{0, 7, 0, 0}, {10, 6, 0, 0}, {20, 0, 0, 0}}, "0 length", nil},
	{"emptied, and one damaged behind a full conf change", []payload{{0, 0, 0, 0}, {10, 6, confChange, 0}, {20, 7, 0, 0}, {30, 6, 0, 0}, {40, 6, 0, 0}}, "2 length", nil},
	{"the last one empty beside a damaged one", []payload{{0, 7, 0, 0}, {10, 0, confChange, 0}, {14, 0, 0, 0}}, "0 length; 2 length", nil},
	{"the last one of a file, beside no damage, tells nothing", []payload{{0, 7, 0, 0}, {10, 0, 0, 0}, {5000, 6, confChange, 0}, {5010, 0, 0, 0}}, "0 length; 1 length",
		func(in *storedLengths) { in.fileSize += 9000 }},

	{"too long", []payload{{0, 6, 0, 0}, {10, 60, 0, 0}, {20, 6, 0, 0}, {30, 6, 0, 0}}, "1 length", nil},
	{"too short", []payload{{0, 6, 0, 0}, {10, 5, 0, 0}, {20, 6, 0, 0}, {30, 6, 0, 0}}, "1 length", nil},
	{"an offset too high", []payload{{0, 6, 0, 0}, {25, 6, 0, 0}, {20, 6, 0, 0}, {30, 6, 0, 0}}, "1 offset",
		func(in *storedLengths) { in.lengthAt = lengthsOfTens }},
	{"an offset as the one after", []payload{{0, 6, 0, 0}, {20, 6, 0, 0}, {20, 6, 0, 0}, {30, 6, 0, 0}}, "1 offset",
		func(in *storedLengths) { in.lengthAt = lengthsOfTens }},
	{"the first offset too high", []payload{{15, 6, 0, 0}, {10, 6, 0, 0}, {20, 6, 0, 0}}, "0 offset", nil},
	{"the last offset: either of two", []payload{{0, 6, 0, 0}, {10, 6, 0, 0}, {90, 6, 0, 0}}, "1 length; 2 offset", nil},
	{"lengths lead to a later offset by chance", []payload{{0, 10, 0, 0}, {10, 5, 0, 0}, {20, 99, 0, 0}, {30, 6, 0, 0}, {40, 6, 0, 0}}, "0 length; 1 length; 2 length",
		func(in *storedLengths) {
			in.lengthAt = func(offset uint64) (uint32, error) {
				return map[uint64]uint32{14: 2, 20: 99}[offset-format.PayloadAt], nil
			}
		}},
	{"slots of another file", []payload{{0, 6, 0, 0}, {15, 77, 0, 0}, {25, 88, 0, 0}}, "0 length; 1 length; 2 length",
		func(in *storedLengths) {
			in.full = true
			in.lengthAt = func(offset uint64) (uint32, error) {
				return map[uint64]uint32{10: 6, 20: 976}[offset-format.PayloadAt], nil
			}
		}},
	{"two by two, back to the beginning", []payload{{0, 0, confChange, 0}, {4, 0, confChange, 0}, {2, 0, 0, 0}, {1, 0, 0, 0}, {100, 1, 0, 0}},
		"1 offset; 2 offset; 3 offset; 4 offset", nil},
	{"back over one that is faulty by itself", []payload{{0, 6, 0, 0}, {10, 1<<32 - 1, 0, 0}, {20, 6, 0, 0}, {90, 6, 0, 0}, {40, 6, 0, 0}},
		"1 length; 2 length; 3 offset; 4 offset", nil},
	{"where a payload ends says nothing of the next slot but one", []payload{{0, 20, 0, 0}, {999, 0, 0, 0}, {10, 6, 0, 0}, {30, 6, 0, 0}},
		"0 length; 2 length", func(in *storedLengths) {
			in.entries.dropped = []bool{false, true, false, false}
			in.lengthAt = func(offset uint64) (uint32, error) {
				if offset == format.PayloadAt+24 {
					return 2, nil
				}
				return 6, nil
			}
		}},
	{"each by itself comes first", []payload{{0, 60, 0, 0}, {10, 6, 0, 0}, {20, 1<<32 - 1, 0, 0}, {30, 6, 0, 0}, {40, 6, 0, 0}}, "2 length; 0 length",
		func(in *storedLengths) { in.lengthAt = lengthsOfTens }},

	{"what has changed since", []payload{{0, 6, 0, 0}, {10, 6, 0, 0}, {500, 1<<32 - 1, 0, 0}}, "", func(in *storedLengths) { in.end = 2 }},
	{"what is known to be sound", []payload{{0, 60, 0, 0}, {10, 6, 0, 0}, {20, 1<<32 - 1, 0, 0}}, "2 length", func(in *storedLengths) { in.sound = 2 }},
}

func full(in *storedLengths) { in.full = true }

// leftover makes a full file of payloads of 10 bytes, with slots lost before one.
func leftover(slot int, offset uint64) func(in *storedLengths) {
	return func(in *storedLengths) {
		in.full, in.lengthAt = true, lengthsOfTens
		in.leftover = func(i int) (format.Slot, bool) {
			return format.Slot{Offset: format.PayloadAt + offset}, i == slot
		}
	}
}

// beforeARewrite makes each gap one that a rewrite has left.
func beforeARewrite(in *storedLengths) {
	in.encrypted = true
	in.read = func(p []byte, _ uint64) error { clear(p); p[0] = 1; return nil }
}

// zerosUpTo makes a file zero up to an offset.
func zerosUpTo(end uint64) func(in *storedLengths) {
	return func(in *storedLengths) {
		in.read = func(p []byte, at uint64) error {
			for i := range p {
				p[i] = 'x'
				if at+uint64(i) < format.PayloadAt+end {
					p[i] = 0
				}
			}
			return nil
		}
	}
}

func TestSizeFaults(t *testing.T) {
	for _, test := range sizeFaultCases {
		t.Run(test.name, func(t *testing.T) {
			in := lengthsOf(test.payloads)
			if test.change != nil {
				test.change(in)
			}
			given := slices.Clone(in.lengths)
			got := findSizeFaults(in)
			if got.short() != test.want {
				t.Errorf("got %q, want %q; that is %v", got.short(), test.want, got.list)
			}
			if !slices.Equal(in.lengths, given) {
				t.Errorf("it has changed what it was given: %v", in.lengths)
			}
			for _, f := range got.list {
				if f.message == "" || strings.Contains(f.message, "%!") {
					t.Errorf("slot %d: the message %q", f.slot, f.message)
				}
			}
		})
	}
}

// lengthsOfTens is a file whose payloads have 6 bytes and take 10, but for what
// the slots say.
func lengthsOfTens(offset uint64) (uint32, error) {
	if (offset-format.PayloadAt)%10 == 0 {
		return 6, nil
	}
	return 0x30303030, nil
}

// TestEmptyingEnds: a later look at the same file has to know whether emptying
// has ended before what it looks at.
func TestEmptyingEnds(t *testing.T) {
	for _, test := range []struct {
		name     string
		payloads []payload
		want     bool
	}{
		{"the last entry alone", []payload{{0, 6, 0, 0}}, false},
		{"a full one", []payload{{0, 6, 0, 0}, {10, 0, 0, 0}}, true},
		{"emptied ones", []payload{{0, 0, 0, 0}, {10, 0, 0, 0}, {20, 6, 0, 0}}, false},
		{"what is not emptied", []payload{{0, 6, confChange, 0}, {10, 0, 0, 0}}, false},
	} {
		if got := findSizeFaults(lengthsOf(test.payloads)).emptyingEnded; got != test.want {
			t.Errorf("%s: %t, want %t", test.name, got, test.want)
		}
	}
}

func TestEmptiedDuringRead(t *testing.T) {
	packed := []payload{{0, 6, 0, 0}, {10, 0, 0, 0}, {14, 6, 0, 0}}
	for _, test := range []struct {
		name   string
		before uint32
		ok     bool
		want   string
	}{
		{"it was full", 6, true, "1 emptying"},
		{"it was empty", 0, true, ""},
		{"nothing is known of it", 0, false, ""},
	} {
		in := lengthsOf(packed)
		in.sizeBefore = func(i int) (uint32, bool) { return test.before, test.ok }
		got := findSizeFaults(in)
		if got.short() != test.want || got.emptiedDuringRead != (test.want != "") {
			t.Errorf("%s: got %q, emptied during the read %t, want %q", test.name, got.short(), got.emptiedDuringRead, test.want)
		}
	}
}

func TestSizeColumn(t *testing.T) {
	in := lengthsOf([]payload{{0, 6, 0, 0}, {10, 0, 0, 0}, {20, 6, 0, 0}, {30, 0, 0, 0}})
	want := []uint32{6, 0, noPayload, 500}
	c := packSizes(in.slots, want)
	for i, w := range want {
		if n, ok := c.at(i); n != w || ok != (w != noPayload) {
			t.Errorf("slot %d: %d, %t, want %d", i, n, ok, w)
		}
	}
}
