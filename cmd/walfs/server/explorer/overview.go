package explorer

import (
	"net/http"
	"time"

	"github.com/walfs/walfs/cmd/walfs/server/replica"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/status"
)

// overviewPage is what templates/overview.html shows. What is not known is nil or not Known.
type overviewPage struct {
	Name, Dir string
	Who       who
	Health    *health
	Members   members
	Status    *status.Status
	Standing  standing
	Term      known[uint64]
	Vote      known[string]
	NotKept   string
	Ruler     *ruler
	Faults    []rect // on the ruler
	Terms     []rect
	TermTable []walcore.TermSpan // the newest
	TermsLeft int                // how many more there are
	Bytes     *bars              // nil: not all log files were looked at yet
	Files     []status.File      // the newest
	FilesLeft int
	Contents  *contents
	Written   known[time.Time]
	Stored    bool // Written is the last entry's time; otherwise it is a log file's

	Rewrites, Elections uint64
}

// known is a value that may not be known.
type known[T any] struct {
	Value T
	Known bool
}

// How many rows tables of the overview have.
const (
	maxTermRows = 50
	maxFileRows = 12
)

// overview is the page of how a log stands.
func (x *explorer) overview(_ *http.Request, now *replica.Moment) (*view, error) {
	log, s := now.Log, now.Status()
	d := x.derived(now.Replica)
	list, membersErr := now.Members()
	p := &overviewPage{Name: now.Replica.Name, Dir: now.Replica.Dir, Status: s,
		Who: x.who(now), Health: healthOf(now), Standing: standingOf(log), NotKept: notKept(log.Meta()),
		Contents: contentsOf(now), Rewrites: now.Replica.Rewrites(), Elections: now.Replica.Elections()}
	p.Members = membersOf(list, membersErr, p.Who.Node)
	p.Term.Value, p.Term.Known = term(log.Meta())
	p.Vote.Value, p.Vote.Known = vote(log.Meta())
	p.Written.Value, p.Stored = lastWritten(log)
	p.Written.Known = !p.Written.Value.IsZero()
	terms := log.Terms()
	p.Ruler = p.Standing.ruler(terms)
	p.Faults = p.Health.faults(p.Ruler.Axis)
	p.Terms = p.Ruler.Axis.terms(terms)
	p.TermTable, p.TermsLeft = newest(terms, maxTermRows)
	if len(terms) > 0 {
		p.Bytes = d.bytes.of(log, p.Ruler.Axis)
	}
	p.Files, p.FilesLeft = newest(s.Files, maxFileRows)
	return &view{Template: "overview", Title: "Overview", Tab: "overview", Styles: []string{"overview.css"}, Data: p}, nil
}

// newest gives the last most elements, the last first, and how many there are before them.
func newest[T any](list []T, most int) (last []T, left int) {
	left = max(len(list)-most, 0)
	for i := len(list) - 1; i >= left; i-- {
		last = append(last, list[i])
	}
	return last, left
}
