/*
Package walcore says what a Raft log is, whoever wrote it: a [Log] of entries, the
hard state, the snapshot and the conf state beside them in [Meta], the [Problem]
that a directory has, and the errors that every reader and writer gives. It knows no
format, opens no file, and imports the standard library alone.

	log, err := detect.Open(dir, detect.Options{}) // a walcore.Log
	…
	for e := range log.Entries(1) {
		data, err := e.Data()
		…
	}

A Log is a directory at one moment, and does not change. Its files may change later:
reading an entry notices that and fails with [ErrChanged]. It never gives other bytes
than those of the entry that was listed.

# The rooms

Which package holds what. Each may import only packages that stand above it in this
list, and not all of them: package test/rooms has the exact rules, and fails when an
import breaks one.

	walcore             what a log is: Log, Entry, File, Meta, Snapshot, Problem, the errors
	walcore/wording     names in texts for people: quoted, listed, the one that was meant
	walcore/platform    what is asked of the operating system, with files by system: opening
	                    without a trace, inodes and times, locks, leases, room on disk,
	                    places where nothing looks finished before it is
	meta                wal.meta, Dgraph's metadata file: its bytes, read and written
	walcore/format      Dgraph's format as pure codecs, below their rulers: a slot, a log
	                    file's key header, names, checksums, the rule of legal gaps,
	                    decryption, KEYREGISTRY, packed slots. It opens nothing
	walcore/dgraph      reads Dgraph's directory: which files belong to the log, the order of
	                    slots and terms, payload lengths, verification of checksums, first
	                    and last index, what is a problem and its text, refresh, and what
	                    opening for writing keeps, drops and refuses
	walcore/bolt        bbolt databases: read without their lock while a node writes, as of one
	                    transaction, checked, and built
	walcore/etcd        reads etcd's directory: frames and their running sum, which entries
	                    later leaders replaced, torn ends, snapshots, refresh
	walcore/hashicorp   reads the directories of HashiCorp's Raft library: raft.db, which is a
	                    bbolt database, raft-wal's segments, and snapshots/
	walcore/detect      says whose directory it is, and opens the right reader
	walcore/vfs         the little of a file system that a log is written through; crashfs is
	                    one that loses power
	walcore/confstate   who is in the group after configuration changes
	walcore/storage     DiskStorage, the raft.Storage that writes Dgraph's format: append,
	                    rotation, rewind, snapshots, compaction, emptying, encryption; Open
	                    applies what the reader has found to be left of a crash
	walcore/payload     what entries mean: decoding, facts, summaries, redaction, whose log it is
	walcore/pending     which transactions a log begins and does not decide
	walcore/replay      which entries a node goes through again when it starts
	walcore/filter      which entries are asked for, by the flags of dump: time, kind, key …
	walcore/membership  who is in the group as one log has it, with addresses
	walcore/stats       entries and bytes by kind, predicate, file, term, size, hour …
	walcore/tally       the same for a log that grows, and its transactions, kept up to date
	walcore/status      what is in any log, in numbers: status.json
	walcore/sums        a whole log added up in stats' tables, by a few goroutines, and their JSON
	walcore/export      tables of entries, edges and transactions, in Parquet or CSV
	walcore/diff        where logs of one group differ
	walcore/check       whether a directory is sound, payloads included, and what each kind
	                    of problem means for a node
	walcore/explain     what somebody asks at night about a node: pending, replayed, held back, odd
	walcore/backup      copies of a directory, from a running node too, that a node starts on
	walcore/repair      a directory that starts, out of a damaged one that is only read
	fsview              the tree of any log: names, nodes (inode numbers), attributes, what
	                    has changed between two trees. It is an io/fs file system
	fsview/fusefs       serves the tree through FUSE: errno (EIO), what the kernel caches
	                    and when that is invalidated, readahead, mounting
	fsview/httpfs       serves the tree over HTTP: pages, ranges, what a client may keep;
	                    and as WebDAV, read-only
	cmd/walfs           the commands: flags, output, exit codes

A reader cannot write: neither dgraph, etcd, hashicorp nor anything above a log imports storage or vfs.
The writer imports the reader, so that both have one idea of what a log is.
A new system's log is one package beside dgraph that gives a Log. Beside it, detect opens
it, payload decodes what its entries hold, and check says what damage means for its nodes;
where its nodes have no numbers for ids, or it keeps no commit index, membership and the
texts of the commands say that. Nothing else has to know it.
*/
package walcore
