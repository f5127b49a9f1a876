package format

import "go.etcd.io/raft/v3/raftpb"

// Gap is what lies between the end of one payload and the beginning of the next
// one in the same file. Writers pack payloads; a gap tells of something that was
// there, or of a length or an offset that is damaged.
type Gap struct {
	Bytes     int64 // how long it is; below 0: the first payload runs into the second
	Encrypted bool  // the file is
	Skipped   bool  // between the two slots there are others, which are no entries

	// Of the entry before the gap.
	Size uint32
	Type raftpb.EntryType
	Sum  uint32
}

// Legal reports whether a writer leaves such a gap:
//
//   - no gap at all is always legal, an overlap never;
//   - where slots were skipped, their payloads lie in it;
//   - in an encrypted file a rewrite begins behind all that was ever encrypted
//     there, since the same place means the same key stream;
//   - `dgraph debug --truncate` empties payloads and leaves the offsets. It takes
//     all entries that it can empty up to some index. So behind one that it has
//     left full an empty payload before a gap has lost its length.
//
// emptyingEnded reports whether there is a full one before this entry. It is
// asked only where everything depends on it.
func (g Gap) Legal(emptyingEnded func() bool) bool {
	switch {
	case g.Bytes <= 0:
		return g.Bytes == 0
	case g.Skipped, g.Encrypted:
		return true
	}
	return g.Size == 0 && CanBeEmptied(g.Type, g.Sum) && !emptyingEnded()
}

// CanBeEmptied reports whether Dgraph empties such an entry: it takes normal ones,
// and overlooks those with a checksum, which is part of what it takes for the type.
func CanBeEmptied(typ raftpb.EntryType, sum uint32) bool {
	return typ == raftpb.EntryType_EntryNormal && sum == 0
}
