//go:build linux

package mutate

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Recipe names a mutant.
type Recipe struct {
	Base, Kind string
	Number     int
	Seed       uint64
}

func (r Recipe) String() string { return fmt.Sprintf("%s/%s/%d@%d", r.Base, r.Kind, r.Number, r.Seed) }

// ParseRecipe reads what String has written.
func ParseRecipe(text string) (r Recipe, err error) {
	rest, seed, ok := strings.Cut(text, "@")
	first, last := strings.Index(rest, "/"), strings.LastIndex(rest, "/")
	if !ok || first < 0 || last <= first {
		return r, fmt.Errorf("recipe %q: want BASE/KIND/NUMBER@SEED", text)
	}
	r.Base, r.Kind = rest[:first], rest[first+1:last]
	var errs [2]error
	r.Number, errs[0] = strconv.Atoi(rest[last+1:])
	r.Seed, errs[1] = strconv.ParseUint(seed, 10, 64)
	return r, cmp.Or(errs[0], errs[1])
}

// random is the source of all that a mutant leaves to chance.
func (r Recipe) random() *rand.Rand {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s/%s/%d", r.Base, r.Kind, r.Number)
	return rand.New(rand.NewPCG(r.Seed, h.Sum64()))
}

// really reports whether the mutant is one that takes longer.
func (r Recipe) really() bool { return r.random().Uint64()%reallyEvery == 0 }

// Bench is a base's directory on disk. Mutants are made in it one after the other.
type Bench struct {
	*Base
	dir string
}

// NewBench writes the base to a new directory.
func NewBench(b *Base, dir string) (*Bench, error) {
	w := &Bench{b, dir}
	return w, w.reset()
}

// reset writes the base anew.
func (w *Bench) reset() error {
	if err := os.RemoveAll(w.dir); err != nil {
		return err
	}
	if err := os.MkdirAll(w.dir, 0o700); err != nil {
		return err
	}
	for name, m := range w.images {
		if err := m.write(filepath.Join(w.dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// reallyEvery is how many mutants are made for one that is checked, copied, repaired
// and opened for writing for real: that takes ten times as long.
const reallyEvery = 16

// patience is how long a mutant may take: thousands of times as long as they do.
const patience = time.Minute

// Mutant makes a mutant and judges it. It gives no outcome where the kind cannot be
// done to the base, or changes nothing.
func (w *Bench) Mutant(recipe Recipe, kind Kind) (edits []Edit, o *outcome, err error) {
	hang := time.AfterFunc(patience, func() { panic(fmt.Sprintf("%s hangs", recipe)) })
	defer hang.Stop()
	edits = kind.edits(w.Base, recipe.random())
	o, err = w.make(edits, recipe.really())
	return edits, o, err
}

// make does the edits, judges what comes of them, and undoes them.
func (w *Bench) make(edits []Edit, really bool) (*outcome, error) {
	if !w.changes(edits) {
		return nil, nil
	}
	for _, e := range edits {
		if err := e.apply(w.dir); err != nil {
			return nil, err
		}
	}
	o, err := w.judge(edits, really)
	if err != nil {
		return nil, err
	}
	if really {
		return o, w.reset()
	}
	for _, e := range slices.Backward(edits) {
		if err := e.undo(w.dir, w.images); err != nil {
			return nil, err
		}
	}
	return o, nil
}

func (w *Bench) judge(edits []Edit, really bool) (o *outcome, err error) {
	x, err := expect(w.Base, edits, w.dir)
	if err != nil {
		return nil, err
	}
	defer func() {
		if p := recover(); p != nil {
			o, err = &outcome{}, nil
			o.fail(failPanic, "%v\n%s", p, debug.Stack())
		}
	}()
	return judge(x, really)
}

// changes reports whether the edits change anything.
func (b *Base) changes(edits []Edit) bool {
	for _, e := range edits {
		if e.Op != opWrite {
			return e.Op != opResize || e.At != b.images[e.File].size
		}
		if string(b.images[e.File].bytes(e.At, int64(len(e.Bytes)))) != string(e.Bytes) {
			return true
		}
	}
	return false
}
