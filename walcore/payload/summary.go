package payload

import (
	"bytes"
	"encoding/hex"
	"strconv"
	"unicode/utf8"
)

// The kinds of an entry, as Summary.Kind names them.
const (
	KindEmpty       = "empty"           // no data: a new leader's entry, or an emptied one
	KindConfChange  = "conf_change"     // of either version
	KindMutation    = "mutation"        // edges
	KindSchema      = "schema"          // predicates and types
	KindDrop        = "drop"            // all, the data, a type, a predicate
	KindDelta       = "delta"           // transactions committed or aborted, in an Alpha's log
	KindTxn         = "txn"             // a transaction committed or aborted, in a Zero's log; a transaction, in etcd's
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

// Summary says in one line what an entry is about, beside its Facts. The next entry
// overwrites Line: copy what you need longer.
type Summary struct {
	Facts
	Line []byte // printable, without a newline, at most 400 bytes
	// Shortened says that Line leaves something out: of a list it has 10, and says how
	// many more there are.
	Shortened bool
}

const (
	maxLine   = 400
	maxListed = 10 // elements of one list in a line
)

// common summarizes entries that mean the same in every log. It reports false for a
// normal entry with data, which the decoder has to summarize.
func (s *Summary) common(e Entry) bool {
	s.Line, s.Shortened = s.Line[:0], false
	if !s.Facts.common(e) {
		return false
	}
	switch s.Kind {
	case KindTooLarge:
		s.text("more data than are decoded")
	case KindConfChange:
		s.confChange(e)
	case KindEmpty:
		s.text("no data")
	default:
		s.raw(e.Data)
	}
	return true
}

// undecoded summarizes data that do not parse, unless they are to be hidden.
func (s *Summary) undecoded(data []byte, hidden bool) {
	s.Facts.raw(data)
	s.raw(data)
	if hidden {
		s.Line = append(s.Line[:0], redactedRaw...)
	}
}

// unsummarized is the line for data of which there is nothing to say in one.
func (s *Summary) unsummarized(data []byte) {
	s.uint(uint64(len(data)))
	s.text(" bytes that summarize to nothing; the JSON has them all")
}

// raw summarizes data that do not parse: the line is how they begin.
func (s *Summary) raw(data []byte) {
	const shownText, shownBinary = 60, 32
	s.Line = s.Line[:0]
	n := len(data)
	if isText(data) {
		for n = min(n, shownText); n < len(data) && !utf8.RuneStart(data[n]); {
			n--
		}
		s.Line = strconv.AppendQuote(s.Line, string(data[:n]))
	} else {
		n = min(n, shownBinary)
		s.Line = hex.AppendEncode(s.Line, data[:n])
	}
	if n < len(data) {
		s.Shortened = true
		s.text("…")
	}
	s.cut()
}

// cut shortens the line to maxLine bytes.
func (s *Summary) cut() {
	if len(s.Line) <= maxLine {
		return
	}
	s.Shortened = true
	const mark = "…"
	n := maxLine - len(mark)
	for n > 0 && !utf8.RuneStart(s.Line[n]) {
		n--
	}
	s.Line = append(s.Line[:n], mark...)
}

// part begins a part of the line. There can be millions of them: what is cut off at the end
// is not kept until then.
func (s *Summary) part(text string) {
	s.Line = s.Line[:min(len(s.Line), maxLine+1)]
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
		s.Shortened = true
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

// isText reports whether data that do not parse are shown as text.
func isText(data []byte) bool { return utf8.Valid(data) }
