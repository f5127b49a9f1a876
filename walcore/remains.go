package walcore

// Remainer is a Replacer that can also look for payloads whose slots are gone. What it
// finds was written by a node, and no entry of the log has it.
type Remainer interface {
	Replacer
	// Remains searches the log files. It takes time: as long as reading what is not the
	// log's. It fails with ErrChanged if a writer was at work there: Refresh, and search
	// again.
	Remains(r Recognizer) (Remains, error)
}

// Recognizer tells the payloads of an application from other bytes. Its methods never
// keep what they are given.
type Recognizer interface {
	// CanBegin reports whether a payload of size bytes can begin with head: all of it, or
	// RecognizedHead bytes if it has more. It is asked of many places, and is quick.
	CanBegin(head []byte, size int64) bool
	// TypeOf gives the type of the entry whose whole payload data are. ok is false if they
	// need not be a payload.
	TypeOf(data []byte) (t EntryType, ok bool)
}

// RecognizedHead is how many of a payload's bytes CanBegin is asked about.
const RecognizedHead = 64

// Remains are payloads that no entry of the log has.
type Remains struct {
	Found    []Remnant  // by the order of the log files, and by offset
	Searched []Searched // where was looked
}

// Remnant is a payload that was found without its slot. Its Term is 0 and its Slot -1:
// they are not known. So is its Index, if that is 0.
type Remnant struct {
	Entry
	// Sum is a CRC-32C of the payload as it is stored. It tells the payload from one that
	// later lies in the same place.
	Sum uint32
}

// Searched is a part of a log file in which payloads were looked for.
type Searched struct {
	File     string
	From, To int64 // offsets; they are equal where nothing was searched
	// Note says what was left out, or that not all was searched; "" if there is nothing to
	// say.
	Note string
	// Err says why nothing was searched: ErrNoKey, ErrDataKey, or ErrDamaged if payloads may
	// be those of damaged entries.
	Err error
}
