package meta

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// Meta is what a wal.meta holds. A nil field is one that could not be read.
type Meta struct {
	RaftID          *uint64
	GroupID         *uint64 // 0: a Zero's log, or an Alpha's that never joined a group
	CheckpointIndex *uint64 // the last applied index
	HardState       *raftpb.HardState
	SnapshotIndex   *uint64 // 0: no snapshot
	SnapshotTerm    *uint64
	Snapshot        *Snapshot // nil where there is none, too
	Faults          []Fault

	head []byte // the file's bytes before the snapshot's
}

// Snapshot is a stored raftpb.Snapshot. Its bytes are at [At, At+Size) of
// wal.meta, the application's blob within them at [DataAt, DataAt+DataSize).
type Snapshot struct {
	Metadata         *raftpb.SnapshotMetadata
	At, Size         int64
	DataAt, DataSize int64
}

// Fault is a field that could not be read, or that contradicts another, at Offset.
type Fault struct {
	Offset   uint64
	Snapshot bool // it is about the snapshot
	Message  string
}

// Read reads a wal.meta of size bytes. It fails only when r does; damage is
// listed in Faults.
func Read(r io.ReaderAt, size int64) (*Meta, error) {
	head := make([]byte, min(size, snapshotAt+lengthSize))
	if _, err := r.ReadAt(head, 0); err != nil && !(errors.Is(err, io.EOF) && len(head) == 0) {
		return nil, err
	}
	m := &Meta{head: head}
	m.RaftID = m.number(head, raftIDAt, "raft id", false)
	m.GroupID = m.number(head, groupIDAt, "group id", false)
	m.CheckpointIndex = m.number(head, CheckpointAt, "checkpoint index", false)
	m.HardState = m.hardState(head)
	m.SnapshotIndex = m.number(head, SnapshotIndexAt, "snapshot index", true)
	m.SnapshotTerm = m.number(head, snapshotTermAt, "snapshot term", true)
	err := m.readSnapshot(r, head, size)
	return m, err
}

// Emptying is the note that EncodeEmptying encodes, or 0 if there is none.
func (m *Meta) Emptying() (index, term uint64) {
	if len(m.head) < emptyingAt+16 {
		return 0, 0
	}
	return binary.BigEndian.Uint64(m.head[emptyingAt:]), binary.BigEndian.Uint64(m.head[emptyingAt+8:])
}

// Head is the bytes of the file that m was read from, up to the snapshot's. They must
// not be changed.
func (m *Meta) Head() []byte { return m.head }

func (m *Meta) fault(at int64, snapshot bool, format string, args ...any) {
	m.Faults = append(m.Faults, Fault{Offset: uint64(at), Snapshot: snapshot, Message: fmt.Sprintf(format, args...)})
}

func (m *Meta) number(head []byte, at int, what string, snapshot bool) *uint64 {
	if len(head) < at+8 {
		m.fault(int64(at), snapshot, "the file ends at %d, before its %s", len(head), what)
		return nil
	}
	n := binary.BigEndian.Uint64(head[at:])
	return &n
}

func (m *Meta) hardState(head []byte) *raftpb.HardState {
	if len(head) < HardStateAt+lengthSize {
		m.fault(HardStateAt, false, "the file ends at %d, before its hard state", len(head))
		return nil
	}
	n := binary.BigEndian.Uint32(head[HardStateAt:])
	body := head[HardStateAt+lengthSize:]
	if room := min(hardStateRoom, len(body)); uint64(n) > uint64(room) {
		m.fault(HardStateAt, false, "the hard state claims %d bytes, there is room for %d", n, room)
		return nil
	}
	hs := &raftpb.HardState{}
	if err := proto.Unmarshal(body[:n], hs); err != nil {
		m.fault(HardStateAt, false, "the hard state does not parse: %v", err)
		return nil
	}
	return hs
}

