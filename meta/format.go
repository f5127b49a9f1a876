package meta

// The layout of wal.meta. These numbers are part of the on-disk format.
//
//	0     raft id (8) · group id (8) · checkpoint index (8)
//	24    emptying: index (8) · term (8); walfs's own, 0 unless payloads are being emptied
//	512   length (4) · raftpb.HardState
//	1024  snapshot index (8) · snapshot term (8)
//	1040  length (4) · raftpb.Snapshot                    end of file
const (
	raftIDAt        = 0
	groupIDAt       = 8
	CheckpointAt    = 16
	emptyingAt      = 24
	HardStateAt     = 512
	SnapshotIndexAt = 1024
	snapshotTermAt  = 1032
	snapshotAt      = 1040
	lengthSize      = 4

	hardStateRoom = SnapshotIndexAt - HardStateAt - lengthSize
	// A snapshot's metadata is a conf state: some ten bytes a member.
	metadataRoom = 1 << 20
	// A snapshot has two fields. One with very many is damaged, and each costs a
	// read.
	maxFields = 64
)
