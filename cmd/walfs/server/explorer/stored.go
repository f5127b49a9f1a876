package explorer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/status"
	"google.golang.org/protobuf/encoding/protowire"
)

// stored is how an entry lies in its file: what its system has written around the payload.
type stored struct {
	Around    []hexDump // what belongs to the entry, in the order of the file
	SlotAt    int64     // where its slot is; below 0: it has none
	SlotsEnd  int64     // behind the area of slots; 0: there is none
	PayloadAt int64     // where the payload begins in the file; below 0: not known
	Note      string    // what is to be known about it
}

// storedIn finds how an entry lies in its file. Bytes that do not say what the entry says are
// not shown: the node has changed them since.
func storedIn(log walcore.Log, e *walcore.Entry) *stored {
	s := &stored{SlotAt: -1, PayloadAt: -1}
	file, ok := nativeOf(log, e.File.Name)
	if !ok {
		s.Note = "The bytes around the payload are not shown: its file has no bytes of its own here."
		return s
	}
	var err error
	switch system := log.Meta().System.Name; {
	case system == walcore.Dgraph:
		err = s.dgraph(file, e)
	case system == walcore.Etcd:
		err = s.etcd(file, e)
	case path.Ext(e.File.Name) == ".wal":
		err = s.raftWAL(file, e)
	default:
		s.Note = fmt.Sprintf("%s is a database: the entry is a value in one of its pages, from byte %s on, with its fields in any order. The bytes around the payload are not shown.",
			e.File.Name, status.Grouped(e.Offset))
	}
	if err != nil {
		*s = stored{SlotAt: -1, PayloadAt: -1, Note: "The bytes around the payload are not shown: " + err.Error() + "."}
	}
	return s
}

func nativeOf(log walcore.Log, name string) (walcore.NativeFile, bool) {
	filer, ok := log.(walcore.Filer)
	if !ok {
		return walcore.NativeFile{}, false
	}
	for _, f := range filer.Native() {
		if path.Base(f.Name) == name {
			return f, true
		}
	}
	return walcore.NativeFile{}, false
}

// errOther: bytes are not those of the entry.
var errOther = fmt.Errorf("they are not the entry's any more: %w", walcore.ErrChanged)

// Dgraph's layout: slots in front, and a length before each payload.
const (
	slotBytes   = 32
	slotsEnd    = 30_000 * slotBytes
	lengthBytes = 4
)

func (s *stored) dgraph(file io.ReaderAt, e *walcore.Entry) error {
	s.SlotAt, s.SlotsEnd, s.PayloadAt = int64(e.Slot)*slotBytes, slotsEnd, int64(e.Offset)+lengthBytes
	slot, err := readBytes(file, s.SlotAt, slotBytes)
	if err != nil {
		return err
	}
	length, err := readBytes(file, int64(e.Offset), lengthBytes)
	if err != nil {
		return err
	}
	field := func(at int) uint64 { return binary.BigEndian.Uint64(slot[at:]) }
	sum, typ := binary.BigEndian.Uint32(slot[24:]), binary.BigEndian.Uint32(slot[28:])
	if field(0) != e.Term || field(8) != e.Index || field(16) != e.Offset || typ != uint32(e.Type) ||
		int64(binary.BigEndian.Uint32(length)) != e.Size {
		return errOther
	}
	p := newParts(s.SlotAt)
	p.add("T", "term", 8, status.Grouped(e.Term))
	p.add("I", "index", 8, status.Grouped(e.Index))
	p.add("O", "offset of the payload's length", 8, status.Grouped(e.Offset))
	sumText := "none: Dgraph leaves it 0"
	if sum != 0 {
		sumText = fmt.Sprintf("%08x; Dgraph reads over it", sum)
	}
	p.add("C", "checksum", 4, sumText)
	p.add("Y", "type", 4, typeText(typ))
	s.dump("slot", fmt.Sprintf("Slot %d", e.Slot), slot, p)
	p = newParts(int64(e.Offset))
	p.add("L", "length of the payload", lengthBytes, status.Grouped(uint64(e.Size)))
	s.dump("length", "Length", length, p)
	if e.File.Encrypted {
		s.Note = fmt.Sprintf("On disk the payload is encrypted, with data key %d. Below it is decrypted; slots and lengths are never encrypted.", e.File.KeyID)
	}
	return nil
}

func typeText(typ uint32) string {
	system := walcore.System{Types: walcore.RaftTypes}
	name, _ := system.TypeName(walcore.EntryType(typ))
	return fmt.Sprintf("%d, %s", typ, name.Symbol)
}

// maxHead is how many bytes are looked at before a payload.
const maxHead = 128

