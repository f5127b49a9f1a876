package storage

import (
	"log/slog"

	"github.com/walfs/walfs/walcore/vfs"
)

// SyncMode says when what was saved is on disk.
type SyncMode int

const (
	// SyncAlways: what a call has acknowledged survives power loss. The exception
	// is a commit index that changes alone: it is written, but not flushed, since
	// Raft finds it out again.
	SyncAlways SyncMode = iota
	// SyncManual: what a call has acknowledged survives the end of the process,
	// however that ends. Power loss may take everything since the last Sync. It
	// may also leave a commit index beyond the log's end, which Open refuses, and
	// without Checksums entries with wrong payloads, which Open may refuse. Dgraph
	// runs like this unless it is told otherwise.
	SyncManual
)

// Options say how a DiskStorage works. The zero Options open a log that is not
// encrypted and flush every call.
type Options struct {
	// Create makes an empty log where there is none, and the directory, too.
	// Without it, Open fails with ErrNotRaftDir there.
	Create bool
	// Key encrypts the payloads: 16, 24 or 32 bytes, or none.
	Key []byte
	// Plain says that files with key id 0 are not encrypted although there is a
	// key, as in a log that was begun before encryption was turned on. New files
	// are encrypted.
	Plain bool
	// Sync is SyncAlways unless it is set.
	Sync SyncMode
	// Checksums adds a CRC-32C of slot and payload to every slot, which Dgraph
	// ignores. Damage is found when an entry is read, and an append that is
	// flushed takes one flush instead of two.
	Checksums bool
	// DryRun changes nothing in the directory, which must be there. What is
	// written is kept in memory, and is gone when the storage is closed. It shows
	// what Open and the calls after it would do, and whether they would succeed,
	// unless the disk fails.
	DryRun bool
	// Logger gets what Open has found and repaired as warnings, and rotations,
	// compactions and rewrites as debug messages. Nil is slog.Default().
	Logger *slog.Logger

	wrap   func(vfs.Dir) vfs.Dir // lets tests see what is written, and make it fail
	limits limits
}

// limits say when a log file is full. Tests make them small.
type limits struct {
	slots int
	bytes int64
}
