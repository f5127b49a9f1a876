package check

import "github.com/walfs/walfs/walcore"

// What repair does in more than one case.
const (
	endsBefore = "ends the log before the damage, and lowers the commit index to there, unless the snapshot covers it"
	leavesOut  = "leaves it out"
)

// Kinds are all kinds of problems. KINDS.md is made of them.
var Kinds = []Meaning{
	{
		Kind: walcore.KindUnreadable, Title: "a file, or a place in it, cannot be read", Effect: Refused,
		Dgraph:  "does not start, or is killed by a signal when it reads there",
		Storage: "refuses",
		Repair:  "takes what can be read; where that has a hole, it " + endsBefore,
	}, {
		Kind: walcore.KindNotAFile, Title: "a folder, link or device has a log file's name", Effect: Diverges,
		Dgraph:  "follows a link, takes log files out of a folder, and may hang on a pipe",
		Storage: "refuses",
		Repair:  leavesOut,
	}, {
		Kind: walcore.KindCut, Title: "a log file is too short for its slots and its key header", Effect: Refused,
		Dgraph:  "panics where it looks for slots that are not there; it deletes a file of no bytes",
		Storage: "drops it if nothing of it is committed, refuses otherwise",
		Repair:  "takes the entries that are whole; where others are missing, it " + endsBefore,
	}, {
		Kind: walcore.KindOrder, Title: "an index does not follow the one before", Entry: true, Effect: Diverges,
		Dgraph:  "looks for entries by index, takes a neighbour for the one it looks for, or stops",
		Storage: "drops it and all behind it if nothing of that is committed, refuses otherwise",
		Repair:  endsBefore,
	}, {
		Kind: walcore.KindTerm, Title: "a term is below that of an entry before", Entry: true, Effect: Diverges,
		Dgraph:  "takes entries that a later leader has replaced for the log's",
		Storage: "drops it and all behind it if nothing of that is committed, refuses otherwise",
		Repair:  endsBefore,
	}, {
		Kind: walcore.KindRange, Title: "a term or an index is higher than any log gets", Entry: true, Effect: Diverges,
		Dgraph:  "believes it: entries behind it are not found, or its term is above all that the group votes in",
		Storage: "drops it and all behind it if nothing of that is committed, refuses otherwise",
		Repair:  endsBefore,
	}, {
		Kind: walcore.KindLeftover, Title: "slots stand behind the first empty one", Effect: Diverges,
		Dgraph:  "looks for the log's end by bisection, so that replaced entries can come back",
		Storage: "clears them if the log without them reaches the commit index, refuses otherwise",
		Repair:  leavesOut,
	}, {
		Kind: walcore.KindDuplicate, Title: "two slots hold the same entry", Entry: true, Effect: Unnoticed,
		Dgraph:  "reads one of them; once it is replaced, the other can come back",
		Storage: "refuses, unless the snapshot has replaced it",
		Repair:  "keeps one of them",
	}, {
		Kind: walcore.KindConflict, Title: "two slots give an index different terms", Entry: true, Effect: Diverges,
		Dgraph:  "reads one of them, maybe the one that was replaced",
		Storage: "refuses, unless the snapshot has replaced it",
		Repair:  endsBefore,
	}, {
		Kind: walcore.KindHole, Title: "entries are missing between others", Entry: true, Effect: Diverges,
		Dgraph:  "passes over the hole without an error, or stops in it",
		Storage: "refuses",
		Repair:  endsBefore,
	}, {
		Kind: walcore.KindOffset, Title: "an entry's data offset lies outside the payloads", Entry: true, Payload: true, Effect: Diverges,
		Dgraph:  "takes other bytes for its data, or panics; the next entry can be written over slots",
		Storage: "drops it and all behind it if nothing of that is committed, refuses otherwise",
		Repair:  endsBefore,
	}, {
		Kind: walcore.KindLength, Title: "a payload's length goes beyond its room, or falls short of it", Entry: true, Payload: true, Effect: Diverges,
		Dgraph:  "takes no data, or others than the group has, or panics",
		Storage: "drops it if it is the last and not committed, refuses otherwise",
		Repair:  endsBefore,
	}, {
		Kind: walcore.KindType, Title: "an entry's type is none of Raft's", Entry: true, Payload: true, Effect: Diverges,
		Dgraph:  "takes a configuration change for a proposal",
		Storage: "opens, and hands it to Raft as it is",
		Repair:  endsBefore,
	}, {
		Kind: walcore.KindChecksum, Title: "an entry's bytes are not those that its checksum was made of", Entry: true, Payload: true, Effect: Diverges,
		Dgraph:  "does not look at checksums, and serves the bytes",
		Storage: "drops it and all behind it if it is in the last file and nothing of that is committed; otherwise opens, and fails where it is read",
		Repair:  endsBefore,
	}, {
		Kind: walcore.KindPayload, Title: "data are no proposal, in a log where all others are", Entry: true, Payload: true, Effect: Refused,
		Dgraph:  "stops when it applies the entry, at each start; an Alpha passes over those below its checkpoint",
		Storage: "opens: it does not look into data",
		Repair:  endsBefore,
	}, {
		Kind: walcore.KindConfChange, Title: "a configuration change cannot be parsed or applied", Entry: true, Payload: true, Effect: Refused,
		Dgraph:  "panics when it applies the change, at each start",
		Storage: "opens; whoever applies the change, as Resume does, fails",
		Repair:  endsBefore,
	}, {
		Kind: walcore.KindKeyErased, Title: "a log file has no key id, beside a key registry", Effect: Diverges,
		Dgraph:  "takes encrypted payloads for plain ones",
		Storage: "refuses, unless it is told that the file is plain",
		Repair:  "finds the key id and the base IV again where payloads allow, and otherwise leaves the file out",
	}, {
		Kind: walcore.KindDataKey, Title: "the key registry lacks a log file's data key", Effect: Refused,
		Dgraph:  "does not start",
		Storage: "refuses",
		Repair:  "leaves the file out, and all behind it, if the snapshot does not cover it",
	}, {
		Kind: walcore.KindKeyRegistry, Title: "KEYREGISTRY is cut or damaged", Effect: Refused,
		Dgraph:  "does not start, or lacks data keys",
		Storage: "refuses",
		Repair:  "takes the data keys that can be read, and leaves out files of others",
	}, {
		Kind: walcore.KindMeta, Title: "wal.meta is missing, cut, or does not parse", Effect: Refused,
		Dgraph: "does not start; where wal.meta is missing it makes a new one, and has forgotten its id, its vote, its commit index " +
			"and its snapshot: it may vote twice in a term",
		Storage: "refuses",
		Repair:  "makes a new one of what is left: the ids, the hard state and the snapshot as far as they parse, and terms that entries prove",
	}, {
		Kind: walcore.KindSnapshot, Title: "the snapshot contradicts itself or the log, or has no voters", Effect: Refused,
		Dgraph:  "panics at each start; with a snapshot that has no voters it starts and knows no members",
		Storage: "refuses",
		Repair:  "leaves it out where entries reach back to 1, and otherwise refuses: nothing can replace it but another replica's",
	}, {
		Kind: walcore.KindCommit, Title: "the commit index lies beyond the log, or below the snapshot", Effect: Refused,
		Dgraph:  "panics: Raft does not accept it",
		Storage: "refuses the first; takes the snapshot's index for the second",
		Repair:  "sets the commit index to the last entry's, or to the snapshot's",
	}, {
		Kind: walcore.KindHardState, Title: "the hard state's term is below an entry's or the snapshot's, or it is lost", Effect: Stuck,
		Dgraph:  "starts, calls itself healthy, and elects nobody, or votes twice in a term",
		Storage: "opens, and warns",
		Repair:  "raises the term to the last entry's, and forgets the vote",
	}, {
		Kind: walcore.KindCheckpoint, Title: "the checkpoint lies beyond the commit index", Effect: Diverges,
		Dgraph:  "takes entries up to there for applied, and passes over them when they come",
		Storage: "opens",
		Repair:  "lowers the checkpoint to the commit index",
	}, {
		Kind: walcore.KindEmptyFile, Title: "a log file that is not the last has no entries, or only replaced ones", Effect: Diverges,
		Dgraph:  "deletes it if its first slot is empty, and otherwise takes its entries for the log's",
		Storage: "removes it if entries before and behind it follow one another, refuses otherwise",
		Repair:  leavesOut,
	}, {
		Kind: walcore.KindFirstFile, Title: "the first log files are gone, and no snapshot explains that", Effect: Diverges,
		Dgraph:  "starts without the entries that were in them",
		Storage: "opens, and warns",
		Repair:  "refuses: nothing can replace them but another replica's",
	}, {
		Kind: walcore.KindPage, Title: "a page of a database, or what is in it, cannot be what was written", Entry: true, Effect: Refused,
		Dgraph:  "has no such file: HashiCorp's library does",
		Storage: "has no such file",
		Repair:  "has no such file",
	}, {
		Kind: walcore.KindTorn, Title: "the log's end was only partly written", Effect: Diverges,
		Dgraph:  "takes it for an entry",
		Storage: "drops it: it was not acknowledged",
		Repair:  leavesOut,
	}, {
		Kind: walcore.KindRefused, Title: "opening for writing refuses the directory, and no other kind says why", Effect: Diverges,
		Dgraph:  "is not known to",
		Storage: "refuses",
		Repair:  endsBefore,
	}, {
		Kind: walcore.KindNoKey, Title: "payloads are encrypted, and no key was given", Note: true,
		Dgraph:  "needs its key to start",
		Storage: "needs the key",
		Repair:  "needs the key",
	}, {
		Kind: walcore.KindReplaced, Title: "a snapshot has replaced log files that are still there", Note: true,
		Dgraph:  "deletes them",
		Storage: "removes them",
		Repair:  leavesOut,
	}, {
		Kind: walcore.KindEmptying, Title: "emptying payloads was cut off, or goes on", Note: true,
		Dgraph:  "reads what is there: whole payloads, and empty ones",
		Storage: "ends it",
		Repair:  "takes what is there",
	}, {
		Kind: walcore.KindFileSystem, Title: "the file system is full, or has become read-only", Note: true,
		Dgraph:  "is killed by a signal at the next append",
		Storage: "fails at the next append, and loses nothing that was acknowledged",
		Repair:  "writes elsewhere",
	}, {
		Kind: walcore.KindIgnored, Title: "a name in the directory is no part of the log", Note: true,
		Dgraph:  "looks for log files in subfolders, too, and takes each name that ends with .wal for one: it may stop, or make a new file",
		Storage: "leaves it alone",
		Repair:  leavesOut,
	},
}
