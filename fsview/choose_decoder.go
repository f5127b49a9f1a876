package fsview

import (
	"sync"
	"sync/atomic"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
)

// decoding says what the entries of a log mean. The trees of a directory share one, as
// long as all that it has said stays right.
type decoding struct {
	given payload.Decoder // the caller's; nil: that of the application whose log it is
	cache textCache
	lines linesCache

	// To find out whose log it is can take a look at entries. That is done when
	// somebody asks.
	once    sync.Once
	decided atomic.Bool // what follows is known
	found   payload.Decoder
	app     payload.App
	certain bool // whatever entries follow, app is right
}

func (d *decoding) decoder(log walcore.Log) payload.Decoder {
	if d.given != nil {
		return d.given
	}
	d.once.Do(func() {
		defer d.decided.Store(true)
		var ok bool
		if d.found, ok = payload.OfSystem(log.Meta().System, payload.Options{}); ok {
			d.certain = true
			return
		}
		c := payload.Classify(log)
		d.app, d.certain = c.App(), c.Certain()
		d.found = payload.NewDgraph(d.app, payload.Options{})
	})
	return d.found
}

// program is the program that decodes, if one does. It takes its time.
func (t *Tree) program() (*payload.Program, bool) {
	p, ok := t.decoding.given.(*payload.Program)
	return p, ok
}

func (t *Tree) isProgram() bool {
	_, ok := t.program()
	return ok
}

// next is the decoding of a later log of the directory. It is another one if entries
// were replaced, whose texts are in the cache, or if the log may be another
// application's than it seemed to be.
func (d *decoding) next(before walcore.Log, after walcore.Follower) *decoding {
	replaced := false
	if terms := before.Terms(); len(terms) > 0 {
		_, last := after.Unchanged(before)
		replaced = last < terms[len(terms)-1].Last
	}
	otherApp := d.given == nil && (!sameGroup(before, after) || d.decided.Load() && !d.certain)
	if !replaced && !otherApp {
		return d
	}
	fresh := &decoding{given: d.given}
	if !otherApp && d.decided.Load() { // the same decoder, so that nobody has to decode all again
		fresh.once.Do(func() { fresh.found, fresh.app, fresh.certain = d.found, d.app, d.certain })
		fresh.decided.Store(true)
	}
	return fresh
}

func sameGroup(a, b walcore.Log) bool {
	x, y := a.Meta().GroupID, b.Meta().GroupID
	return (x == nil) == (y == nil) && (x == nil || *x == *y)
}

// decodesOtherwise reports whether entries that are the same in a later tree have other
// texts there than t may have given.
func (t *Tree) decodesOtherwise(after *Tree) bool {
	d, now := t.decoding, after.decoding
	if d == now || d.given != nil || !d.decided.Load() {
		return false
	}
	now.decoder(after.log)
	return now.app != d.app
}
