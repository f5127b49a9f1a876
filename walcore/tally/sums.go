package tally

import (
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
	"github.com/walfs/walfs/walcore/stats"
)

// sums is what entries add up to.
type sums struct {
	by         [len(bys)]*stats.Table
	unreadable int64
	noKey      int64 // of the unreadable ones, those that a key is missing for
}

func newSums() *sums {
	s := &sums{}
	for i, by := range bys {
		s.by[i] = stats.NewTable(by, 0)
	}
	return s
}

// add adds an entry. facts is nil where it is not known what the entry says.
func (s *sums) add(e *walcore.Entry, facts *payload.Facts) {
	for _, t := range s.by {
		t.Add(e, facts)
	}
}

// merge adds what other entries add up to.
func (s *sums) merge(next *sums) {
	for i, t := range s.by {
		t.Merge(next.by[i])
	}
	s.unreadable += next.unreadable
	s.noKey += next.noKey
}

// total is how many entries there are, and their bytes.
func (s *sums) total() stats.Sum { return s.by[0].Total }

// kinds is the sums by kind.
func (s *sums) kinds() []Kind {
	rows := s.by[0].Rows()
	kinds := make([]Kind, len(rows))
	for i, r := range rows {
		kinds[i] = Kind{r.Name, r.Sum}
	}
	return kinds
}

// rowBytes is about what a row of a stats.Table takes, without its name.
const rowBytes = 256

// cost is about how many bytes of memory the sums take.
func (s *sums) cost() int {
	n := 0
	for _, t := range s.by {
		for _, r := range t.Rows() {
			n += rowBytes + len(r.Name)
		}
	}
	return n
}
