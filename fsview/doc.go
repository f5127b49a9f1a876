/*
Package fsview shows a Raft log as a tree of read-only files: each entry by its
index, term, type and log file, and as JSON that says what it means; the metadata as
small texts; snapshots as blobs; and the directory's own files as they are. It shows
any [walcore.Log], whichever system wrote it.

	r, err := dgraph.OpenReader(dir, dgraph.ReaderOptions{})
	…
	tree := fsview.New(r, nil)
	data, err := fs.ReadFile(tree, "entries/42")

# The tree

	README               what each path holds
	status.json          what there is to say of the log, and what is wrong with it
	entries/N            the payload of entry N, decrypted
	terms/T/N            the same entries by term
	types/TYPE/N         the same by type; types have the names that the system gives them
	files/FILE/N         the same by log file (if the log is a [walcore.Filer])
	decoded/N.json       what entry N means
	jsonl/FILE.jsonl     the same of all entries of a log file, a line an entry (if the
	                     log is a [walcore.Filer])
	replaced/N-T         entry N of term T, which a later leader replaced and which is
	                     still there (if the log is a [walcore.Replacer])
	replaced/FILE-OFFSET the payload of a replaced entry whose index and term are not
	                     known, by its place in a log file (a [walcore.Remainer]'s)
	meta/                the metadata, one value a file
	snapshots/T-N/       the snapshot of term T and index N; the link latest leads to it
	native/              the directory's own files, byte for byte (a [walcore.Filer]'s)

Entries and terms are listed under names of 20 digits, which sort as numbers do. They
are found under the short form too: entries/42.

An entry is one file with a link in each of entries/, terms/, types/ and files/. What
a log does not keep has no file. What it should have and cannot show, because it is
damaged, is not listed; looking it up fails with [walcore.ErrDamaged], and not with
fs.ErrNotExist.

A file in jsonl/ has a line for each entry that can be read, as payload.AppendLine makes
it. Its size is known once all its entries have been decoded, when somebody asks for it;
then it is remembered, with a place to begin at in every 128 KiB. If a running node adds
entries, the name leads to another file with another node.

# Paths and nodes

A [Tree] is an io/fs file system. Adapters, packages fusefs and httpfs, use its methods
that take a [Node], a number. An entry's node is computed from its term, index and log file,
and has the index in it, by which the log finds the entry. So a tree keeps nothing in
memory for an entry, and one of millions costs what an empty one does.

# A log that grows

A Tree shows its log as that was found, and does not change. Reading what has been
overwritten on disk since then fails with [walcore.ErrChanged]. [Live] shows a directory
as it is now: [Live.Follow] makes a new tree after each change, and [Changes] tells what
of the old tree is no longer right, for those who cache it.

The files in native/ are an exception: those of a tree that [New] makes are read as they
are now, one after the other, and are no backup while a node writes to them. Those of
[NewFrozen] are the log's image.

# Concurrency

All methods of Tree and Live may be called from many goroutines. A [Cursor] belongs to
one. Close the log, or [Live.Close] it, when nobody uses the tree any more.
*/
package fsview