func (m *Meta) readSnapshot(r io.ReaderAt, head []byte, size int64) error {
	if len(head) < snapshotAt+lengthSize {
		m.fault(snapshotAt, true, "the file ends at %d, before its snapshot", len(head))
		return nil
	}
	n := int64(binary.BigEndian.Uint32(head[snapshotAt:]))
	if n == 0 {
		if *m.SnapshotIndex != 0 || *m.SnapshotTerm != 0 {
			m.fault(snapshotAt, true, "a snapshot at index %d, term %d is announced, but none is stored", *m.SnapshotIndex, *m.SnapshotTerm)
		}
		return nil
	}
	s := &Snapshot{At: snapshotAt + lengthSize, Size: n}
	if room := size - s.At; n > room {
		m.fault(snapshotAt, true, "the snapshot claims %d bytes, there is room for %d", n, room)
		return nil
	}
	bad, err := s.readOutline(r)
	if err != nil {
		return err
	}
	if bad != "" {
		m.fault(snapshotAt, true, "the snapshot does not parse: %s", bad)
		return nil
	}
	m.Snapshot = s
	md := s.Metadata
	if *m.SnapshotIndex != md.GetIndex() || *m.SnapshotTerm != md.GetTerm() {
		m.fault(SnapshotIndexAt, true, "index %d, term %d are announced, but the stored snapshot has index %d, term %d: "+
			"the node stopped while it stored a snapshot", *m.SnapshotIndex, *m.SnapshotTerm, md.GetIndex(), md.GetTerm())
	}
	return nil
}

// readOutline reads the metadata and finds where the application's data are. It
// steps over the data, which can be as large as the file. bad says what does not
// parse, and is empty if all does.
func (s *Snapshot) readOutline(r io.ReaderAt) (bad string, err error) {
	s.Metadata = &raftpb.SnapshotMetadata{}
	end := s.At + s.Size
	var buf [2 * 10]byte // a tag and a length, ten bytes each at most
	for at, fields := s.At, 0; at < end; fields++ {
		if fields == maxFields {
			return fmt.Sprintf("more than %d fields", maxFields), nil
		}
		b := buf[:min(int64(len(buf)), end-at)]
		if _, err := r.ReadAt(b, at); err != nil {
			return "", err
		}
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return fmt.Sprintf("at offset %d: %v", at, protowire.ParseError(n)), nil
		}
		if typ != protowire.BytesType {
			k := protowire.ConsumeFieldValue(num, typ, b[n:])
			if k < 0 {
				return fmt.Sprintf("field %d at offset %d: %v", num, at, protowire.ParseError(k)), nil
			}
			at += int64(n + k)
			continue
		}
		size, k := protowire.ConsumeVarint(b[n:])
		body := at + int64(n+k)
		if k < 0 || size > uint64(end-body) {
			return fmt.Sprintf("field %d at offset %d runs beyond the snapshot", num, at), nil
		}
		at = body + int64(size)
		switch num {
		case 1:
			s.DataAt, s.DataSize = body, int64(size)
		case 2:
			if bad, err := s.metadata(r, body, int64(size)); bad != "" || err != nil {
				return bad, err
			}
		}
	}
	return "", nil
}

func (s *Snapshot) metadata(r io.ReaderAt, at, size int64) (bad string, err error) {
	if size > metadataRoom {
		return fmt.Sprintf("its metadata claims %d bytes", size), nil
	}
	b := make([]byte, size)
	if _, err := r.ReadAt(b, at); err != nil {
		return "", err
	}
	// Protobuf merges a submessage that comes more than once.
	if err := (proto.UnmarshalOptions{Merge: true}).Unmarshal(b, s.Metadata); err != nil {
		return fmt.Sprintf("metadata at offset %d: %v", at, err), nil
	}
	return "", nil
}

// Same reports whether the file still holds the bytes that m was read from, those
// of the snapshot itself left out.
func (m *Meta) Same(r io.ReaderAt) (bool, error) {
	now := make([]byte, len(m.head))
	if _, err := r.ReadAt(now, 0); err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	return bytes.Equal(now, m.head), nil
}

// SameSnapshot reports whether the file still announces the snapshot that m
// was read with. Dgraph stores a new snapshot's index and term before its data.
// So if SameSnapshot is true after some of the data were read, they are those of
// m's snapshot.
func (m *Meta) SameSnapshot(r io.ReaderAt) (bool, error) {
	var b [snapshotAt + lengthSize - SnapshotIndexAt]byte
	if _, err := r.ReadAt(b[:], SnapshotIndexAt); err != nil {
		return false, err
	}
	return m.Snapshot != nil &&
		binary.BigEndian.Uint64(b[:]) == *m.SnapshotIndex &&
		binary.BigEndian.Uint64(b[8:]) == *m.SnapshotTerm &&
		int64(binary.BigEndian.Uint32(b[16:])) == m.Snapshot.Size, nil
}

// SnapshotDamaged reports whether Snapshot is nil because of a fault. If it is nil
// and this is false, there is no snapshot.
func (m *Meta) SnapshotDamaged() bool {
	if m.Snapshot != nil {
		return false
	}
	for _, f := range m.Faults {
		if f.Snapshot {
			return true
		}
	}
	return m.SnapshotIndex == nil
}
