package fsview

import (
	"github.com/walfs/walfs/walcore"

	"sync"
	"sync/atomic"

	"github.com/walfs/walfs/walcore/payload"
)

// decoding says what the entries of a log mean. Trees share it as long as what
// it was made for stays.
type decoding struct {
	given payload.Decoder // what the caller wants; nil: Dgraph's
	cache decodedCache

	// Telling an Alpha from a Zero can take a look at entries, so that it waits
	// until somebody asks.
	once    sync.Once
	asked   atomic.Bool // what follows is there
	dgraph  payload.Decoder
	app     payload.App
	settled bool // later entries will not change that
}

func (d *decoding) decoder(log walcore.Log) payload.Decoder {
	if d.given != nil {
		return d.given
	}
	d.once.Do(func() {
		c := payload.Classify(log)
		d.app, d.settled = c.App(), c.Settled()
		d.dgraph = payload.NewDgraph(d.app, payload.Options{})
		d.asked.Store(true)
	})
	return d.dgraph
}

// next is the decoding of a later log: another one if entries were replaced,
// or if it may be another application's log than it seemed.
func (d *decoding) next(before walcore.Log, after walcore.Follower) *decoding {
	replaced := false
	if terms := before.Terms(); len(terms) > 0 {
		_, last := after.Unchanged(before)
		replaced = last < terms[len(terms)-1].Last
	}
	if replaced || d.given == nil && (!sameGroup(before, after) || d.asked.Load() && !d.settled) {
		return &decoding{given: d.given}
	}
	return d
}

func sameGroup(a, b walcore.Log) bool {
	x, y := a.Meta().GroupID, b.Meta().GroupID
	return (x == nil) == (y == nil) && (x == nil || *x == *y)
}

// redecoded reports whether texts that were read before say something else in
// after, although their entries are the same.
func (t *Tree) redecoded(after *Tree) bool {
	d, now := t.decoding, after.decoding
	if d == now || d.given != nil || !d.asked.Load() {
		return false
	}
	now.decoder(after.log)
	return now.app != d.app
}
