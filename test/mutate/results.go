//go:build linux

package mutate

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// results are what all mutants have come to.
type results struct {
	mu        sync.Mutex
	mutants   int
	most      uint64 // bytes allocated while one was judged
	hungriest Recipe
	kinds     map[string]*rate
	failed    map[Failure]map[string]*failed // by kind
}

// rate counts the mutants of a kind.
type rate struct{ mutants, detectable, reported, others, othersReported, opened int }

// failed is a sort of failure of a kind of mutant.
type failed struct {
	what  Failure
	kind  string
	times int
	size  int
	text  string
}

func newResults() *results {
	return &results{kinds: map[string]*rate{}, failed: map[Failure]map[string]*failed{}}
}

func (r *results) add(recipe Recipe, edits []Edit, o *outcome) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mutants++
	k := r.kinds[recipe.Kind]
	if k == nil {
		k = &rate{}
		r.kinds[recipe.Kind] = k
	}
	k.mutants++
	count(&k.detectable, o.detectable)
	count(&k.reported, o.detectable && o.reported)
	count(&k.others, !o.detectable)
	count(&k.othersReported, !o.detectable && o.reported)
	count(&k.opened, o.opened)
	for _, f := range o.findings {
		if r.failed[f.what] == nil {
			r.failed[f.what] = map[string]*failed{}
		}
		x := r.failed[f.what][recipe.Kind]
		if x == nil {
			x = &failed{what: f.what, kind: recipe.Kind, size: 1 << 30}
			r.failed[f.what][recipe.Kind] = x
		}
		x.times++
		if size := sizeOf(edits); size < x.size {
			x.size, x.text = size, example(recipe, edits, o, f)
		}
	}
}

// sizeOf tells simple mutants from others.
func sizeOf(edits []Edit) int {
	size := 0
	for _, e := range edits {
		size += 20 + len(e.Bytes)
	}
	return size
}

// example is all that is known of a failure.
func example(recipe Recipe, edits []Edit, o *outcome, f finding) string {
	lines := []string{recipe.String()}
	for _, e := range edits {
		lines = append(lines, e.String())
	}
	lines = append(lines, strings.Split(f.detail, "\n")...)
	for _, p := range o.problems[:min(len(o.problems), 3)] {
		lines = append(lines, "problem: "+p.String())
	}
	return strings.Join(lines, "\n    ")
}

// took says how much was allocated for a mutant.
func (r *results) took(recipe Recipe, bytes uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if bytes > r.most {
		r.most, r.hungriest = bytes, recipe
	}
}

func count(n *int, yes bool) {
	if yes {
		*n++
	}
}

// sorted are the failures, one of each sort with the most frequent kind's example.
func (r *results) sorted() []failed {
	var all []failed
	for _, what := range slices.Sorted(maps.Keys(r.failed)) {
		sum := failed{what: what, size: 1 << 30}
		for _, f := range r.failed[what] {
			sum.times += f.times
			if f.size < sum.size {
				sum.size, sum.text = f.size, f.text
			}
		}
		all = append(all, sum)
	}
	return all
}

func (r *results) report(seed uint64) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d mutants, seed %d\n", r.mutants, seed)
	for _, what := range slices.Sorted(maps.Keys(r.failed)) {
		fmt.Fprintf(&b, "\n## %s\n", what)
		kinds := r.failed[what]
		for _, kind := range slices.Sorted(maps.Keys(kinds)) {
			fmt.Fprintf(&b, "\n- %s: %d times\n\n    %s\n", kind, kinds[kind].times, kinds[kind].text)
		}
	}
	return b.String()
}
