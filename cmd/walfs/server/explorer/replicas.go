package explorer

import (
	"fmt"
	"net/http"
	"net/url"

	"github.com/walfs/walfs/cmd/walfs/server/replica"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/status"
)

// replicasPage is what templates/replicas.html shows.
type replicasPage struct {
	Groups []groupView
}

// groupView is the replicas of a group on one ruler.
type groupView struct {
	Name    string
	Number  int // for ids
	Rows    []replicaRow
	Axis    axis
	Parted  *parting
	At      string // where that is on the ruler
	Compare string // the address where they are; "": there is one
}

// replicaRow is how one log stands.
type replicaRow struct {
	Name     string
	Who      who
	Term     known[uint64]
	Standing standing
	NotKept  string
	Behind   uint64 // by how many entries the log ends before that of Ahead
	Ahead    string
	Problems int
	Damage   int
	Terms    []rect
	Bars     []rect
	Words    string // says what is drawn
}

// replicas is the page of all logs side by side. One alone has no such page.
func (x *explorer) replicas(*http.Request) (*view, error) {
	all := x.set.Replicas
	if len(all) == 1 {
		return nil, redirect(link(all[0].Name, ""))
	}
	p := &replicasPage{}
	names := []string{}
	for i, g := range groups(all) {
		p.Groups = append(p.Groups, x.groupView(i, g))
	}
	for _, r := range all {
		names = append(names, r.Name)
	}
	return &view{Template: "replicas", Title: "Logs", Watches: names, Styles: []string{"overview.css"}, Data: p}, nil
}

func (x *explorer) groupView(number int, g group) groupView {
	v := groupView{Name: g.Name, Number: number, Parted: parted(g.Moments)}
	best, bestName := uint64(0), ""
	for _, now := range g.Moments {
		s := standingOf(now.Log)
		row := replicaRow{Name: now.Replica.Name, Who: x.who(now), Standing: s, NotKept: notKept(now.Log.Meta())}
		row.Term.Value, row.Term.Known = term(now.Log.Meta())
		row.Problems, row.Damage = countProblems(now)
		v.Rows = append(v.Rows, row)
		if end := s.end(); end > best {
			best, bestName = end, row.Name
		}
		own := s.axis()
		if v.Axis.Last == 0 || own.First < v.Axis.First {
			v.Axis.First = own.First
		}
		v.Axis.Last = max(v.Axis.Last, own.Last)
	}
	if len(v.Rows) > 1 {
		names := url.Values{}
		for _, row := range v.Rows {
			names.Add("a", row.Name)
		}
		v.Compare = "/diff?" + names.Encode()
	}
	for i, now := range g.Moments {
		v.Rows[i].draw(v.Axis, now.Log.Terms())
		if end := v.Rows[i].Standing.end(); end < best {
			v.Rows[i].Behind, v.Rows[i].Ahead = best-end, bestName
		}
	}
	if v.Parted != nil {
		v.At = percent(v.Axis.at(v.Parted.Index))
	}
	return v
}

func countProblems(now *replica.Moment) (all, damage int) {
	h := healthOf(now)
	return len(h.Problems) + h.More, h.Damage
}

func (r *replicaRow) draw(a axis, terms []walcore.TermSpan) {
	if r.Standing.Last == 0 {
		r.Words = fmt.Sprintf("%s has no entries", r.Name)
		return
	}
	r.Terms = a.terms(terms)
	for _, z := range append(r.Standing.zones(), gaps(terms)...) {
		r.Bars = append(r.Bars, z.bar(a))
	}
	r.Words = fmt.Sprintf("%s has entries %s to %s, on a ruler from %s to %s", r.Name, status.Grouped(r.Standing.First),
		status.Grouped(r.Standing.Last), status.Grouped(a.First), status.Grouped(a.Last))
}
