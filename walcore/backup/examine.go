package backup

import (
	"fmt"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/dgraph"
)

// examine looks at a copy as one would who copies it again, and says what is in it.
func (s *source) examine(r *dgraph.Reader) (*Copy, error) {
	files, err := r.Image()
	if err != nil {
		return nil, fmt.Errorf("the copy is not sound: %w", err)
	}
	if len(files) != len(s.files) {
		return nil, fmt.Errorf("the copy has %d files, %d were copied", len(files), len(s.files))
	}
	return s.describe(r), nil
}

// describe says what is in a copy.
func (s *source) describe(r *dgraph.Reader) *Copy {
	m := r.Meta()
	c := &Copy{Log: s.log, Commit: m.HardState.Commit, First: 1, Last: m.Snapshot.Index}
	for _, f := range s.files {
		c.Files = append(c.Files, f.Name)
		c.Bytes += f.Attr.DiskBytes()
	}
	if terms := r.Terms(); len(terms) > 0 {
		c.First, c.Last = terms[0].First, max(c.Last, terms[len(terms)-1].Last)
	}
	if m.Snapshot.Index > 0 {
		c.First = m.Snapshot.Index + 1
	}
	for _, p := range s.log.Problems() {
		switch p.Kind {
		case walcore.KindKeyErased, walcore.KindDataKey, walcore.KindKeyRegistry:
			c.Problems = append(c.Problems, p)
		}
	}
	return c
}
