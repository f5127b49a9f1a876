package backup

import (
	"errors"
	"fmt"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/detect"
)

// examineFolder opens a copy as a node would, looks at it as one would who copies it again,
// and says what is in it.
func (s *source) examineFolder(path string) (c *Copy, err error) {
	r, err := detect.Open(path, detect.Options{System: s.system()})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if s.system() != walcore.Dgraph {
		if err := s.checkOther(r); err != nil {
			return nil, fmt.Errorf("the copy is not sound: %w", err)
		}
	}
	return s.examine(r)
}

func (s *source) system() string { return s.log.Meta().System.Name }

// checkOther checks what the files of other systems than Dgraph are made of: a database is only
// looked at here, where nobody writes to it.
func (s *source) checkOther(r walcore.Log) error {
	if checker, ok := r.(interface{ CheckDatabase() error }); ok {
		if err := checker.CheckDatabase(); err != nil {
			return err
		}
	}
	// An image can end before the log does.
	got, want := r.Terms(), s.log.Terms()
	for i, t := range got {
		if i >= len(want) || t.Term != want[i].Term || t.First != want[i].First || t.Last > want[i].Last {
			return fmt.Errorf("its terms are %v, and the log's %v", got, want)
		}
	}
	return nil
}

// examine says what is in a copy, if it is whole.
func (s *source) examine(r walcore.Log) (*Copy, error) {
	files, err := r.(walcore.Imager).Image()
	if err != nil {
		return nil, fmt.Errorf("the copy is not sound: %w", err)
	}
	if len(files) != len(s.files) {
		return nil, fmt.Errorf("the copy has %d files, %d were copied", len(files), len(s.files))
	}
	return s.describe(r), nil
}

// describe says what is in a copy.
func (s *source) describe(r walcore.Log) *Copy {
	m := r.Meta()
	c := &Copy{Log: s.log, First: 1}
	if m.Snapshot != nil {
		c.Last = m.Snapshot.Index
	}
	if m.HardState != nil {
		c.Commit = &m.HardState.Commit
	}
	for _, f := range s.files {
		c.Files = append(c.Files, f.Name)
		c.Bytes += f.Attr.DiskBytes()
	}
	if terms := r.Terms(); len(terms) > 0 {
		c.First, c.Last = terms[0].First, max(c.Last, terms[len(terms)-1].Last)
	}
	if m.Snapshot != nil && m.Snapshot.Index > 0 {
		c.First = m.Snapshot.Index + 1
	}
	// HashiCorp's library serves entries that its snapshot stands for, too.
	if first, known := r.FirstIndex(); known && m.System.Name == walcore.HashiCorp {
		c.First = first
	}
	for _, p := range s.log.Problems() {
		switch p.Kind {
		case walcore.KindKeyErased, walcore.KindDataKey, walcore.KindKeyRegistry:
			c.Problems = append(c.Problems, p)
		}
	}
	return c
}
