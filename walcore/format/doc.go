/*
Package format is Dgraph's format of a Raft log as pure codecs, each below a ruler of
its bytes. It opens no file. The reader (walcore/dgraph) and the writer
(walcore/storage) share it; it is all that they share of the format.

	slot := format.DecodeSlot(table[i*format.SlotSize:])

All integers are big-endian. Dgraph v20.11 to v25 write and read it.

# The directory

	wal.meta      ids, hard state and snapshot: package meta
	NNNNN.wal     log files, by an id that begins at 1 and only grows
	KEYREGISTRY   the data keys, where encryption at rest is on: Badger's key registry

A log file begins with a table of 30,000 slots, one an entry, filled in order: the
first slot whose index is 0 ends it. Behind the table are the key header and, from
1 MiB on, the payloads, each a length and so many bytes, packed without gaps. An entry
without data has an offset and a length of 0.

A new file is sparse and has 256 MiB. When the payloads outgrow it, it grows by its
own size, by 1 GiB at most at a time. The next file begins after 30,000 entries, or
before an entry that would end beyond 1 GiB; the full file is cut behind its last
payload.

# The log

The files, by the index in their first slot, are the log. The last one is written to.

  - A new leader's entries replace those at the same indexes and all after them: the
    slots are zeroed, later files deleted. The bytes of old payloads stay in the file
    until others are written over them.
  - Compaction deletes the files that lie wholly below a snapshot. Entries at or below
    it that share a file with later ones stay.
  - Emptying (dgraph debug --truncate, walfs truncate) sets the lengths of normal
    entries to 0 and leaves their offsets: the gap behind such an entry is legal, see
    [Gap].

# Encryption

With a user's key of 16, 24 or 32 bytes each log file names a data key and 8 random
bytes in its key header; a payload is encrypted with AES-CTR by the data key, its IV
those 8 bytes and the payload's offset. Lengths, slots and wal.meta are plain. A data
key serves new files for ten days. A directory can hold plain and encrypted files, and
files with different data keys.

# What Dgraph's own code gets wrong

A reader meets the results, each of which was reproduced; a writer must not do them.
Tests name them by these numbers.

	 1  wal.meta is flushed before the entries: after power loss the commit index can lie
	    beyond the log, and Raft panics
	 2  old files are deleted before the snapshot that replaces them is flushed: after
	    power loss neither is there
	 3  a snapshot's index and term are stored before its bytes, in place: a crash between
	    the two ends every start
	 4  whether a snapshot fits is decided without its 4 bytes of length: some sizes are
	    stored and cannot be read
	 5  slots can reach the disk before their payloads: entries that look whole and are
	    empty
	 6  a slot is four stores: an index without an offset, and the next payload is written
	    into the slot table
	 7  the log's end is found by bisection: what a rewrite left behind comes back
	 8  a rewrite deletes later files oldest first: a crash leaves a hole that is served
	 9  directories are not flushed: a new file's name can be lost
	10  a failed flush is tried again, which succeeds and means nothing
	11  a rewrite that reaches back zeroes up to 1 MiB, key header included: encrypted
	    payloads pass for plain ones
	12  a rewrite in an encrypted file uses a key stream again: two payloads give away their
	    difference
	13  a snapshot from another node leaves entries that conflict with it
	14  entries below the snapshot are served, where raft.ErrCompacted is due
	15  entries below the first or behind a gap are accepted
	16  a length or an offset beyond the file gives no data, a panic or a file of 4 GiB
	17  files are looked for in subfolders and by suffix: backup/00001.wal or 7.wal stop a
	    start
	18  opening creates files and deletes empty ones, on a mistyped path too
	19  there is no lock, and files are mapped: a second process ends the first by SIGBUS
	20  a full disk is a SIGBUS, too: files are sparse
	21  the key is one variable for all logs of a process
*/
package format
