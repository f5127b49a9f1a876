package bolt

import (
	"runtime"
	"sync"
)

// siblings are pages that follow one another below a branch. A goroutine of their own reads
// them.
type siblings struct {
	db    DB
	buf   []byte
	first int // which of the branch's children is the first of them
	pages []sibling
	read  sync.WaitGroup
}

// sibling is one of them.
type sibling struct {
	take func() error // what Ahead has given; nil: it is no leaf, or a large one
	err  error
}

const (
	mostSiblings = 16
	// largestAhead is how large one can be: several are in memory.
	largestAhead = 1 << 20
)

var siblingsPool = sync.Pool{New: func() any { return &siblings{pages: make([]sibling, mostSiblings)} }}

// walkAhead goes through a branch's children, from child i on, as walkPage does.
func (t *Tree) walkAhead(b Page, i, depth int, from, high []byte, v Visitor) error {
	var ahead []*siblings
	free := func(s *siblings) {
		s.read.Wait()
		clear(s.pages)
		siblingsPool.Put(s)
	}
	defer func() {
		for _, s := range ahead {
			free(s)
		}
	}()
	for next := i; ; {
		for next < b.Count && len(ahead) <= runtime.GOMAXPROCS(0) {
			s := siblingsPool.Get().(*siblings)
			s.db = DB{File: t.DB.File, Meta: t.DB.Meta, ahead: s.db.ahead[:0]}
			s.first, s.pages = next, s.pages[:min(mostSiblings, b.Count-next)]
			s.read.Go(func() { s.readAll(b, depth+1, from, high, v) })
			ahead, next = append(ahead, s), next+len(s.pages)
		}
		if len(ahead) == 0 {
			return nil
		}
		s := ahead[0]
		s.read.Wait()
		for k, page := range s.pages {
			child := s.first + k
			var err error
			switch low, end := b.Key(child), b.keyBehind(child, high); {
			case page.err != nil:
				err = v.Broken(low, end, page.err)
			case page.take != nil:
				err = page.take()
			default:
				err = t.walkPage(b.child(child), depth+1, from, low, end, v)
			}
			if err != nil {
				return err
			}
		}
		free(s)
		ahead = ahead[1:]
	}
}

// readAll reads the pages, which are children of b.
func (s *siblings) readAll(b Page, depth int, from, high []byte, v Visitor) {
	if id := b.child(s.first); len(s.pages) > 1 && b.child(s.first+1) == id+1 {
		s.db.end = int64(id) * s.db.PageSize // it seems that one follows the other in the file
	}
	for k := range s.pages {
		child := s.first + k
		p, err := s.db.readNode(b.child(child), depth, b.Key(child), b.keyBehind(child, high), &s.buf, largestAhead)
		switch {
		case err == errLarge:
		case err != nil:
			s.pages[k].err = err
		case p.leaf:
			s.pages[k].take = v.Ahead(p, p.search(from))
		}
	}
}
