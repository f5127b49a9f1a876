/*
Package storage writes Raft logs in Dgraph's format. A [DiskStorage] is a
[raft.Storage] that is kept in a directory: an unmodified Dgraph opens what it
writes, and the same calls give the same bytes.

A node saves each raft.Ready with [DiskStorage.Save] before it sends the Ready's
messages, and takes snapshots of its state with [DiskStorage.CreateSnapshot], which
compacts the log. The example shows the calls. One DiskStorage writes to a directory:
[Open] locks it, and refuses one with files that another process has open for writing.
Programs that only read it, as a mount does, come and go as they like.

The program decides how a node starts:

	s, err := storage.Open("/var/lib/node/w", storage.Options{Create: true})
	…
	if s.IsNew() {
		node = raft.StartNode(config, peers)
	} else if err = s.Resume(config, s.Checkpoint()); err == nil {
		node = raft.RestartNode(config)
	}

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

With [SyncAlways] everything is there that a call has acknowledged. Of the call
that was running there is nothing, all, or a part that is a log by itself. Each
method that writes says which. The order of writes and flushes sees to it:

	append      payloads · flush · slots · flush           a slot leads only to what is there
	            with Checksums: payloads, slots · flush    the checksum tells whether it is there
	new file    size, key header · flush file and directory, before a slot is written
	over files  payloads · flush all of them at once · slots, flush, file after file
	rewrite     later files removed, newest first, the directory flushed after each ·
	            slots set to 0 · flush · append
	hard state  after the entries · flush, unless the commit index alone has changed
	new term    term and vote · flush · entries of that term · commit index
	emptying    a note in wal.meta · flush · checksums removed · flush ·
	            lengths set to 0 · flush · note removed · flush
	encryption  KEYREGISTRY under another name · flush · renamed · flush directory
	data key    its record in KEYREGISTRY, flushed · a file that uses it
	snapshot    wal.meta.new, with the hard state · flush · renamed · flush directory ·
	            the files before it removed, oldest first · flush directory

This holds for disks that write a sector of 512 bytes as a whole or not at all.
Each slot, the ids and the hard state lie within one sector.

With [SyncManual] the same holds when the process is killed. Power loss may take
anything since the last [DiskStorage.Sync], in any order; with Checksums that is
noticed. Rewrites, rotations, snapshots and new terms flush what their order needs in
either mode. Slots and the commit index of small appends are not written with a system
call in this mode, but stored to mapped memory, each so that one aligned word
makes it count.

# When a write fails

Disk space for payloads is allocated before anything is changed. A Save that fails
for a full disk at that point can be made again.

After any other failed write or flush the storage is stopped: every call fails with
the first error until the directory is opened again. The kernel drops what it could
not write, and a second flush would report success.

# Opening after a crash

Open reads all slots. The log ends at the first slot in the last file that is empty
or cannot follow the one before it, or whose entry has a wrong checksum. What is
behind that is dropped, set to 0, and listed by [DiskStorage.Problems]. A torn
record at the end of KEYREGISTRY is dropped likewise if no log file uses its key.
If a crash came while payloads were emptied, the rest of them is emptied.

Where the commit index says that something that would be dropped was committed, or
where entries are missing in between, Open fails with ErrDamaged and changes
nothing: a log with a hole is not served.

# What it does not promise

Without a commit index that reaches so far, damage to the last entries looks like an
append that a crash has cut off, and is dropped as such. Other damage is found when
an entry is read, with Checksums always, without them only in a slot or a length.
The lock keeps other DiskStorages away, but not a Dgraph that is started later.
Writing needs Linux.
*/
package storage
