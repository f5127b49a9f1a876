package explorer

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/walfs/walfs/cmd/walfs/server/replica"
	"github.com/walfs/walfs/walcore/diff"
)

// diffPage is what templates/diff.html shows.
type diffPage struct {
	Choices []choice
	compared
	Names   map[string]string // of replicas, by directory
	Entries *sideBySide
	Parted  string // the address with the entries there; "": they do not part
	Broken  string
	AsOf    []asOf
	Asked   string // the index that the address has
	Groups  int    // of how many groups they are
}

// choice is a log that can be compared.
type choice struct {
	Name   string
	Chosen bool
}

// asOf is up to where a log was compared.
type asOf struct {
	Name string
	Last uint64
}

// diff is the page of where logs part.
func (x *explorer) diff(r *http.Request) (*view, error) {
	moments, err := x.chosen(r.URL.Query())
	if err != nil {
		return nil, err
	}
	known, err := x.comparer.of(r.Context(), moments)
	if err != nil {
		return nil, err
	}
	p := &diffPage{compared: known, Names: map[string]string{}, Asked: r.URL.Query().Get("index")}
	names, groups := []string{}, map[string]bool{}
	for _, now := range moments {
		names = append(names, now.Replica.Name)
		groups[groupOf(now.Log)] = true
		p.Names[now.Log.Meta().Path] = now.Replica.Name
	}
	p.Groups = len(groups)
	for _, other := range x.set.Replicas {
		p.Choices = append(p.Choices, choice{other.Name, slices.Contains(names, other.Name)})
	}
	for _, now := range known.Of {
		p.AsOf = append(p.AsOf, asOf{now.Replica.Name, standingOf(now.Log).Last})
	}
	index, asked, err := askedIndex(r.URL.Query())
	if err != nil {
		return nil, err
	}
	if rep := known.Report; rep != nil {
		p.Parted, p.Broken = diffLink(names, rep.Parted), diffLink(names, rep.Broken)
		if first := firstOf(rep); first != nil && !asked {
			index, asked = first.Index, true
		}
	}
	if asked {
		if p.Entries, err = x.entriesAt(r.Context(), index, moments); err != nil {
			return nil, err
		}
	}
	return &view{Template: "diff", Title: "Compare", Tab: "diff", Watches: names, Styles: []string{"overview.css"}, Data: p}, nil
}

// firstOf is the difference that matters most: a broken promise, or else where logs part.
func firstOf(rep *diff.Report) *diff.Difference {
	if rep.Broken != nil {
		return rep.Broken
	}
	return rep.Parted
}

func diffLink(names []string, d *diff.Difference) string {
	if d == nil {
		return ""
	}
	return diffAt(names, d.Index)
}

// diffAt is the address with the entries that logs have at an index.
func diffAt(names []string, index uint64) string {
	return "/diff?" + url.Values{"a": names, "index": {strconv.FormatUint(index, 10)}}.Encode()
}

func askedIndex(q url.Values) (index uint64, asked bool, err error) {
	if !q.Has("index") {
		return 0, false, nil
	}
	index, err = strconv.ParseUint(q.Get("index"), 10, 64)
	if err != nil {
		return 0, false, badRequest("index is a number, and not %q.", q.Get("index"))
	}
	return index, true, nil
}

// chosen are the logs that an address names: by a and b, as often as they come. If it names
// none, they are those of the first group that has two, or else all.
func (x *explorer) chosen(q url.Values) ([]*replica.Moment, error) {
	var moments []*replica.Moment
	names := append(slices.Clone(q["a"]), q["b"]...)
	for _, r := range x.set.Replicas {
		if slices.Contains(names, r.Name) {
			moments = append(moments, r.Now())
		}
	}
	for _, name := range names {
		if name != "" && x.set.Find(name) == nil {
			return nil, notFound("There is no log %q here.", name)
		}
	}
	if len(moments) > 1 {
		return moments, nil
	}
	if len(moments) == 1 {
		return nil, badRequest("Comparing takes two logs.")
	}
	all := groups(x.set.Replicas)
	for _, g := range all {
		if len(g.Moments) > 1 {
			return g.Moments, nil
		}
		moments = append(moments, g.Moments...)
	}
	if len(moments) < 2 {
		return nil, badRequest("There is one log here, and comparing takes two: walfs serve DIR DIR...")
	}
	return moments, nil
}

// Promise says which promise of Raft's is broken.
func (p *diffPage) Promise() string {
	if p.Report.Broken.Promise == diff.Committed {
		return "committed entries differ"
	}
	return "one term has two entries at an index"
}

// Name is the name of the replica in a directory.
func (p *diffPage) Name(dir string) string {
	if name := p.Names[dir]; name != "" {
		return name
	}
	return dir
}

// Percent is how much is compared.
func (p *diffPage) Percent() string {
	if p.Total == 0 {
		return "0%"
	}
	return fmt.Sprintf("%d%%", 100*p.Done/p.Total)
}
