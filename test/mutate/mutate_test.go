//go:build linux

package mutate

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"slices"
	"sync"
	"testing"

	"github.com/walfs/walfs/test/child"
	"github.com/walfs/walfs/test/fixture"
)

var (
	seed    = flag.Uint64("seed", 1, "of the mutants")
	mutants = flag.Int("mutants", usually(), "how many to make, about")
	recipe  = flag.String("recipe", "", "make this one alone, and say what comes of it")
	rates   = flag.String("rates", "", "write how much was found, by kind, to this file")
	found   = flag.String("found", "", "write what is found to this file, the simplest of each sort")
)

func usually() int {
	if child.Race {
		return 100 // the readers' own tests have more of what runs at the same time
	}
	return fixture.Size(600, 2_500)
}

// TestSound: nothing is wrong with what mutants are made of.
func TestSound(t *testing.T) {
	for _, b := range Bases(t) {
		w, err := NewBench(b, filepath.Join(t.TempDir(), "w"))
		fixture.Must(t, err)
		for _, really := range []bool{false, true} {
			o, err := w.judge(nil, really)
			fixture.Must(t, err)
			if o.reported || !o.opened || len(o.findings) > 0 {
				t.Errorf("%s: %+v", b.Name, o)
			}
		}
	}
}

// task is some of the mutants of a base and a kind.
type task struct {
	base *Base
	kind Kind
	n    int
}

// TestMutants makes mutants of all bases in all ways.
func TestMutants(t *testing.T) {
	bases, kinds := Bases(t), Kinds()
	if *recipe != "" {
		explain(t, bases, kinds)
		return
	}
	var tasks []task
	each := float64(*mutants) / float64(len(bases)*len(kinds))
	for i, b := range bases {
		for j, k := range kinds {
			n := int(float64(i*len(kinds)+j+1)*each) - int(float64(i*len(kinds)+j)*each)
			tasks = append(tasks, task{b, k, n})
		}
	}
	results := newResults()
	next := make(chan task)
	var workers sync.WaitGroup
	for range 4 * runtime.GOMAXPROCS(0) { // a check of a damaged directory waits
		benches := filepath.Join(t.TempDir())
		workers.Go(func() {
			for k := range next {
				if err := k.run(benches, results); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for _, k := range tasks {
		next <- k
	}
	close(next)
	workers.Wait()
	t.Logf("%d mutants; %s has allocated %d MiB", results.mutants, results.hungriest, results.most>>20)
	if results.most > bound {
		t.Errorf("%s allocates %d bytes, want at most %d", results.hungriest, results.most, bound)
	}
	for _, f := range results.sorted() {
		t.Errorf("%s: %d times; the smallest:\n%s", f.what, f.times, f.text)
	}
	if *rates != "" {
		fixture.Must(t, os.WriteFile(*rates, []byte(results.rates(kinds, *seed, *mutants)), 0o644))
	}
	if *found != "" {
		fixture.Must(t, os.WriteFile(*found, []byte(results.report(*seed)), 0o644))
	}
}

// bound is on what is allocated while a mutant is judged, by the others that are
// judged at the same time too: much more than is held. A damaged length can be as
// long as its file, of 256 MiB, and a storage gives a payload as a whole.
const bound = 1 << 30

func (k task) run(benches string, results *results) error {
	dir := filepath.Join(benches, k.base.Name)
	w := &Bench{k.base, dir}
	if _, err := os.Stat(dir); err != nil {
		if err := w.reset(); err != nil {
			return err
		}
	}
	for i := range k.n {
		r := Recipe{k.base.Name, k.kind.Name, i, *seed}
		before := allocated()
		edits, o, err := w.Mutant(r, k.kind)
		if err != nil {
			return fmt.Errorf("%s: %w", r, err)
		}
		if !r.really() { // a copy looks at a directory again and again
			results.took(r, allocated()-before)
		}
		if o != nil {
			results.add(r, edits, o)
		}
	}
	return nil
}

// allocated is how many bytes the process has allocated so far.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// explain makes one mutant and tells all about it.
func explain(t *testing.T, bases []*Base, kinds []Kind) {
	r, err := ParseRecipe(*recipe)
	fixture.Must(t, err)
	b := slices.IndexFunc(bases, func(b *Base) bool { return b.Name == r.Base })
	k := slices.IndexFunc(kinds, func(k Kind) bool { return k.Name == r.Kind })
	if b < 0 || k < 0 {
		t.Fatalf("%s: no such base or kind", r)
	}
	w, err := NewBench(bases[b], filepath.Join(t.TempDir(), "w"))
	fixture.Must(t, err)
	edits, o, err := w.Mutant(r, kinds[k])
	fixture.Must(t, err)
	for _, e := range edits {
		t.Logf("%s", e)
	}
	if o == nil {
		t.Log("that changes nothing")
		return
	}
	for _, p := range o.problems {
		t.Logf("problem: %s", p)
	}
	t.Logf("detectable %v, reported %v, opened for writing %v: %v", o.detectable, o.reported, o.opened, o.openErr)
	for _, f := range o.findings {
		t.Errorf("%s: %s", f.what, f.detail)
	}
}
