package walcore

import "fmt"

// Kind names a sort of problem; the names are part of status.json.
type Kind string

// What can be wrong with a directory.
const (
	KindUnreadable  Kind = "unreadable"     // a file cannot be opened or read
	KindNotAFile    Kind = "not_a_file"     // a log file's name on a folder, link or device
	KindCut         Kind = "cut"            // a log file without room for its header
	KindOrder       Kind = "out_of_order"   // an index that does not follow the one before
	KindTerm        Kind = "term_goes_down" // a term below an earlier entry's
	KindRange       Kind = "out_of_range"   // a term or index above MaxNumber, which Raft cannot have reached
	KindLeftover    Kind = "leftover"       // slots after the first empty one
	KindDuplicate   Kind = "duplicate"      // a second slot for the same index and term
	KindConflict    Kind = "conflict"       // two slots give an index different terms
	KindHole        Kind = "hole"           // indexes that no slot holds
	KindOffset      Kind = "offset"         // a data offset outside the payload area
	KindLength      Kind = "length"         // a payload that runs beyond its room
	KindType        Kind = "unknown_type"   // neither normal nor a conf change
	KindNoKey       Kind = "no_key"         // encrypted, and no key was given
	KindDataKey     Kind = "data_key"       // the registry lacks the file's data key
	KindKeyErased   Kind = "key_erased"     // key id 0 beside a registry with keys
	KindKeyRegistry Kind = "key_registry"   // KEYREGISTRY is cut or damaged
	KindMeta        Kind = "meta"           // wal.meta is missing, cut or does not parse
	KindSnapshot    Kind = "snapshot"       // the snapshot contradicts itself or the log
	KindCommit      Kind = "commit"         // the commit index lies beyond the log
	KindTorn        Kind = "torn_tail"      // the log's end was only partly written
	KindFileSystem  Kind = "file_system"    // the file system is full, or has become read-only
	KindReplaced    Kind = "replaced"       // log files that a snapshot has replaced
	KindEmptying    Kind = "emptying"       // emptying payloads was cut off
	KindHardState   Kind = "hard_state"     // its term is below an entry's or the snapshot's, or it is lost
	KindCheckpoint  Kind = "checkpoint"     // it lies beyond the commit index
	KindEmptyFile   Kind = "empty_file"     // a file without entries, or with stale ones only, that is not the last
	KindPage        Kind = "page"           // a page of a database, or what is in it, cannot be what was written
	KindFirstFile   Kind = "first_file"     // the smallest file id is above 1, and nothing explains where the files before went

	// What takes a look at payloads, which only check does.
	KindChecksum   Kind = "checksum"    // an entry's bytes are not those that its checksum was made of
	KindPayload    Kind = "payload"     // data that are no proposal, in a log where all others are
	KindConfChange Kind = "conf_change" // a configuration change that cannot be parsed or applied
	KindIgnored    Kind = "ignored"     // a name in the directory that is no part of the log
	KindRefused    Kind = "refused"     // opening for writing refuses the directory, and no other kind says why
)

// Problem is one thing wrong with a directory. Slots that follow one another
// with the same fault are one problem: Slots counts them, Slot is the first.
type Problem struct {
	File    string `json:"file"`
	Slot    int    `json:"slot"`   // -1: not about a slot
	Offset  uint64 `json:"offset"` // in File; 0: not about a place in it, except for KindOffset
	Index   uint64 `json:"index"`  // 0: not about an entry
	Kind    Kind   `json:"kind"`
	Message string `json:"message"`
	Slots   int    `json:"-"` // how many slots, if more than one: Message says it
}

// noSlot is the Slot of a Problem or an Error that is not about one.
const noSlot = -1

// FileProblem is a problem with a file that is not about one of its slots.
func FileProblem(file string, kind Kind, message string) Problem {
	return SlotProblem(file, noSlot, kind, message)
}

// SlotProblem is a problem with one slot of a log file.
func SlotProblem(file string, slot int, kind Kind, message string) Problem {
	return Problem{File: file, Slot: slot, Kind: kind, Message: message}
}

// At returns the problem with its place in the file.
func (p Problem) At(offset uint64) Problem {
	p.Offset = offset
	return p
}

// OfEntry returns the problem with the index of its entry.
func (p Problem) OfEntry(index uint64) Problem {
	p.Index = index
	return p
}

// AboutKey reports whether the problem is that no key was given, which is not
// damage.
func (p Problem) AboutKey() bool { return p.Kind == KindNoKey }

func (p Problem) String() string {
	where := place(p.File, p.Slot, p.Offset, p.Offset > 0 || p.Slot >= 0 && p.Kind == KindOffset, p.Index)
	return fmt.Sprintf("%s: %s: %s", where, p.Kind, p.Message)
}
