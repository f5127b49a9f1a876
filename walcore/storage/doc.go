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

What the log is, and what a crash has left behind it, is judged by the code that
reads: [dgraph.Reader.Recovery]. So nothing goes that a reader could show, and nothing
is served that a reader would not. Open reads all slots, and the lengths of the last
file's payloads. It makes its whole plan before it changes anything:

	kept     files whose slots are entries that follow one another, to the last slot; of the
	         last file those up to the first slot that is no entry, or whose payload is not
	         there or has a wrong checksum
	dropped  what is behind that slot: set to 0, and listed by Problems
	removed  files without slots; files whose entries the snapshot has replaced for certain

A torn record at the end of KEYREGISTRY is dropped if no log file uses its key. If a
crash came while payloads were emptied, the rest of them is emptied.

Open fails with ErrDamaged, and has changed nothing, where that could lose anything:

	the log ends before the commit index or the checkpoint
	slots would be dropped, and the hard state is lost, or older than the log: what the
	    commit index was is not known then
	entries behind those that would be kept can be read, unless they belong to an append
	    with checksums: their slots and payloads reach the disk in any order
	entries are missing, are there twice, or have terms that go down; a file is cut in its
	    slots, cannot be read, or is not the last one and ends early
	the snapshot and the log contradict each other, and either could be damaged
	wal.meta is missing or damaged

The error names the file and the slot, and the command that makes a directory of what
can be trusted: walfs repair. A hard state that is older than the log, with nothing to
drop, is listed by Problems, and Open goes on.

# What it does not promise

Slots at the log's end that damage has emptied, or that no reader can show, look like an
append or a rewrite that a crash has cut off. They are dropped as such if the commit index
does not reach so far; so is an append with checksums behind the first entry that fails
its own. With SyncManual and without Checksums a power loss can leave payloads unwritten
before others that were written. Open cannot tell that from damage, and refuses it. In
files before the last one a payload that is damaged is found when it is read, with
Checksums always, without them only by its length. The lock keeps other DiskStorages away,
but not a Dgraph that is started later. Writing needs Linux.
*/
package storage
