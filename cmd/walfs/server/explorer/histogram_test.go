package explorer

import (
	"iter"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/walfs/walfs/walcore"
)

// sizes is a log that tells how many of its entries were gone through. An entry's size says
// which one it is.
type sizes struct {
	walcore.Follower // nil: what the histogram does not ask for
	first            uint64
	size             []int64
	read             *int
}

func (s *sizes) Entries(from uint64) iter.Seq[walcore.Entry] {
	return func(yield func(walcore.Entry) bool) {
		for i := max(from, s.first) - s.first; i < uint64(len(s.size)); i++ {
			*s.read++
			if !yield(walcore.Entry{Index: s.first + i, Size: s.size[i]}) {
				return
			}
		}
	}
}

func (s *sizes) last() uint64 { return s.first + uint64(len(s.size)) - 1 }

func (s *sizes) Unchanged(since walcore.Log) (first, last uint64) {
	old := since.(*sizes)
	first, last = max(s.first, old.first), min(s.last(), old.last())
	for index := first; index <= last; index++ {
		if s.size[index-s.first] != old.size[index-old.first] {
			return first, index - 1
		}
	}
	return first, last
}

// TestHistogramFollows: kept up to date it has the sums that one made anew has, whatever the log
// does, and goes through few entries for that.
func TestHistogramFollows(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	kept, read := &histogram{}, 0
	log := &sizes{first: 1, size: make([]int64, 10), read: &read}
	for step := range 300 {
		next := &sizes{first: log.first, size: append([]int64{}, log.size...), read: &read}
		appended := 0
		switch random.IntN(4) {
		case 0: // compacted
			n := random.IntN(len(next.size))
			next.first, next.size = next.first+uint64(n), next.size[n:]
		case 1: // rewritten at the end
			next.size = next.size[:1+random.IntN(len(next.size))]
			next.size[len(next.size)-1] = int64(step)
		default:
			appended = random.IntN(2000)
			for range appended {
				next.size = append(next.size, random.Int64N(1000))
			}
		}
		log = next
		a := axis{log.first, log.last()}
		got := kept.of(log, a)
		var fresh histogram
		fresh.shift = kept.shift
		fresh.buckets = map[uint64]bucket{}
		if want := fresh.of(log, a); !reflect.DeepEqual(got, want) {
			t.Fatalf("step %d, %v:\ngot  %+v\nwant %+v", step, a, got, want)
		}
		if len(got.List) > maxBuckets || len(got.Table) > maxTable {
			t.Fatalf("%d bars, %d rows", len(got.List), len(got.Table))
		}
	}
	a := axis{log.first, log.last()}
	kept.of(log, a)
	read = 0
	next := &sizes{first: log.first, size: append(log.size, 1, 2, 3), read: &read}
	kept.of(next, axis{next.first, next.last()})
	if read > 3+2<<kept.shift {
		t.Errorf("%d entries were gone through for 3 new ones, with %d in a bar", read, 1<<kept.shift)
	}
}
