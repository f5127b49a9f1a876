//go:build linux

package mutate

import (
	"encoding/binary"
	"regexp"
	"sort"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// The layout is written down here once more, so that a fault in the reader's is
// found.
const (
	slotSize    = 32
	slotsAFile  = 30000
	tableSize   = slotSize * slotsAFile
	keyHeaderAt = 1<<20 - 16
	payloadAt   = 1 << 20
	lengthSize  = 4
	blockSize   = 4096

	metaName     = "wal.meta"
	registryName = "KEYREGISTRY"

	checkpointAt    = 16
	noteAt          = 24
	hardStateAt     = 512
	snapshotIndexAt = 1024
	snapshotTermAt  = 1032
	snapshotAt      = 1040
	metaHeadSize    = snapshotAt + lengthSize
)

var logName = regexp.MustCompile(`^[0-9]{5,}\.wal$`)

// slot is a slot with the length of its payload.
type slot struct {
	term, index, offset uint64
	sum, typ            uint32
	length              uint32
}

func (s slot) end() int64 { return int64(s.offset) + lengthSize + int64(s.length) }

func decodeSlot(b []byte) slot {
	return slot{term: binary.BigEndian.Uint64(b), index: binary.BigEndian.Uint64(b[8:]), offset: binary.BigEndian.Uint64(b[16:]),
		sum: binary.BigEndian.Uint32(b[24:]), typ: binary.BigEndian.Uint32(b[28:])}
}

// logFile is a sound log file.
type logFile struct {
	name  string
	image *image
	slots []slot
	keyID uint64
	end   int64 // of the last payload
}

// endsEmptied reports whether the last payload has been emptied, so that nobody knows
// where it ended.
func (f *logFile) endsEmptied() bool {
	s := f.slots[len(f.slots)-1]
	return s.length == 0 && s.typ == 0 && s.sum == 0
}

// layout is a sound directory.
type layout struct {
	files []*logFile // in the log's order
	meta  metaFields
	keys  []uint64 // ids of KEYREGISTRY's data keys
}

func readLayout(images map[string]*image) *layout {
	l := &layout{meta: decodeMeta(images[metaName]), keys: keyIDs(images[registryName])}
	for name, m := range images {
		if !logName.MatchString(name) {
			continue
		}
		f := &logFile{name: name, image: m, end: payloadAt, keyID: binary.BigEndian.Uint64(m.bytes(keyHeaderAt, 8))}
		for table := m.bytes(0, tableSize); len(table) > 0; table = table[slotSize:] {
			s := decodeSlot(table)
			if s.index == 0 {
				break
			}
			s.length = binary.BigEndian.Uint32(m.bytes(int64(s.offset), lengthSize))
			f.slots = append(f.slots, s)
			f.end = s.end()
		}
		if len(f.slots) > 0 {
			l.files = append(l.files, f)
		}
	}
	sort.Slice(l.files, func(i, j int) bool { return l.files[i].slots[0].index < l.files[j].slots[0].index })
	return l
}

// keyIDs are those of the data keys in a key registry, or none: behind an IV of 16 bytes and a
// text of 12, records of a length, a checksum, and a protobuf message whose first field is
// the id.
func keyIDs(m *image) (ids []uint64) {
	if m == nil {
		return nil
	}
	for b := m.bytes(28, m.size-28); len(b) > 9; b = b[8+binary.BigEndian.Uint32(b):] {
		id, _ := binary.Uvarint(b[9:])
		ids = append(ids, id)
	}
	return ids
}

func (l *layout) last() *logFile { return l.files[len(l.files)-1] }

func (l *layout) lastIndex() uint64 {
	if len(l.files) == 0 {
		return l.meta.snapshotIndex
	}
	slots := l.last().slots
	return max(slots[len(slots)-1].index, l.meta.snapshotIndex)
}

func (l *layout) lastTerm() uint64 {
	term := l.meta.snapshotTerm
	for _, f := range l.files {
		term = max(term, f.slots[len(f.slots)-1].term)
	}
	return term
}

// metaFields is what wal.meta says.
type metaFields struct {
	checkpoint, noteIndex, noteTerm uint64
	hard                            *raftpb.HardState // nil: it does not parse
	snapshotIndex, snapshotTerm     uint64
	snapshot                        *raftpb.Snapshot // nil: there is none, or it does not parse
	snapshotSize                    uint32
}

func decodeMeta(m *image) (f metaFields) {
	if m == nil {
		return f
	}
	head := m.bytes(0, metaHeadSize)
	number := func(at int) uint64 { return binary.BigEndian.Uint64(head[at:]) }
	f.checkpoint, f.noteIndex, f.noteTerm = number(checkpointAt), number(noteAt), number(noteAt+8)
	f.snapshotIndex, f.snapshotTerm = number(snapshotIndexAt), number(snapshotTermAt)
	if n := binary.BigEndian.Uint32(head[hardStateAt:]); n <= snapshotIndexAt-hardStateAt-lengthSize {
		hs := &raftpb.HardState{}
		if proto.Unmarshal(head[hardStateAt+lengthSize:][:n], hs) == nil {
			f.hard = hs
		}
	}
	f.snapshotSize = binary.BigEndian.Uint32(head[snapshotAt:])
	if n := int64(f.snapshotSize); n > 0 && n <= m.size-metaHeadSize {
		s := &raftpb.Snapshot{}
		if proto.Unmarshal(m.bytes(metaHeadSize, n), s) == nil {
			f.snapshot = s
		}
	}
	return f
}
