//go:build linux

package fusefs

import (
	"strconv"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/child"
	"github.com/walfs/walfs/test/fixture"
)

// once is what may be asked whatever the number of files: the folder itself,
// its parents, and each question that is answered ENOSYS for good.
const once = 16

// TestRequests counts what programs cost, one after the other on one mount
// until a step wants a fresh one. Each request is a round trip of some 35 µs,
// so that the counts are the performance, and exact where times are not.
func TestRequests(t *testing.T)       { testRequests(t, serve) }
func TestRequestsFrozen(t *testing.T) { testRequests(t, serveFrozen) }

func testRequests(t *testing.T, serve func(*testing.T, string, []byte) (string, *counter)) {
	cacheForGood(t)
	name := biggest()
	dir := fixture.Dir(t, name)
	files := len(fixture.ReadManifest(t, name).Entries)
	// The kernel may drop a page or two on its own. What it has it must not ask for
	// again.
	dropped := files / 50
	var at string
	var c *counter
	for _, step := range []struct {
		name   string
		fresh  bool
		script string
		lines  int // what it prints
		reads  int // at most
	}{
		{name: "find", fresh: true, script: "find -type f -size +0"},
		{name: "ls -l", script: "ls -l", lines: files + 1},
		{name: "first grep", fresh: true, script: "grep -rc ''", lines: files, reads: files},
		{name: "second grep", script: "grep -rc ''", lines: files, reads: dropped},
		{name: "find after grep", script: "find -type f", lines: files},
		{name: "cat after grep", script: "cat * | cat", reads: dropped},
		// GNU tar reads nothing if it sees that it writes to /dev/null.
		{name: "tar", fresh: true, script: "tar -c . | tar -t", lines: files + 1, reads: files},
		{name: "second tar", script: "tar -c . | tar -t", lines: files + 1, reads: dropped},
	} {
		if step.fresh {
			at, c = serve(t, dir, nil)
		}
		out := sh(t, `cd "$1/entries" && `+step.script, at)
		got := c.take()
		t.Logf("%s, %d files: %v", step.name, files, got)
		if lines := strings.Count(out, "\n"); step.lines > 0 && lines != step.lines {
			t.Errorf("%s: %d lines of output, want %d", step.name, lines, step.lines)
		}
		if got["READ"] > step.reads {
			t.Errorf("%s: %d READ, want %d at most", step.name, got["READ"], step.reads)
		}
		// A kernel with buffers of 4 KiB gets some 20 names at once.
		if lists := got["READDIRPLUS"] + got["READDIR"]; lists > once+files/16 {
			t.Errorf("%s: %d requests to list %d names", step.name, lists, files)
		}
		if n := got.others("READ", "READDIRPLUS", "READDIR"); n > once {
			t.Errorf("%s: %d requests beside READ and READDIRPLUS, want %d at most: %v", step.name, n, once, got)
		}
	}
}

// TestTopCostsNoEntry: what it takes to mount and to look at the top does not depend on how
// many entries there are.
func TestTopCostsNoEntry(t *testing.T) {
	at, c := serve(t, fixture.Dir(t, biggest()), nil)
	sh(t, `cd "$1" && ls && cat README meta/raft_id`, at)
	if got := c.take(); got.others() > 3*once {
		t.Errorf("a look at the top took %v", got)
	}
}

// TestLinesRequests: to list jsonl/ looks at no file there, and to read one takes a READ for
// 128 KiB.
func TestLinesRequests(t *testing.T) {
	at, c := serveFrozen(t, fixture.Dir(t, biggest()), nil)
	sh(t, `ls "$1/jsonl"`, at)
	if got := c.take(); got["READ"] > 0 || got.others("READDIRPLUS", "READDIR") > once {
		t.Errorf("ls: %v", got)
	}
	size := len(sh(t, `cat "$1/jsonl/00001.wal.jsonl"`, at))
	if got := c.take(); got["READ"] > size>>17+2 || got.others("READ") > once {
		t.Errorf("cat of %d bytes: %v", size, got)
	}
	child.Await(t, "the kernel to have all of it", func() bool {
		sh(t, `cat "$1/jsonl/00001.wal.jsonl" | wc`, at)
		return c.take().others() == 0
	})
}

// TestFindSizes: find's sizes come from the listing alone, and are right.
func TestFindSizes(t *testing.T) {
	name := biggest()
	at, c := serve(t, fixture.Dir(t, name), nil)
	got := map[uint64]int64{}
	for _, line := range strings.Fields(sh(t, `cd "$1/entries" && find -type f -size +0 -printf '%f:%s\n'`, at)) {
		index, size, _ := strings.Cut(line, ":")
		i, err1 := strconv.ParseUint(index, 10, 64)
		n, err2 := strconv.ParseInt(size, 10, 64)
		if err1 != nil || err2 != nil {
			t.Fatalf("find printed %q", line)
		}
		got[i] = n
	}
	if n := c.take().others("READDIRPLUS"); n > once {
		t.Errorf("%d requests beside READDIRPLUS", n)
	}
	for _, e := range fixture.ReadManifest(t, name).Entries {
		if got[e.Index] != e.Size {
			t.Fatalf("entry %d has %d bytes, want %d", e.Index, got[e.Index], e.Size)
		}
		delete(got, e.Index)
	}
	if len(got) > 0 {
		t.Errorf("%d files too many", len(got))
	}
}
