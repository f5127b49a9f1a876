package fsview

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
)

// remnants are payloads without an entry, see walcore.Remainer.
type remnants struct {
	list []remnantFile // by name
	at   map[Node]int  // in list
}

// remnantSearch looks for them once, when somebody asks.
type remnantSearch struct {
	mu    sync.Mutex
	found *remnants // nil: nobody has asked
}

// remnantFile is a payload without an entry. Its name says in which log file it is, and
// where.
type remnantFile struct {
	entryFile
	name string
	node Node
}

func newRemnantFile(r walcore.Remnant) remnantFile {
	return remnantFile{entryFile{r.Entry}, r.File.Name + "-" + numberName(r.Offset), remnantNode(&r)}
}

// remnantNode is another one if another payload is in its place.
func remnantNode(r *walcore.Remnant) Node {
	h := fnv.New64a()
	var b []byte
	for _, n := range []uint64{r.File.Identity, r.File.ID, r.Offset, uint64(r.Size), uint64(r.Sum)} {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	h.Write(b)
	return node(kindRemnant, h.Sum64()*mixer>>(64-argBits))
}

// remnants are those of the tree. There are none for as long as a writer is at work where
// they are.
func (t *Tree) remnants() *remnants {
	log, ok := t.log.(walcore.Remainer)
	if !ok {
		return &remnants{}
	}
	s := &t.remnantSearch
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.found != nil {
		return s.found
	}
	remains, err := log.Remains(payload.NewRecognizer(payload.AppOf(t.log)))
	if err != nil {
		return &remnants{}
	}
	r := &remnants{at: map[Node]int{}}
	for _, f := range remains.Found {
		r.list = append(r.list, newRemnantFile(f))
	}
	slices.SortFunc(r.list, func(a, b remnantFile) int { return strings.Compare(a.name, b.name) })
	for i, f := range r.list {
		r.at[f.node] = i
	}
	s.found = r
	return r
}

// shown are those that somebody may have seen.
func (s *remnantSearch) shown() []remnantFile {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.found == nil {
		return nil
	}
	return s.found.list
}

// named finds one by its name, which may have the offset in the short form.
func (r *remnants) named(name string) (Node, error) {
	if dash := strings.LastIndexByte(name, '-'); dash >= 0 {
		offset, _, ok := parseNumber(name[dash+1:])
		full := name[:dash+1] + numberName(offset)
		i, found := slices.BinarySearchFunc(r.list, full, func(f remnantFile, name string) int { return strings.Compare(f.name, name) })
		if ok && found {
			return r.list[i].node, nil
		}
	}
	return 0, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
}

// remnant finds the one whose file n is.
func (t *Tree) remnant(n Node) (*remnantFile, error) {
	r := t.remnants()
	if i, ok := r.at[n]; ok {
		return &r.list[i], nil
	}
	return nil, fmt.Errorf("node %#x: %w", uint64(n), fs.ErrNotExist)
}

func (f *remnantFile) attr(t *Tree, _ Node) (Attr, error) {
	a := t.entryAttr(&f.Entry)
	a.Inode, a.Links, a.Committed = f.node.inode(), 1, false
	return a, nil
}
