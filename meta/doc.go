// Package meta reads and encodes wal.meta, the metadata file of a Raft directory:
// who the node is, its hard state, and its last snapshot.
//
//	m, err := meta.Read(file, size)
//	…
//	for _, f := range m.Faults { … }
//
// Read reads the file's first kilobyte and the snapshot's metadata. The
// application's data in the snapshot can be as large as the file: it stays on
// disk, and Snapshot says where it is. What is cut off or does not parse is nil,
// and listed in Faults, so that everything else in a damaged file can still be
// used. A Meta does not change after Read.
//
// EncodeIDs, EncodeHardState, EncodeSnapshot and EncodeEmptying give a writer the
// bytes, and where in the file they belong.
//
// The package opens and writes no file, and does not know whether the metadata
// agree with the entries of the log.
package meta
