// Package repair makes a directory that starts out of a damaged one, which it only
// reads. A Plan says what can be kept, what is left out and what that means; Write
// writes it.
//
//	r, err := dgraph.OpenReader("/var/lib/dgraph/w", dgraph.ReaderOptions{Key: key})
//	…
//	plan, err := repair.New(ctx, r, repair.Options{Key: key})
//	…
//	err = plan.Write(ctx, "/var/lib/dgraph/w.repaired")
//
// # What is kept
//
// The snapshot, if it is whole: with index, term and conf state. Behind it the
// entries from the index after the snapshot's on, or without a snapshot from the
// log's first one on, up to the first one that is missing or damaged: each payload
// is read, and its checksum verified. Raft accepts no log with a hole, so that what
// is behind the first one stays out, even where it can be read. Entries up to the
// snapshot's index stay out, too: it stands for them.
//
// Nothing is kept of a log that has lost its beginning and has no whole snapshot:
// Raft would start on it without members, and without the state that those entries
// made.
//
// # Keys that were erased
//
// Dgraph zeroes a log file's key header when a new leader replaces entries of an earlier
// file; what is encrypted there cannot be read any more. The header is looked for: where
// 16 bytes of one payload are known, as the names of predicates are, they give the
// counter that they were encrypted with, half of which is known and proves the rest. Then
// each payload that parses only when it is decrypted, or only when it is not, tells up to
// which slot they are encrypted: a node that was started again has written plain ones. Between
// the two, and where nothing parses, payloads are not guessed, and are left out.
//
// # The hard state
//
// The term is the highest of the stored one, the snapshot's and those of all
// entries that can be read. The vote is kept if the hard state is whole and has that
// term. The commit index and the checkpoint are not above the last entry that is
// kept, and the commit index not below the snapshot.
//
// # What it means to leave something out
//
// A replica acknowledges each entry that it stores, and a majority that has
// acknowledged an entry commits it. One that forgets what it has acknowledged breaks
// that promise: with its help a leader can be elected that lacks a committed entry.
// Plan.Lost says that this is possible. A copy of another replica, or a new node in
// its place, has no such risk.
//
// # What is written
//
// The same format, in new log files: encrypted with the same user's key if there is
// one, with checksums if an entry had one. It is written in a hidden folder beside
// the place that was asked for, flushed, read again and compared with the source, and
// then renamed. Whatever interrupts that leaves nothing under the final name; the
// next call for the same name removes what is left there (see [platform.Place]).
package repair
