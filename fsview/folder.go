package fsview

import (
	"fmt"
	"io/fs"
	"iter"
	"sort"

	"github.com/walfs/walfs/walcore"
)

// folderAttr is of any folder: its owner and permissions are the directory's. It has
// one link, which tells find not to count subfolders by links.
func folderAttr(t *Tree, n Node) Attr {
	dir := &t.log.Meta().Dir
	a := fileAttr(n, 0, dir, t.newest)
	a.Mode = fs.ModeDir | dir.Mode.Perm()&0o555
	return a
}

// fixedFolder has names that do not depend on entries.
type fixedFolder struct {
	items []item // by name
	// unreadable says why a name that belongs here cannot be shown, and "" of other
	// names. It is nil if that is never so.
	unreadable func(name string) (why string)
}

type item struct {
	name string
	node Node // of a text: without the hash
}

func newFixedFolder(items ...item) *fixedFolder {
	sort.Slice(items, func(i, j int) bool { return items[i].name < items[j].name })
	return &fixedFolder{items: items}
}

func (f *fixedFolder) attr(t *Tree, n Node) (Attr, error) { return folderAttr(t, n), nil }

func (f *fixedFolder) list(t *Tree, after uint64, fn func(Dirent) bool) {
	for i := after; i < uint64(len(f.items)); i++ {
		it := f.items[i]
		d := Dirent{Name: it.name, Node: it.node, Cookie: i + 1}
		switch o := t.fixed[it.node].(type) {
		case *text:
			var err error
			if d.Node, d.Attr, err = o.listed(t, it.node); err != nil {
				continue // a look-up tells why
			}
		case *linesFile: // its size takes decoding all of a log file
		default:
			if a, err := o.attr(t, it.node); err == nil {
				d.Attr = &a
				d.Type = a.Mode.Type()
			}
		}
		if !fn(d) {
			return
		}
	}
}

func (f *fixedFolder) lookup(t *Tree, name string) (Node, error) {
	for _, it := range f.items {
		if it.name != name {
			continue
		}
		switch o := t.fixed[it.node].(type) {
		case *text:
			return o.node(it.node)
		case *linesFile:
			return o.node(t)
		}
		return it.node, nil
	}
	if f.unreadable != nil {
		if why := f.unreadable(name); why != "" {
			return 0, unreadableError(name, why)
		}
	}
	return 0, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
}

func unreadableError(name, why string) error {
	return fmt.Errorf("%s %s: %w; status.json has the details", name, why, walcore.ErrDamaged)
}

// entryFolder has the entries of a sequence that belong to it.
type entryFolder struct {
	from    func(index uint64) iter.Seq[walcore.Entry]
	belongs func(*walcore.Entry) bool
}

func (f entryFolder) attr(t *Tree, n Node) (Attr, error) { return folderAttr(t, n), nil }

func (f entryFolder) list(t *Tree, after uint64, fn func(Dirent) bool) {
	// One of each for all names: they would be allocated.
	var e walcore.Entry
	var a Attr
	for e = range f.from(after + 1) {
		if !f.belongs(&e) || !hasNode(&e) {
			continue
		}
		a = t.entryAttr(&e)
		if !fn(Dirent{Name: numberName(e.Index), Node: nodeOf(kindEntry, &e), Cookie: e.Index, Attr: &a}) {
			return
		}
	}
}

func (f entryFolder) lookup(t *Tree, name string) (Node, error) {
	index, _, ok := parseNumber(name)
	if !ok {
		return 0, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	e, err := t.entryNamed(index)
	if err != nil {
		return 0, err
	}
	if !f.belongs(&e) {
		return 0, fmt.Errorf("entry %d is not in this folder: %w", index, fs.ErrNotExist)
	}
	return nodeOf(kindEntry, &e), nil
}

func anyEntry(*walcore.Entry) bool { return true }

func termFolder(log walcore.Log, span walcore.TermSpan) entryFolder {
	return entryFolder{
		from: func(index uint64) iter.Seq[walcore.Entry] {
			return func(yield func(walcore.Entry) bool) {
				for e := range log.Entries(max(index, span.First)) {
					if e.Index > span.Last || !yield(e) {
						return
					}
				}
			}
		},
		belongs: func(e *walcore.Entry) bool { return e.Term == span.Term },
	}
}

// termsFolder has a folder for each term that has entries.
type termsFolder struct{}

func (termsFolder) attr(t *Tree, n Node) (Attr, error) { return folderAttr(t, n), nil }

// A cookie is the term plus 1: there may be a term 0.
func (termsFolder) list(t *Tree, after uint64, fn func(Dirent) bool) {
	terms := t.log.Terms()
	k := sort.Search(len(terms), func(k int) bool { return terms[k].Term >= after })
	for ; k < len(terms) && terms[k].Term <= maxNumber; k++ {
		n := node(kindTerm, terms[k].Term)
		a := folderAttr(t, n)
		if !fn(Dirent{Name: numberName(terms[k].Term), Node: n, Type: fs.ModeDir, Cookie: terms[k].Term + 1, Attr: &a}) {
			return
		}
	}
}

func (termsFolder) lookup(t *Tree, name string) (Node, error) {
	term, short, ok := parseNumber(name)
	if !ok {
		return 0, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	if _, ok := walcore.FindTerm(t.log, term); !ok {
		if f, is := t.log.(walcore.Filer); is {
			if file, unindexed := f.Unindexed(); unindexed {
				return 0, fmt.Errorf("term %s may be in %s, whose slots cannot be read: %w", name, file, walcore.ErrDamaged)
			}
		}
		return 0, fmt.Errorf("term %s has no entries: %w", name, fs.ErrNotExist)
	}
	switch {
	case term > maxNumber:
		return 0, noNodeError("term " + name)
	case short:
		// A kernel allows a folder one name. Under a second one with the same node
		// it would be taken for moved.
		return node(kindTermShort, term), nil
	}
	return node(kindTerm, term), nil
}
