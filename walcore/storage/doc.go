/*
# Writing

A DiskStorage is a raft.Storage that keeps the native format: what it writes,
an unmodified Dgraph opens, and the same calls give the same bytes.

	s, err := storage.Open("/var/lib/node/w", storage.Options{Create: true})
	…
	defer s.Close()
	config := &raft.Config{Storage: s, …}
	if s.IsNew() {
		node = raft.StartNode(config, peers)
	} else {
		node = raft.RestartNode(config)
	}
	for rd := range node.Ready() {
		if err := s.Save(rd.HardState, rd.Entries, rd.Snapshot); err != nil {
			…
		}
		…
	}

The example "node" of DiskStorage is a whole program.

One DiskStorage has a directory to itself: Open takes a lock on the directory,
and refuses one whose files any other process has open. Readers may come while
it runs.

# Who the members are

A conf state, the lists of voters and learners, belongs to an index. The directory
keeps one, the snapshot's; later ones follow from it by the configuration changes in
the log, as far as they are committed, and ConfStateAt gives them. Raft starts with
what InitialState returns, the snapshot's, and changes it only when the program
calls ApplyConfChange for an entry that it got in Ready.CommittedEntries. It gets
those behind raft.Config.Applied, so that:

	new log                      no members: StartNode puts its peers into the log, as changes
	                             to be applied; RestartNode leaves the node without, until a
	                             leader of a group that it joins sends it the log
	Applied = 0, or the          right: the changes after the snapshot are applied again
	snapshot's index
	Applied beyond               the changes up to Applied are not seen again, and Raft works
	                             with the members of old, or none; with Resume it has those
	                             as of Applied

Raft is silent about either mistake. The storage warns, as InitialState says.

# What is on disk after a crash

With SyncAlways, everything that a call has acknowledged, and of the call that
was running, a part that makes sense by itself. Each method that writes says
which. The order of writes and flushes sees to it:

	append      payloads · flush · slots · flush           a slot names only what is there
	            with Checksums: payloads, slots · flush    a slot tells whether it is there
	new file    size, key header · flush file and directory, before a slot is written
	over files  payloads · flush all of them at once · slots, flush, file after file
	rewrite     later files unlinked, newest first, the directory flushed after each ·
	            slots zeroed · flush · append
	hard state  after the entries · flush, unless the commit index alone has moved
	emptying    a note in wal.meta · flush · checksums off · flush · lengths · flush · note off
	encryption  KEYREGISTRY under another name · flush · rename · flush directory
	data key    its record in KEYREGISTRY, flushed · a file that uses it
	snapshot    wal.meta.new · flush · rename · flush directory · then unlink
	            the files below, oldest first · flush directory

A disk is taken to write a sector of 512 bytes as a whole, and nothing larger:
slots, ids and the hard state each lie within one. No write goes through a mapping, so that a full
disk is an error and not a signal; room for payloads is allocated before
anything is changed, and a Save that fails for that can be made again.

After any other failed write or flush the storage is stopped: every call fails
with the first error until the directory is opened again. The kernel drops what
it could not write, and a second flush would say that all is well.

With SyncManual the same holds for a process that is killed. Power loss may
take anything since the last Sync, in any order; with Checksums it is noticed.
Rewrites, rotations and snapshots flush what their order needs in either mode.

# Opening after a crash

Open reads all slots. The log ends at the first one that is empty or cannot
follow the one before it, in the last file; checksums in that file count too.
What is behind is dropped, zeroed, and listed by Problems; so is a data key at
the end of KEYREGISTRY that is torn, unless a log file uses it. Emptying payloads
that was cut off is gone on with. If the commit index
says that something behind was committed, or something is missing in between,
Open fails with ErrDamaged and changes nothing: a log with a hole is not served.
Without a commit index that reaches so far, damage to the last entries cannot
be told from a torn append; with Checksums, other damage is found when the
entry is read.

# Limits

Open trusts an entry's length until the entry is read, as does a Reader.
Commit-only hard states may lag behind after power loss. Removing the data of
emptied or rewritten entries from the disk for good is not done: their bytes
stay until they are written over.
*/
package storage
