//go:build linux

package fusefs

import (
	"fmt"
	"iter"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/nativelog"
)

// TestReadAhead counts the READs of programs that read all of a folder, in their own
// order, one folder after the other or several at a time.
func TestReadAhead(t *testing.T) {
	terms, files := fixture.Size(2, 10), fixture.Size(3000, 30_000) // in each folder
	dir := filepath.Join(t.TempDir(), "w")
	meta := nativelog.Meta{RaftID: 1, GroupID: 1, Term: uint64(terms), Commit: uint64(terms * files)}
	if err := nativelog.Write(dir, meta, inTerms(terms, files)); err != nil {
		t.Fatal(err)
	}
	child := func(op string) func(t *testing.T, at string) {
		return func(t *testing.T, at string) {
			if errno := errnoOf(t, op, at); errno != 0 {
				t.Errorf("%s: %v", op, errno)
			}
		}
	}
	script := func(script string) func(t *testing.T, at string) {
		return func(t *testing.T, at string) { sh(t, `cd "$1" && `+script, at) }
	}
	// grep goes by the order of inodes, tar by that of names.
	const grep, tar = "! grep -r 'no entry holds this text' .", "tar -c . | cat >/dev/null"
	for _, test := range []struct {
		name  string
		walk  func(t *testing.T, at string)
		terms int
	}{
		{"grep, and again", script(grep + " && " + grep), terms},
		{"grep, and again after the kernel has dropped what it had", func(t *testing.T, at string) {
			script(grep)(t, at)
			child("dropPages")(t, at)
			script(grep)(t, at)
		}, 1},
		{"tar", script(tar), 1},
		{"two greps at a time", script(grep + " & " + grep + "; wait $!"), 1},
		{"grep and tar at a time", script(grep + " & " + tar + "; wait $!"), 1},
		{"while names are listed", child("readInPieces"), 1},
		{"in threads", child("readInThreads"), 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			at, c := serveFrozen(t, dir, nil)
			for term := 1; term <= test.terms; term++ {
				folder := fmt.Sprintf("%s/terms/%020d", at, term)
				test.walk(t, folder)
				expectReads(t, c, folder, files)
			}
		})
	}
	t.Run("several folders at a time", func(t *testing.T) {
		at, c := serveFrozen(t, dir, nil)
		folders := fixture.Size(2, 4)
		script(fmt.Sprintf("for t in $(ls | head -%d); do (cd $t; %s) & p=\"$p $!\"; done; wait $p", folders, grep))(t, at+"/terms")
		expectReads(t, c, "terms", folders*files)
	})
	t.Run("decoded", func(t *testing.T) {
		at, c := serveFrozen(t, dir, nil)
		script(grep)(t, at+"/decoded")
		expectReads(t, c, "decoded", terms*files)
	})
}

func inTerms(terms, files int) iter.Seq[nativelog.Entry] {
	return func(yield func(nativelog.Entry) bool) {
		for i := range terms * files {
			index, term := uint64(i+1), uint64(i/files+1)
			if !yield(nativelog.Entry{Index: index, Term: term, Data: nativelog.Mutation(index, term)}) {
				return
			}
		}
	}
}

func expectReads(t *testing.T, c *counter, what string, files int) {
	t.Helper()
	reads := c.take()["READ"]
	t.Logf("%s: %d READs of %d files", filepath.Base(what), reads, files)
	if reads > files/64 {
		t.Errorf("%s: %d READs of %d files, want %d at most", what, reads, files, files/64)
	}
}
