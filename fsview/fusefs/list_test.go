//go:build linux

package fusefs

import (
	"fmt"
	"iter"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/child"
	"github.com/walfs/walfs/test/nativelog"
	"github.com/walfs/walfs/test/raftdir"
)

// manyNames are more than the kernel gives out of its cache at once.
const manyNames = 6000

// manyEntries makes a directory with as many small entries.
func manyEntries(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "w")
	var entries iter.Seq[nativelog.Entry] = func(yield func(nativelog.Entry) bool) {
		for i := uint64(1); i <= manyNames; i++ {
			if !yield(nativelog.Entry{Term: 1, Index: i, Data: []byte("x")}) {
				return
			}
		}
	}
	if err := nativelog.Write(dir, nativelog.Meta{Commit: manyNames}, entries); err != nil {
		t.Fatal(err)
	}
	awaitRest(t, dir)
	return dir
}

// TestListRequests counts what it takes to list a large folder, by programs that look at
// the names and by those that do not, one after the other on one mount until a step wants
// a fresh one.
func TestListRequests(t *testing.T) {
	dir := manyEntries(t)
	cacheForGood(t)
	const tests = manyNames / testEvery // names that ls -l looks up
	var at string
	var c *counter
	for _, step := range []struct {
		name    string
		fresh   bool
		script  string
		lines   int
		lookups [2]int // at least, at most
		cached  bool   // the kernel has the list
	}{
		{name: "names", fresh: true, script: "ls -f", lines: manyNames + 2, lookups: [2]int{0, once}},
		{name: "names again", script: "ls -f", lines: manyNames + 2, lookups: [2]int{0, 0}, cached: true},
		{name: "names, then attributes of all", script: "find -type f -size +0", lines: manyNames, lookups: [2]int{0, once}},
		{name: "the list with attributes will do for names", script: "ls -f", lines: manyNames + 2, cached: true},
		{name: "all is cached", script: "ls -l", lines: manyNames + 1, lookups: [2]int{0, 0}, cached: true},

		{name: "names at once, all are looked at later", fresh: true, script: "find -type f -size +0", lines: manyNames, lookups: [2]int{0, once}},
		{name: "the shell's names", fresh: true, script: "for f in *; do test -s $f && echo $f; done", lines: manyNames, lookups: [2]int{0, once}},

		{name: "each is looked at before the next", fresh: true, script: "ls -l", lines: manyNames + 1, lookups: [2]int{tests - 1, tests + once}},
		{name: "it is cached", script: "ls -l", lines: manyNames + 1, lookups: [2]int{0, 0}, cached: true},

		// Of the names that came alone, it looks up those that it gets before the list
		// is dropped.
		{name: "names, then each is looked at: names", fresh: true, script: "ls -f", lines: manyNames + 2, lookups: [2]int{0, once}},
		{name: "names, then each is looked at: attributes", script: "ls -l", lines: manyNames + 1, lookups: [2]int{maxLate, manyNames / 2}},
	} {
		if step.fresh {
			at, c = serve(t, dir, nil)
		}
		out, got := "", counts(nil)
		lists := func() int { return got["READDIRPLUS"] + got["READDIR"] }
		run := func() bool {
			out = sh(t, `cd "$1/entries" && `+step.script, at)
			got = c.take()
			return lists() == 0
		}
		if step.cached {
			// The kernel may drop a page of a list on its own.
			child.Await(t, "the kernel to have the list: "+step.name, run)
		} else if run() {
			t.Errorf("%s: no request for names", step.name)
		}
		t.Logf("%s: %v", step.name, got)
		if lines := strings.Count(out, "\n"); lines != step.lines {
			t.Errorf("%s: %d lines of output, want %d", step.name, lines, step.lines)
		}
		if n := got["LOOKUP"]; n < step.lookups[0] || n > step.lookups[1] {
			t.Errorf("%s: %d LOOKUP, want %d to %d", step.name, n, step.lookups[0], step.lookups[1])
		}
		if n := lists(); n > once+manyNames/16 { // as few as 23 names come at once
			t.Errorf("%s: %d requests for %d names", step.name, n, manyNames)
		}
		if n := got.others("LOOKUP", "READDIRPLUS", "READDIR"); n > once {
			t.Errorf("%s: %v", step.name, got)
		}
	}
}

