// Package etcd reads the directory in which etcd keeps its Raft log: the segments in
// member/wal, and the snapshots in member/snap.
//
//	r, err := etcd.Open("/var/lib/etcd")
//	…
//	defer r.Close()
//	for e := range r.Entries(1) {
//		data, err := e.Data()
//		…
//	}
//
// A Reader opens files for reading only, leaves no access time where the operating system
// allows that, takes no lock, and maps nothing into memory. It needs none of etcd's own
// packages: these lock, rename and delete files, and hold the whole log. Each segment is read
// once, in blocks; what stays in memory are 16 bytes an entry. A payload is read when it is
// asked for, and the sum of its record is made again each time.
//
// # Segments
//
// A segment is called SEQ-INDEX.wal, 16 hex digits each: its number, and the index behind the
// last one that was written before it. It is made long, of zeros, under another name, and gets
// its own once its first records are there. The oldest ones are deleted when snapshots stand
// for them.
//
// It is a row of frames, each at a multiple of 8 bytes: the record's length (8 bytes, little-
// endian; if the top bit is set, the lowest three bits of the top byte count the padding), the
// record, the padding. A length of 0 ends the records. A record is a protobuf: type, sum, data.
// The sum is a CRC-32C of the data of all records up to this one, of all segments.
//
//	type          data
//	1 metadata    node id, cluster id; in each segment, behind its first record
//	2 entry       a raftpb.Entry
//	3 state       a raftpb.HardState; the last one counts
//	4 sum         none: the first record, with the sum that the segment goes on from
//	5 snapshot    index, term of a snapshot that was taken or received
//
// An entry whose index is not above the last one's replaces that and all behind it. Replaced
// ones are still in the file.
//
// # Damage
//
// If only a part of the newest segment's last record is there (the file ends in it, or one of
// the 512-byte sectors that it is in is all zero), it is a torn write, and the log ends before
// it. Everything else that has a wrong sum is damage. What stands behind it in the segment is
// not shown. The next segment has a sum to begin with, so that its records can be verified.
// Those that are lost may have replaced entries before them: of these only those are kept that
// were committed, or that the same leader wrote who wrote what comes next. No one replaces
// them. See chain.go.
//
// A snapshot's file TERM-INDEX.snap is a protobuf: a CRC-32C, and a raftpb.Snapshot. A node
// starts from the newest one that is whole, is named by a record of the log, and is committed.
//
// # Where things are
//
//	layout.go      which folders there are, and names
//	record.go      frames, records and other protobufs
//	frames.go      a segment's frames, in blocks; parts.go: by several processors
//	usual.go       the frames that nearly all are, taken fast
//	segment.go     a segment's records become a table
//	chain.go       segments become a log: what is replaced, lost, kept
//	log.go         the log's entries, by index; source.go: a file's, and payloads
//	snapshot.go    files of snapshots
//	native.go      all files of the directory; file.go: one of them
//	reader.go      Reader, and how it is opened
//	follower.go    one look at the directory, and the next one
//	rewritten.go   a segment that has got other records, not more
package etcd
