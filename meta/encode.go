package meta

import (
	"encoding/binary"
	"fmt"
	"math"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// HeadSize is the part of wal.meta before the snapshot's index: two sectors,
// the ids in the first and the hard state in the second.
const HeadSize = SnapshotIndexAt

// NewSize is the size of a new wal.meta. It doubles until a snapshot fits.
const NewSize = 1 << 20

// Patch is bytes to be written at At.
type Patch struct {
	At    int64
	Bytes []byte
}

// EncodeIDs gives the bytes of raft id, group id and checkpoint index. They
// share a sector.
func EncodeIDs(raftID, groupID, checkpoint uint64) Patch {
	b := make([]byte, 0, CheckpointAt+8)
	b = binary.BigEndian.AppendUint64(b, raftID)
	b = binary.BigEndian.AppendUint64(b, groupID)
	b = binary.BigEndian.AppendUint64(b, checkpoint)
	return Patch{At: raftIDAt, Bytes: b}
}

// EncodeEmptying gives the bytes of a note: the payloads up to this index, whose
// entry has this term, are being emptied. 0 and 0 say that none are. They share a
// sector with the ids. Dgraph does not read them.
func EncodeEmptying(index, term uint64) Patch {
	b := binary.BigEndian.AppendUint64(nil, index)
	return Patch{At: emptyingAt, Bytes: binary.BigEndian.AppendUint64(b, term)}
}

// EncodeHardState gives the bytes of a hard state: all three fields, as Dgraph
// writes them, whether they are set or not. They lie within one sector.
func EncodeHardState(term, vote, commit uint64) Patch {
	b := make([]byte, lengthSize, 64)
	for i, v := range [...]uint64{term, vote, commit} {
		b = protowire.AppendTag(b, protowire.Number(i+1), protowire.VarintType)
		b = protowire.AppendVarint(b, v)
	}
	binary.BigEndian.PutUint32(b, uint32(len(b)-lengthSize))
	return Patch{At: HardStateAt, Bytes: b}
}

// EncodeSnapshot gives the bytes of a snapshot with its index and term, and
// the size of the file that holds them. Fields that Dgraph always writes are
// written, whether they are set or not.
func EncodeSnapshot(snap *raftpb.Snapshot) (Patch, int64, error) {
	md := snap.GetMetadata()
	cs := proto.Clone(md.GetConfState()).(*raftpb.ConfState)
	full := &raftpb.Snapshot{
		Data: snap.GetData(),
		Metadata: &raftpb.SnapshotMetadata{
			ConfState: raftpb.EnsureConfState(cs),
			Index:     proto.Uint64(md.GetIndex()),
			Term:      proto.Uint64(md.GetTerm()),
		},
	}
	n := proto.Size(full)
	if int64(n) > math.MaxUint32 {
		return Patch{}, 0, fmt.Errorf("a snapshot of %d bytes: at most %d fit into wal.meta", n, uint32(math.MaxUint32))
	}
	b := make([]byte, 0, snapshotAt+lengthSize-SnapshotIndexAt+n)
	b = binary.BigEndian.AppendUint64(b, md.GetIndex())
	b = binary.BigEndian.AppendUint64(b, md.GetTerm())
	b = binary.BigEndian.AppendUint32(b, uint32(n))
	b, err := proto.MarshalOptions{UseCachedSize: true}.MarshalAppend(b, full)
	if err != nil {
		return Patch{}, 0, err
	}
	size := int64(NewSize)
	for size < SnapshotIndexAt+int64(len(b)) {
		size *= 2
	}
	return Patch{At: SnapshotIndexAt, Bytes: b}, size, nil
}
