package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// wanted are how many times as long as another system walfs may take, with some ten thousand
// files and with a million.
var wanted = []struct {
	step       string
	system     string
	small, big float64 // 0: as long as it likes
}{
	{"find, first", "ext4", 1.2, 1.2},
	{"find, first", "squashfuse_ll", 0.2, 0},
	{"find, again", "ext4", 1.0, 1.1},
	{"grep -r, first", "ext4", 1.5, 1.5},
	{"grep -r, from disk", "ext4", 0.4, 0},
	{"grep -r, first", "squashfuse_ll", 0.3, 0},
	{"grep -r, again", "ext4", 1.1, 1.2},
	{"grep -r, again", "squashfuse_ll", 0.25, 0},
	{"tar", "ext4", 1.2, 1.3},
	{"tar", "squashfuse_ll", 0.4, 0},
	{"ls -f", "ext4", 3, 3},
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// steps are all steps in order.
func steps() (names []string) {
	for _, s := range sessions {
		for _, st := range s.steps {
			names = append(names, st.name)
		}
	}
	return names
}

// time is a step's median, in seconds.
func (r *results) time(system, step string) (seconds float64, ok bool) {
	v := r.seconds[key{system, step}]
	if len(v) == 0 {
		return 0, false
	}
	return median(v), true
}

// print writes the tables of one log in Markdown.
func (r *results) print(w io.Writer) {
	fmt.Fprintf(w, "A log of %s entries of %d bytes: the %d files in %s/. Medians of %d rounds.\n\n",
		r.size.name, payloadSize, r.size.files(), r.size.folder, *rounds)
	r.printTimes(w)
	r.printRequests(w)
	r.printOther(w)
	r.printWanted(w)
}

func row(w io.Writer, cells ...string) { fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | ")) }

func head(w io.Writer, cells ...string) {
	row(w, cells...)
	fmt.Fprintf(w, "|%s\n", strings.Repeat("---|", len(cells)))
}

func (r *results) printTimes(w io.Writer) {
	title := []string{"seconds"}
	for _, s := range systems {
		title = append(title, s.name)
	}
	head(w, title...)
	for _, step := range append([]string{mountStep}, steps()...) {
		cells := []string{step}
		for _, s := range systems {
			t, ok := r.time(s.name, step)
			cells = append(cells, cell(ok, "%.3f", t))
		}
		row(w, cells...)
	}
	cells := []string{"the server's memory, MiB"}
	for _, s := range systems {
		cells = append(cells, cell(r.memory[s.name] > 0, "%.0f", r.memory[s.name]))
	}
	row(w, cells...)
	fmt.Fprintln(w)
}

func cell(ok bool, format string, v float64) string {
	if !ok {
		return ""
	}
	return fmt.Sprintf(format, v)
}

// printRequests prints what a step costs a server. The processor time is of the rounds, the
// requests are of one more.
func (r *results) printRequests(w io.Writer) {
	if r.requests == nil {
		fmt.Fprintf(w, "Requests were not counted: this kernel has no tracepoint %s.\n\n", tracepoint)
	}
	head(w, "step", "server", "its processor time, s", "requests")
	for _, step := range steps() {
		for _, s := range systems {
			k := key{s.name, step}
			if s.serve != nil && len(r.server[k]) > 0 {
				row(w, step, s.name, fmt.Sprintf("%.2f", median(r.server[k])), r.requests[k])
			}
		}
	}
	fmt.Fprintln(w)
}

func (r *results) printOther(w io.Writer) {
	head(w, "walfs", "")
	for _, name := range slices.Sorted(maps.Keys(r.other)) {
		row(w, name, fmt.Sprintf("%.3f", median(r.other[name])))
	}
	fmt.Fprintln(w)
}

// printWanted compares walfs with the others.
func (r *results) printWanted(w io.Writer) {
	head(w, "walfs against", "in", "times as long", "wanted", "")
	for _, want := range wanted {
		most := want.small
		if r.size.files() > 500_000 {
			most = want.big
		}
		got, ok := r.ratio("walfs", want.system, want.step)
		if most == 0 || !ok {
			continue
		}
		verdict := ""
		if got > most {
			verdict = "missed"
		}
		row(w, want.system, want.step, fmt.Sprintf("%.2f", got), fmt.Sprintf("≤ %.2f", most), verdict)
	}
	fmt.Fprintln(w)
}

// ratio is how many times as long a takes as b: the median of the rounds, or of each system's
// medians where one has missed rounds.
func (r *results) ratio(a, b, step string) (ratio float64, ok bool) {
	of, to := r.seconds[key{a, step}], r.seconds[key{b, step}]
	if len(of) == 0 || len(to) == 0 {
		return 0, false
	}
	if len(of) != len(to) {
		return median(of) / median(to), true
	}
	var ratios []float64
	for i := range of {
		ratios = append(ratios, of[i]/to[i])
	}
	return median(ratios), true
}