// etcd shows a frame: its length, the record's fields, and in its data those of the entry. They
// come in the order in which etcd writes them.
func (s *stored) etcd(file io.ReaderAt, e *walcore.Entry) error {
	head, err := readUpTo(file, int64(e.Offset), maxHead)
	if err != nil {
		return err
	}
	if len(head) < 8 {
		return errOther
	}
	frame := binary.LittleEndian.Uint64(head)
	size := frame & (1<<56 - 1)
	padding := 0
	if frame>>63 != 0 {
		padding = int(frame >> 56 & 7)
	}
	head = head[:min(uint64(len(head)), 8+size)]
	p := newParts(int64(e.Offset))
	p.add("L", "length of the record", 8, fmt.Sprintf("%s, and %d bytes of padding behind it", status.Grouped(size), padding))
	names := map[protowire.Number][2]string{1: {"R", "kind of record"}, 2: {"C", "running checksum"}, 3: {"D", "length of the record's data"}}
	values, err := p.fields(head, names, 3)
	if err != nil || values[1] != 2 {
		return errOther
	}
	names = map[protowire.Number][2]string{1: {"Y", "type"}, 2: {"T", "term"}, 3: {"I", "index"}, 4: {"N", "length of the payload"}}
	values, err = p.fields(head, names, 4)
	if err != nil || values[1] != uint64(e.Type) || values[2] != e.Term || values[3] != e.Index || values[4] != uint64(e.Size) {
		return errOther
	}
	s.PayloadAt = p.at
	s.dump("frame", "Frame", head[:p.n], p)
	return nil
}

// raftWAL shows a frame of raft-wal: its header, and the fields before the payload.
func (s *stored) raftWAL(file io.ReaderAt, e *walcore.Entry) error {
	const header = 8
	at := int64(e.Offset) - header
	head, err := readUpTo(file, at, maxHead)
	if err != nil {
		return err
	}
	if len(head) < header || head[0] != 1 {
		return errOther
	}
	p := newParts(at)
	p.add("K", "kind of frame", 1, "1, an entry")
	p.add("-", "reserved", 3, "")
	p.add("L", "length of the record", 4, status.Grouped(uint64(binary.LittleEndian.Uint32(head[4:]))))
	var values [4]uint64
	for i, name := range [4][2]string{{"I", "index"}, {"T", "term"}, {"Y", "type"}, {"N", "length of the payload"}} {
		v, n := binary.Uvarint(head[p.n:])
		if n <= 0 {
			return errOther
		}
		values[i] = v
		p.add(name[0], name[1], n, status.Grouped(v))
	}
	if values[0] != e.Index || values[1] != e.Term || uint64(walcore.LogCommand)+values[2] != uint64(e.Type) || values[3] != uint64(e.Size) {
		return errOther
	}
	s.PayloadAt = p.at
	s.dump("frame", "Frame", head[:p.n], p)
	return nil
}

// dump adds bytes to what is shown.
func (s *stored) dump(id, title string, b []byte, p *parts) {
	first := p.list[0].From
	s.Around = append(s.Around, hexDump{ID: id, Title: title, Parts: p.list, Lines: hexLines(b, first, p.list),
		Note: fmt.Sprintf("%s bytes from byte %s of the file on", status.Grouped(uint64(len(b))), status.Grouped(uint64(first)))})
}

// parts collects parts that follow one another.
type parts struct {
	list []hexPart
	at   int64 // in the file
	n    int   // in what is shown
}

func newParts(at int64) *parts { return &parts{at: at} }

func (p *parts) add(key, name string, size int, value string) {
	p.list = append(p.list, hexPart{Key: key, Name: name, Value: value, From: p.at, To: p.at + int64(size)})
	p.at += int64(size)
	p.n += size
}

// fields adds a protobuf's fields up to the one that has bytes, of which it adds the length,
// and gives the values by number.
func (p *parts) fields(b []byte, names map[protowire.Number][2]string, last protowire.Number) (map[protowire.Number]uint64, error) {
	values := map[protowire.Number]uint64{}
	for p.n < len(b) {
		number, _, tag := protowire.ConsumeTag(b[p.n:])
		if tag < 0 {
			return nil, protowire.ParseError(tag)
		}
		name, known := names[number]
		value, n := protowire.ConsumeVarint(b[p.n+tag:]) // a length is one, too
		if n < 0 || !known {
			return nil, errors.New("not as usual")
		}
		values[number] = value
		p.add(name[0], name[1], tag+n, status.Grouped(value))
		if number == last {
			break
		}
	}
	return values, nil
}

func readBytes(file io.ReaderAt, at int64, n int) ([]byte, error) {
	b := make([]byte, n)
	if k, err := file.ReadAt(b, at); k < n {
		if err == nil || errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return b, nil
}

// readUpTo reads n bytes, or less where the file ends.
func readUpTo(file io.ReaderAt, at int64, n int) ([]byte, error) {
	b := make([]byte, n)
	k, err := file.ReadAt(b, at)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return b[:k], err
}