// namedAt is a name of a list, and the offset behind it.
type namedAt struct{ offset, name string }

// read gives what is next in a folder that the Looker has open, up to some names.
func (l *liveMount) read(folder string, size, limit int) (all []namedAt) {
	l.t.Helper()
	for len(all) < limit {
		got := l.Looker.Do("names", folder, strconv.Itoa(size))
		if got == "" {
			return all
		}
		for line := range strings.Lines(got) {
			offset, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
			if !ok {
				l.t.Fatal(got)
			}
			all = append(all, namedAt{offset, name})
		}
	}
	return all
}

// wantNames compares a list with the names of entries from first to last.
func (l *liveMount) wantNames(what string, got []namedAt, first, last uint64) {
	l.t.Helper()
	for i, n := range got {
		if want := entryName(first + uint64(i)); n.name != want {
			l.t.Fatalf("%s: name %d is %s, want %s", what, i, n.name, want)
		}
	}
	if n := last - first + 1; uint64(len(got)) != n {
		l.t.Errorf("%s: %d names, want %d", what, len(got), n)
	}
}

// TestSeek: a list goes on after any name that it had, whether names come alone or not, and
// though names come and go meanwhile.
func TestSeek(t *testing.T) {
	for _, program := range []string{"ls", "find"} {
		for _, size := range []int{4 << 10, 32 << 10} {
			t.Run(fmt.Sprint(program, size), func(t *testing.T) { testSeek(t, program, size) })
		}
	}
}

func testSeek(t *testing.T, program string, size int) {
	const first = 3000
	w := raftdir.Create(filepath.Join(t.TempDir(), "w"), raftdir.Options{Slots: 1000})
	t.Cleanup(w.Close)
	w.Append(first)
	w.CommitTo(first)
	l := serveLive(t, w, nil)
	l.Looker.Do("called", program)
	l.Do("open", "d", "entries")
	l.read("d", size, 2)
	l.Looker.Do("seek", "d", "2") // behind . and ..
	all := l.read("d", size, 2000)
	// The list is not complete, so that the kernel asks for all of this.
	for _, i := range []int{1990, 1500, 1100, 999, 500, 0} {
		l.Looker.Do("seek", "d", all[i].offset)
		next := l.read("d", size, 1)
		l.wantNames("after a seek", next, uint64(i)+2, uint64(i)+1+uint64(len(next)))
	}
	l.counts.take()
	l.Do("stat", "entries/"+all[1900].name)
	if came := l.counts.take()["LOOKUP"] > 0; came != (program == "ls") {
		t.Errorf("%s looks at a name, a LOOKUP has come: %t", program, came)
	}

	w.Append(100)
	l.awaitTree()
	l.Looker.Do("seek", "d", all[1200].offset)
	rest := l.read("d", size, first)
	l.wantNames("names come", rest, 1202, first+100)

	w.Snapshot(2500) // drops files of 1000 entries
	l.awaitTree()
	gone := uint64(2000)
	l.Looker.Do("seek", "d", rest[1500].offset)
	l.wantNames("names go before it", l.read("d", size, first), 2703, first+100)
	l.Looker.Do("seek", "d", all[700].offset)
	l.wantNames("its own name is gone", l.read("d", size, first), gone+1, first+100)
	l.Looker.Do("seek", "d", "0")
	again := l.read("d", size, first)
	l.wantNames("from the beginning", again[2:], gone+1, first+100)
	l.Looker.Do("close", "d")
}

// TestOpenFolders: what is known of folders that nobody has open is bounded.
func TestOpenFolders(t *testing.T) {
	for alone, most := range map[bool]int{false: 0, true: maxRemembered} {
		o := newOpenFolders()
		for node := range uint64(3 * maxRemembered) {
			h, keep := o.open(node, 0)
			if !keep {
				t.Fatal("a list that nobody has got is to be dropped")
			}
			l := o.begin(h)
			l.alone, l.tested = alone, alone
			l.lookups = l.folder.lookups
			l.mu.Unlock()
			o.begin(h).mu.Unlock() // with no LOOKUP since
			o.close(node, h)
		}
		if len(o.listers) != 0 || len(o.folders) != most {
			t.Errorf("%d handles and %d folders are kept, want 0 and %d", len(o.listers), len(o.folders), most)
		}
		if o.begin(1) != nil {
			t.Error("a closed handle is good")
		}
	}
}
