/*
Package hashicorp reads the Raft directories of HashiCorp's library, which Consul, Nomad and
Vault keep: raft.db or raft-wal's segments, and snapshots/. A node may be running; its files
are not touched, not even their access times, and its locks are not taken.

	log, err := hashicorp.Open("/opt/consul/data")
	…
	defer log.Close()

A [Reader] is a [walcore.Log] of one moment. [Find] says where the directory is and which store
it has.

# raft.db

A bbolt database: a tree of pages, in which values have no checksum. Bucket logs has an entry
for each index (8 bytes, big-endian), a msgpack map; bucket conf has CurrentTerm, LastVoteTerm
and LastVoteCand. It is read by code of our own: bbolt's maps the file, which ends a program
with SIGBUS where the file shrinks, and waits for a lock that a running node holds.

A transaction never changes a page that the one before uses. So what was read is right if the
newest transaction is the same afterwards; if it is another one, reading goes on from the last
entry that both have (boltReading). That an index and a term tell an entry from all others is
what Raft promises.

Each page has to be what its parent says: its number, its kind, keys within bounds, elements one
behind the other, as many pages as they take. What is not is damage of the indexes between two
keys. Within a value a changed byte shows only where it makes no sense.

# raft-wal

wal-meta.db is a bbolt database that says which segments there are, what of each is in the log
(MinIndex to MaxIndex), and, in bucket stable, what conf has in raft.db, with little-endian
numbers. A segment is a header and frames: entries, and commits with a checksum of all that was
written since the commit before. The last right commit ends the log; where a right one follows
one that is wrong, the entries of that are damaged. Entries behind MaxIndex were cut off for a new
leader's: they are what Replaced gives, where the log goes on in a higher term.

# Entries

A slot has the checksum of its value, which is compared whenever the value is read: nothing else
is ever given for an entry, wherever its page has moved. The number of an entry in its file (its
Slot) is the index in raft.db, and counts from 0 in a segment.

There is no commit index, no applied index and no id on disk: they are not known. FirstIndex is
what the library's LogStore answers, also where a snapshot covers the entry.

# Snapshots

A folder snapshots/TERM-INDEX-MS with meta.json and state.bin, whose size and CRC-64 are in
meta.json. Those that end with .tmp are unfinished. One that lacks a file counts for nothing while
a newer one is whole: nodes remove old ones file by file.
*/
package hashicorp
