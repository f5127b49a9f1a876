package format

import "go.etcd.io/raft/v3/raftpb"

// Gap is what lies between the end of one payload and the beginning of the next
// one in the same file, before a file's first payload, or between the last one and
// the end of a full file. Writers pack payloads; a gap tells of something that was
// there, or of a length or an offset that is damaged.
type Gap struct {
	Bytes     int64 // how long it is; below 0: the first payload runs into the second
	Encrypted bool  // the file is

	// Of the entry before the gap; see NoEntry.
	Size uint32
	Type raftpb.EntryType
	Sum  uint32
}

// NoEntry is the Type of a Gap before a file's first payload: nothing can have been
// emptied there.
const NoEntry raftpb.EntryType = -1

// Evidence is what Legal asks for besides. Each question is asked only where
// everything depends on it, for the answer takes reading.
type Evidence struct {
	// EmptyingEnded reports whether an entry before this one, in this file or in an
	// earlier one of the log, is full that emptying would have emptied.
	EmptyingEnded func() bool
	// Read fills p with what stands in the gap from its byte at on.
	Read func(p []byte, at int64) (ok bool)
}

// Legal reports whether a writer leaves such a gap:
//
//   - no gap at all is always legal, an overlap never;
//   - `dgraph debug --truncate` empties payloads, see emptied;
//   - in an encrypted file a rewrite begins behind all that was ever encrypted
//     there, see rewritten.
func (g Gap) Legal(e Evidence) bool {
	return g.Bytes == 0 || g.Bytes > 0 && (g.emptied(e) || g.rewritten(e))
}

// emptied reports whether the gap is an emptied payload. Emptying sets lengths to 0
// and leaves the rest, and takes all entries that it can empty up to some index, of
// all files. So behind a full one an empty payload has lost its length; and where
// zeros stand for the payload's bytes, these were never written, or are lost, too.
func (g Gap) emptied(e Evidence) bool {
	return g.Size == 0 && CanBeEmptied(g.Type, g.Sum) && !e.EmptyingEnded() && !g.Lost(e)
}

// EmptiedBytes is how much of an emptied payload shows that it was there: no payload
// begins with so many zeros. One of Dgraph's has a key of 8 bytes and then a protobuf
// message, which does not begin with a zero.
const EmptiedBytes = 16

// Lost reports whether there is nothing where the payload's first bytes would be if
// the entry had been emptied. A few bytes may well be zero.
func (g Gap) Lost(e Evidence) bool {
	var b [EmptiedBytes]byte
	p := b[:max(min(g.Bytes, EmptiedBytes), 0)]
	return len(p) >= EmptiedBytes/2 && (!e.Read(p, 0) || AllZero(p))
}

// RewriteMargin is how many zeros a rewrite leaves behind the last byte that is not
// zero of an encrypted file, before its first payload.
const RewriteMargin = 16

// rewritten reports whether the gap is what a rewrite has left in an encrypted file:
// a payload in place of another one would have the same key stream. So it is put
// behind all bytes that are not zero, and RewriteMargin more, since the last
// encrypted byte can itself be zero.
func (g Gap) rewritten(e Evidence) bool {
	if !g.Encrypted || g.Bytes <= RewriteMargin {
		return false
	}
	var end [1 + RewriteMargin]byte
	return e.Read(end[:], g.Bytes-int64(len(end))) && end[0] != 0 && AllZero(end[1:])
}
