package stats

// By is what a Table adds entries up by.
type By string

// What entries are added up by.
const (
	Kind      By = "kind"      // payload.Facts.Kind
	Predicate By = "predicate" // of an entry's edges; bytes are those of the encoded edges
	File      By = "file"      // the log file
	Term      By = "term"
	Member    By = "member"    // the raft id of who proposed the entry
	Namespace By = "namespace" // that the entry is about; it counts under each, with all of its bytes
	Size      By = "size"      // of the payload, in powers of two
	Hour      By = "hour"      // UTC, of walcore.Entry.Time
)

// All are the values of By.
var All = []By{Kind, Predicate, File, Term, Member, Namespace, Size, Hour}

// NeedsFacts reports whether a Table by b has to know what entries say. The others can be
// made without reading a payload.
func (b By) NeedsFacts() bool {
	switch b {
	case File, Term, Size, Hour:
		return false
	}
	return true
}

// SumsUp reports whether each entry is in one row with all of its bytes, so that the rows
// add up to the total. An entry can have more than one predicate or namespace.
func (b By) SumsUp() bool { return b != Predicate && b != Namespace }

// natural reports whether rows have an order of their own. Others are sorted by bytes.
func (b By) natural() bool { return !b.NeedsFacts() }
