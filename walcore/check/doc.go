// Package check says whether a Raft directory is sound: it reads everything in it.
//
//	report, err := check.Run(ctx, log, check.Options{})
//	…
//	fmt.Println(report.Verdict)
//	// sound: a node starts, replays 41,235 to 45,773, and is at commit 45,773
//
// A Log's own Problems come from slots, lengths and metadata. Run adds what takes a look
// at payloads: whether they can be read, their checksums, data that are no proposal in a
// log where all others are, and configuration changes that cannot be applied. For each
// problem it says what it means for a node that opens the directory, and what walfs
// repair would do. KINDS.md lists them all.
//
// It works on any Log. A [walcore.Follower] may be written to meanwhile: an entry that
// has changed while it was read is looked at again, and one that is gone is left out. What
// is reported is as of the last look.
//
// Payloads are read once, in the order of the log, a part by each processor. Memory does
// not grow with the log. Data of more than 16 MiB are read and compared with their
// checksum, but not parsed.
//
// # What it cannot see
//
// A payload's own bits where there is no checksum and it still parses; a type that
// became another one of Raft's; a term at a boundary; who was voted for; whole files in an
// older state.
package check
