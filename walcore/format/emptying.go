package format

import "go.etcd.io/raft/v3/raftpb"

// CanBeEmptied reports whether Dgraph empties such an entry: it takes normal ones,
// and overlooks those with a checksum, which is part of what it takes for the type.
func CanBeEmptied(typ raftpb.EntryType, sum uint32) bool {
	return typ == raftpb.EntryType_EntryNormal && sum == 0
}

// DamageBlock is what a file system or a disk loses at once.
const DamageBlock = 4096

// LengthBlocks are the blocks of a file that the length at an offset is in. Where a length
// is damaged, another one in the same block may be, too: if it is 0, that alone does not
// tell that its entry was emptied.
func LengthBlocks(offset uint64) (first, last uint64) {
	return offset / DamageBlock, (offset + LengthSize - 1) / DamageBlock
}

// maxProbes bounds how many lengths LeftFull reads.
const maxProbes = 16

// LeftFull reports whether emptying has not got as far as the end of a log file with
// n slots. The last entry that could be emptied tells, for all before it are emptied
// first. A length that is neither 0 nor as long as its room is damaged, and tells
// nothing.
//
// room is how many bytes a slot's payload has room for; below 1 where there are none,
// or the room is not known.
func LeftFull(n int, slot func(i int) (s Slot, room int64), lengthAt func(i int) (uint32, error)) (bool, error) {
	for i, probes := n-1, 0; i >= 0 && probes < maxProbes; i-- {
		s, room := slot(i)
		if room < 1 || !CanBeEmptied(s.Type, s.Sum) {
			continue
		}
		switch length, err := lengthAt(i); {
		case err != nil:
			return false, err
		case int64(length) == room:
			return true, nil
		case length == 0:
			return false, nil
		}
		probes++
	}
	return false, nil
}
