//go:build linux

package fusefs

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
	"github.com/walfs/walfs/fsview"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/raftdir"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/payload"
)

// largeLog is a directory with these payloads, and the texts that its tree has of them.
func largeLog(t *testing.T, blob []byte, payloads ...[]byte) (dir string, tree *fsview.Tree) {
	t.Helper()
	w := raftdir.Create(filepath.Join(t.TempDir(), "w"), raftdir.Options{
		Data: func(index, _ uint64) []byte { return payloads[index-1] },
		Blob: func(uint64, uint64) []byte { return blob },
	})
	defer w.Close()
	w.Append(len(payloads))
	w.CommitTo(w.Last)
	if blob != nil {
		w.SnapshotOnly(1)
	}
	r, err := dgraph.OpenReader(w.Dir(), dgraph.ReaderOptions{})
	fixture.Must(t, err)
	t.Cleanup(func() { r.Close() })
	return w.Dir(), fsview.New(r, payload.NewDgraph(payload.Alpha, payload.Options{}))
}

// TestTextStore: what follows a READ of a long text is stored once, and of other files
// nothing is.
func TestTextStore(t *testing.T) {
	_, tree := largeLog(t, nil, fixture.Mutation(1, 3<<20), []byte("small"))
	want, err := fs.ReadFile(tree, "decoded/1.json")
	fixture.Must(t, err)
	long, small, entry := nodeAt(t, tree, "decoded/1.json"), nodeAt(t, tree, "decoded/2.json"), nodeAt(t, tree, "entries/1")
	stored := make(chan string, 10)
	stop := make(chan struct{})
	defer close(stop)
	s := newTextStore(tree, stop, func(node uint64, off int64, data []byte) fuse.Status {
		if !bytes.Equal(data, want[off:off+int64(len(data))]) {
			t.Errorf("other bytes at %d", off)
		}
		stored <- fmt.Sprint(node == uint64(long), off, len(data))
		return fuse.OK
	})
	s.noteRead(small, 0, 128<<10)
	s.noteRead(entry, 0, 128<<10)
	s.noteRead(long, 0, fullRead-1) // somebody looks at the beginning
	s.noteRead(long, 3<<20, 128<<10)
	s.noteRead(long, 128<<10, 128<<10)
	for _, want := range []string{
		fmt.Sprint(true, 2<<20, len(want)-2<<20),
		fmt.Sprint(true, 0, 2<<20),
	} {
		if got := <-stored; got != want {
			t.Errorf("stored %s, want %s", got, want)
		}
	}
}

func nodeAt(t *testing.T, tree *fsview.Tree, path string) fsview.Node {
	t.Helper()
	st, err := tree.Stat(path)
	fixture.Must(t, err)
	return fsview.Node(st.Sys().(*fsview.Attr).Inode) // of files that have one node
}

// TestLongTextsOnAMount: many readers of several long texts get their bytes, and the kernel
// has them all afterwards.
func TestLongTextsOnAMount(t *testing.T) {
	size := fixture.Size(1<<20, 16<<20)
	var payloads [][]byte
	const texts = 5
	for range texts {
		payloads = append(payloads, fixture.Mutation(1, size))
	}
	dir, tree := largeLog(t, nil, payloads...)
	want := t.TempDir()
	for i := range texts {
		text, err := fs.ReadFile(tree, fmt.Sprintf("decoded/%d.json", i+1))
		fixture.Must(t, err)
		fixture.WriteFile(t, filepath.Join(want, fmt.Sprint(i+1)), text)
	}
	at, c := serveDecoded(t, dir, nil, payload.NewDgraph(payload.Alpha, payload.Options{}))
	const all = `cd "$1/decoded" && for r in 1 2 3; do for i in 1 2 3 4 5; do cmp $i.json "$2/$i" & done; done; wait`
	if out := sh(t, all, at, want); out != "" {
		t.Error(out)
	}
	t.Logf("first: %v", c.take())
	if out := sh(t, all, at, want); out != "" {
		t.Error(out)
	}
	again := c.take()
	t.Logf("again: %v", again)
	if dropped := texts * size >> 20; again["READ"] > dropped { // the kernel may drop a page on its own
		t.Errorf("%d READ of what the kernel has, want at most %d", again["READ"], dropped)
	}
}

// TestTarOfTooLarge: a tree with a snapshot and an entry that are too large to be decoded
// can be backed up as a whole.
func TestTarOfTooLarge(t *testing.T) {
	fixture.NotForRace(t) // it writes 130 MiB
	large := bytes.Repeat([]byte("large "), payload.MaxData/6+1)
	dir, _ := largeLog(t, large, large, []byte("small"))
	at, _ := serve(t, dir, nil)
	out := t.TempDir()
	sh(t, `cd "$1" && tar -cf - README decoded entries snapshots meta | tar -xf - -C "$2" && du -s . >/dev/null`, at, out)
	for _, name := range []string{"decoded/00000000000000000001.json", "snapshots/latest/decoded.json"} {
		text, err := os.ReadFile(filepath.Join(out, name))
		if err != nil || !bytes.Contains(text, []byte("more than 64 MiB")) {
			t.Errorf("%s: %s (%v)", name, text, err)
		}
	}
	if data, err := os.ReadFile(filepath.Join(out, "snapshots/latest/data")); err != nil || !bytes.Equal(data, large) {
		t.Errorf("%d bytes (%v)", len(data), err)
	}
}
