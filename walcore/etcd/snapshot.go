package etcd

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	"github.com/walfs/walfs/walcore"
	"google.golang.org/protobuf/encoding/protowire"
)

// snapshotFile is a file of a snapshot, once it was read.
type snapshotFile struct {
	attr     walcore.Attr // when it was read
	snapshot *walcore.Snapshot
	err      error // why it is not whole
}

// maxConfState bounds how long a snapshot's metadata can be. A member takes some 10 bytes.
const maxConfState = 1 << 20

// readSnapshot reads a file: a sum, and a raftpb.Snapshot that it is the sum of. Its data can
// be large: they are only summed.
func readSnapshot(file *openFile, attr walcore.Attr, term, index uint64) (*walcore.Snapshot, error) {
	var sum uint64
	var stored, data, metadata field
	err := eachField(file, 0, attr.Size, func(f field) {
		switch {
		case f.num == 1 && !f.isBytes:
			sum = f.value
		case f.num == 2 && f.isBytes:
			stored = f
		}
	})
	if err != nil {
		return nil, err
	}
	if made, err := sumOf(file, stored.from, stored.to, 0, nil); err != nil {
		return nil, err
	} else if uint64(made) != sum || stored.from == stored.to {
		return nil, fmt.Errorf("its sum is %08x, that of its bytes is %08x", sum, made)
	}
	err = eachField(file, stored.from, stored.to, func(f field) {
		switch {
		case f.num == 1 && f.isBytes:
			data = f
		case f.num == 2 && f.isBytes:
			metadata = f
		}
	})
	if err != nil {
		return nil, err
	}
	s := &walcore.Snapshot{Attr: attr}
	if err := readMetadata(s, file, metadata); err != nil {
		return nil, err
	}
	if s.Index != index || s.Term != term {
		return nil, fmt.Errorf("it is of index %d and term %d, its name of index %d and term %d", s.Index, s.Term, index, term)
	}
	part := func(f field) walcore.Section {
		return walcore.Section{ReaderAt: &snapshotPart{file, attr, f}, Size: f.to - f.from}
	}
	s.Data, s.Stored = part(data), part(stored)
	return s, nil
}

// readMetadata reads the metadata of a snapshot.
func readMetadata(s *walcore.Snapshot, file io.ReaderAt, f field) error {
	if f.to-f.from > maxConfState {
		return fmt.Errorf("its metadata are %d bytes, which no group takes", f.to-f.from)
	}
	b := make([]byte, f.to-f.from)
	if err := readFull(file, b, f.from); err != nil {
		return err
	}
	n, ok := numbers(b)
	s.Index, s.Term = n[2], n[3]
	for ok && len(b) > 0 {
		num, typ, size := protowire.ConsumeField(b)
		if num == 1 && typ == protowire.BytesType {
			_, _, tag := protowire.ConsumeTag(b)
			state, _ := protowire.ConsumeBytes(b[tag:])
			ok = readConfState(&s.ConfState, state)
		}
		b = b[size:]
	}
	if !ok {
		return errWire
	}
	return nil
}

// readConfState reads a raftpb.ConfState.
func readConfState(c *walcore.ConfState, b []byte) bool {
	lists := [...]*[]uint64{1: &c.Voters, 2: &c.Learners, 3: &c.VotersOutgoing, 4: &c.LearnersNext}
	for len(b) > 0 {
		num, typ, tag := protowire.ConsumeTag(b)
		size := protowire.ConsumeFieldValue(num, typ, b[max(tag, 0):])
		if tag < 0 || size < 0 {
			return false
		}
		value := b[tag : tag+size]
		b = b[tag+size:]
		switch {
		case typ == protowire.VarintType && num == 5:
			v, _ := protowire.ConsumeVarint(value)
			c.AutoLeave = v != 0
		case typ == protowire.BytesType: // packed
			value, _ = protowire.ConsumeBytes(value)
		case typ != protowire.VarintType:
			continue
		}
		if int(num) >= len(lists) || lists[num] == nil {
			continue
		}
		for len(value) > 0 {
			v, n := protowire.ConsumeVarint(value)
			if n < 0 {
				return false
			}
			*lists[num] = append(*lists[num], v)
			value = value[n:]
		}
	}
	return true
}

// snapshotPart is a part of a snapshot's file.
type snapshotPart struct {
	file *openFile
	attr walcore.Attr
	part field
}

// ReadAt fails with ErrChanged if the file is not what it was when it was read. etcd writes
// such a file once: its times tell of any change.
func (s *snapshotPart) ReadAt(p []byte, off int64) (int, error) {
	size := s.part.to - s.part.from
	if off < 0 || off > size {
		return 0, io.EOF
	}
	short := int64(len(p)) > size-off
	p = p[:min(int64(len(p)), size-off)]
	if err := readFull(s.file, p, s.part.from+off); err != nil {
		return 0, err
	}
	if now, err := s.file.stat(); err != nil {
		return 0, err
	} else if isWritten(s.attr, now) {
		return 0, fmt.Errorf("the snapshot was written again: %w", walcore.ErrChanged)
	}
	if short {
		return len(p), io.EOF
	}
	return len(p), nil
}

// byIndex puts snapshots in order, the oldest first.
func byIndex(a, b *walcore.Snapshot) int {
	return cmp.Or(cmp.Compare(a.Index, b.Index), cmp.Compare(a.Term, b.Term))
}

// chooseSnapshot gives the snapshot that a node starts from: the newest that is whole, that a
// record of the log names, and that is committed. missing is one that is newer, if there is
// one, and has no whole file.
func chooseSnapshot(whole []*walcore.Snapshot, named []snapshotRecord, commit uint64) (chosen *walcore.Snapshot, missing *snapshotRecord) {
	for i := range named {
		r := &named[i]
		if r.index == 0 || r.index > commit {
			continue
		}
		k := slices.IndexFunc(whole, func(s *walcore.Snapshot) bool { return s.Index == r.index && s.Term == r.term })
		switch {
		case k >= 0 && (chosen == nil || byIndex(chosen, whole[k]) < 0):
			chosen = whole[k]
		case k < 0 && (missing == nil || r.index > missing.index):
			missing = r
		}
	}
	if missing != nil && chosen != nil && missing.index <= chosen.Index {
		missing = nil
	}
	return chosen, missing
}
