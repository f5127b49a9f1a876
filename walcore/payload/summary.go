package payload

import (
	"bytes"
	"encoding/hex"
	"strconv"
	"unicode/utf8"

	"go.etcd.io/raft/v3/raftpb"
)

// The kinds of an entry, as Summary.Kind names them.
const (
	KindEmpty       = "empty"           // no data: a new leader's entry, or an emptied one
	KindConfChange  = "conf_change"     // of either version
	KindMutation    = "mutation"        // edges
	KindSchema      = "schema"          // predicates and types
	KindDrop        = "drop"            // all, the data, a type, a predicate
	KindDelta       = "delta"           // transactions committed or aborted, in an Alpha's log
	KindTxn         = "txn"             // a transaction committed or aborted, in a Zero's log
	KindMember      = "member"          // a node of the cluster, in a Zero's log
	KindTablet      = "tablet"          // which group serves a predicate
	KindLease       = "lease"           // numbers handed out by Zero, and the cluster's id
	KindSnapshot    = "snapshot"        // made or to be made
	KindRestore     = "restore"         // from a backup
	KindState       = "state"           // the cluster's membership as a whole
	KindKV          = "kv"              // keys and values of Badger
	KindClean       = "clean_predicate" // a predicate that moved away
	KindCDC         = "cdc_state"
	KindDeleteNs    = "delete_ns"
	KindExtSnapshot = "ext_snapshot_state"
	KindOther       = "proposal"  // nothing in it that the schema knows
	KindMessage     = "message"   // by the user's schema
	KindProgram     = "decoder"   // by the user's program
	KindTooLarge    = "too_large" // more data than are decoded
	KindText        = "text"      // does not parse, UTF-8
	KindBinary      = "binary"    // does not parse
)

// Summary says in one line what an entry is about, and has the numbers that a summary
// of a whole log adds up. The next entry overwrites Line and the lists: copy what
// you need longer. Strings need no copy.
type Summary struct {
	Kind string // one of the Kind constants
	Line []byte // printable, without a newline, at most 400 bytes

	Predicates []Predicate // that the entry has edges of, sorted by name
	Started    []uint64    // start_ts of transactions whose edges the entry holds
	Committed  []Commit
	Aborted    []uint64 // start_ts

	// Each name gets a number when it is first seen, so that it is allocated once.
	ids   map[string]int // name to number
	names []string       // number to name
	rows  []int          // number to index in Predicates + 1, or 0
	used  []int          // numbers that are in Predicates now
}

// Predicate counts the edges of one predicate in an entry.
type Predicate struct {
	Name    string // "<namespace in hex>-<predicate>", in v20.11 the bare predicate
	Edges   int
	Deletes int // of Edges, those that delete
	Bytes   int // encoded edges
}

// Commit is a transaction that was committed.
type Commit struct{ StartTs, CommitTs uint64 }

const (
	maxLine   = 400
	maxListed = 10      // elements of one list in a line
	maxNames  = 1 << 16 // names remembered by a Summary
)

func (s *Summary) reset() {
	s.Kind, s.Line = "", s.Line[:0]
	s.Predicates, s.Started = s.Predicates[:0], s.Started[:0]
	s.Committed, s.Aborted = s.Committed[:0], s.Aborted[:0]
	for _, id := range s.used {
		s.rows[id] = 0
	}
	s.used = s.used[:0]
	if s.ids == nil || len(s.ids) > maxNames {
		s.ids, s.names, s.rows = make(map[string]int), nil, nil
	}
}

// common resets s and summarizes entries that mean the same in every log. It reports
// false for a normal entry with data, which the decoder has to summarize.
func (s *Summary) common(e Entry) bool {
	s.reset()
	switch {
	case e.TooLarge > 0:
		s.Kind = KindTooLarge
		s.text("more data than are decoded")
	case e.isConfChange():
		if !s.confChange(e) {
			s.raw(e.Data)
		}
	case len(e.Data) == 0:
		s.Kind = KindEmpty
		s.text("no data")
	case raftpb.EntryType(e.Type) == raftpb.EntryNormal:
		return false
	default:
		s.raw(e.Data)
	}
	return true
}

// undecoded summarizes data that do not parse, unless they are to be hidden.
func (s *Summary) undecoded(data []byte, hidden bool) {
	s.raw(data)
	if hidden {
		s.Line = append(s.Line[:0], redactedRaw...)
	}
}

// raw summarizes data that do not parse: the line is how they begin.
func (s *Summary) raw(data []byte) {
	const shownText, shownBinary = 60, 32
	s.Line = s.Line[:0]
	n := len(data)
	if utf8.Valid(data) {
		s.Kind = KindText
		for n = min(n, shownText); n < len(data) && !utf8.RuneStart(data[n]); {
			n--
		}
		s.Line = strconv.AppendQuote(s.Line, string(data[:n]))
	} else {
		s.Kind = KindBinary
		n = min(n, shownBinary)
		s.Line = hex.AppendEncode(s.Line, data[:n])
	}
	if n < len(data) {
		s.text("…")
	}
	s.cut()
}

// cut shortens the line to maxLine bytes.
func (s *Summary) cut() {
	if len(s.Line) <= maxLine {
		return
	}
	const mark = "…"
	n := maxLine - len(mark)
	for n > 0 && !utf8.RuneStart(s.Line[n]) {
		n--
	}
	s.Line = append(s.Line[:n], mark...)
}

// part begins a part of the line.
func (s *Summary) part(text string) {
	if len(s.Line) > 0 {
		s.text("; ")
	}
	s.text(text)
}

func (s *Summary) text(text string) { s.Line = append(s.Line, text...) }

func (s *Summary) uint(u uint64) { s.Line = strconv.AppendUint(s.Line, u, 10) }

// name writes a name that came from the log, quoted if it has characters that could
// control a terminal.
func (s *Summary) name(b []byte) {
	b = b[:min(len(b), maxLine)]
	if printable(b) && !bytes.ContainsAny(b, "\n\r\t") {
		s.Line = append(s.Line, b...)
		return
	}
	s.Line = strconv.AppendQuote(s.Line, string(b))
}

// listed begins element i of a list of n. It reports whether the element is to be
// written: a line has the first maxListed, then says how many more there are.
func (s *Summary) listed(i, n int) bool {
	switch {
	case i == maxListed:
		s.text(", ")
		s.uint(uint64(n - i))
		s.text(" more")
		return false
	case i > maxListed:
		return false
	case i > 0:
		s.text(", ")
	}
	return true
}

// count adds an edge of size encoded bytes.
func (s *Summary) count(attr []byte, size int, deleted bool) {
	attr = predicateName(attr)
	id, known := s.ids[string(attr)]
	if !known {
		id = len(s.names)
		s.names = append(s.names, string(attr))
		s.rows = append(s.rows, 0)
		s.ids[s.names[id]] = id
	}
	if s.rows[id] == 0 {
		s.Predicates = append(s.Predicates, Predicate{Name: s.names[id]})
		s.rows[id] = len(s.Predicates)
		s.used = append(s.used, id)
	}
	p := &s.Predicates[s.rows[id]-1]
	p.Edges++
	p.Bytes += size
	if deleted {
		p.Deletes++
	}
}
