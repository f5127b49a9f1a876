//go:build unix

package fsview

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/memlog"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
)

// countingDecoder counts the entries that it was asked about.
type countingDecoder struct {
	payload.Decoder
	asked atomic.Int64
}

func (d *countingDecoder) AppendCompact(dst []byte, e payload.Entry) ([]byte, error) {
	d.asked.Add(1)
	return d.Decoder.AppendCompact(dst, e)
}

func newCountingDecoder() *countingDecoder {
	return &countingDecoder{Decoder: payload.NewDgraph(payload.Alpha, payload.Options{})}
}

// manyLines is a log of one file with so many entries, some hundred of which make a piece.
func manyLines(entries int) *memlog.Log {
	var list []memlog.Entry
	for i := range entries {
		list = append(list, memlog.Entry{Term: 1, Index: uint64(i + 1), Data: fmt.Sprint(i, strings.Repeat(" words", i%300)), File: "a"})
	}
	return memlog.New("/var/lib/memory", list)
}

// wantLines makes the lines of a log file without a tree.
func wantLines(t *testing.T, log walcore.Log, f *walcore.File, d payload.Decoder) (lines []byte) {
	t.Helper()
	for e := range log.Entries(0) {
		if e.File != f {
			continue
		}
		data, err := e.Data()
		if isUnreadable(err) {
			continue
		}
		fixture.Must(t, err)
		lines, err = payload.AppendLine(lines, log.Meta().System, d, &e, data)
		fixture.Must(t, err)
	}
	return lines
}

// TestLinesOfFixtures: each file in jsonl/ has as many bytes as stat says, wherever one
// begins to read, and they are the lines of its entries.
func TestLinesOfFixtures(t *testing.T) {
	for _, name := range fixture.All() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tree, _ := open(t, name)
			list, err := fs.ReadDir(tree, "jsonl")
			if err != nil || len(list) != len(tree.files) {
				t.Fatalf("%d names of %d log files (%v)", len(list), len(tree.files), err)
			}
			for _, f := range tree.files {
				got := read(t, tree, "jsonl/"+f.Name+linesSuffix)
				if want := wantLines(t, tree.log, f, tree.decoding.decoder(tree.log)); !bytes.Equal(got, want) {
					t.Fatalf("%s: %.500q, want %.500q", f.Name, got, want)
				}
				readAnywhere(t, tree, "jsonl/"+f.Name+linesSuffix, got)
			}
		})
	}
}

// readAnywhere reads a file in the middle, with sizes that are no pieces.
func readAnywhere(t *testing.T, tree *Tree, name string, want []byte) {
	t.Helper()
	n, _, err := tree.walk("test", name, true)
	fixture.Must(t, err)
	p := make([]byte, 300<<10)
	for range 20 {
		from, size := rand.IntN(len(want)+1), rand.IntN(len(p))
		end := min(from+size, len(want))
		k, err := tree.ReadAt(n, p[:size], int64(from))
		if !bytes.Equal(p[:k], want[from:end]) || (err == io.EOF) != (end-from < size) || err != nil && err != io.EOF {
			t.Fatalf("%s: %d bytes at %d: got %d, %v", name, size, from, k, err)
		}
	}
}

// TestLinesAreAnIOFS: names, sizes and modes as io/fs wants them.
func TestLinesAreAnIOFS(t *testing.T) {
	tree, _ := open(t, "emptied")
	sub, err := fs.Sub(tree, "jsonl")
	fixture.Must(t, err)
	if err := fstest.TestFS(sub, "00001.wal.jsonl"); err != nil {
		t.Fatal(err)
	}
}

// TestLinesAreDecodedOnce: to list names decodes nothing. Then readers that read from the
// beginning, several READs at a time and out of order, find what was decoded for the size. If
// that is gone, each entry is decoded a second time, and not a third.
func TestLinesAreDecodedOnce(t *testing.T) {
	const entries, request = 2000, 128 << 10
	log, d := manyLines(entries), newCountingDecoder()
	tree := New(log, d)
	fixture.Must(t, fs.WalkDir(tree, "jsonl", func(_ string, _ fs.DirEntry, err error) error { return err }))
	if n := d.asked.Load(); n != 0 {
		t.Fatalf("%d entries were decoded to list names", n)
	}
	n, a, err := tree.walk("test", "jsonl/a.jsonl", true)
	fixture.Must(t, err)
	if a.Size < 10*pieceBytes {
		t.Fatalf("the test needs more than %d bytes", a.Size)
	}
	want := wantLines(t, log, log.Files()[0], d.Decoder)
	for _, most := range []int64{entries, 2 * entries} {
		var readers sync.WaitGroup
		got := make([]byte, a.Size)
		for off := int64(0); off < a.Size; off += 4 * request {
			for _, k := range []int64{1, 0, 3, 2} { // as a kernel's readahead may come
				at := min(off+k*request, a.Size)
				readers.Go(func() {
					if _, err := tree.ReadAt(n, got[at:min(at+request, a.Size)], at); err != nil && err != io.EOF {
						t.Error(err)
					}
				})
			}
			readers.Wait()
		}
		if !bytes.Equal(got, want) {
			t.Error("the lines differ")
		}
		if n := d.asked.Load(); n > most {
			t.Errorf("%d entries were decoded, want %d", n, most)
		}
		tree.decoding.lines.read = pieceList{}
	}
}

// TestLinesInTheMiddle: a READ in the middle decodes two pieces, and not what is in front.
func TestLinesInTheMiddle(t *testing.T) {
	const entries = 2000
	d := newCountingDecoder()
	tree := New(manyLines(entries), d)
	n, a, err := tree.walk("test", "jsonl/a.jsonl", true)
	fixture.Must(t, err)
	tree.decoding.lines.packed = pieceList{}
	before := d.asked.Load()
	if _, err := tree.ReadAt(n, make([]byte, 4096), a.Size/2); err != nil {
		t.Fatal(err)
	}
	if got := d.asked.Load() - before; got > entries/4 {
		t.Errorf("%d entries were decoded", got)
	}
}

// TestLinesCacheIsBounded: what a cache keeps costs no more than it may, however many pieces
// are made, but for one that alone is larger.
func TestLinesCacheIsBounded(t *testing.T) {
	var c linesCache
	x := &linesText{}
	for i := range 1000 {
		size := []int{0, 10, pieceBytes}[i%3]
		c.leave(pieceKey{x, i}, make([]byte, size))
		_, err := c.get(pieceKey{x, -1 - i}, func() ([]byte, error) { return make([]byte, size), nil })
		if err != nil {
			t.Fatal(err)
		}
		const one = pieceBytes + pieceCost
		if c.read.cost > maxReadLines+one || c.packed.cost > maxPackedLines+one {
			t.Fatalf("pieces of %d and %d bytes are kept", c.read.cost, c.packed.cost)
		}
	}
	if len(c.read.list) < 20 || len(c.packed.list) < 20 {
		t.Errorf("%d and %d pieces are kept", len(c.read.list), len(c.packed.list))
	}
	made := 0
	for i := range 10 {
		_, _ = c.get(pieceKey{x, 1 << 20}, func() ([]byte, error) { made++; return make([]byte, 2*maxReadLines), nil })
		_, _ = c.get(pieceKey{x, 1<<21 + i}, func() ([]byte, error) { return make([]byte, pieceBytes), nil })
	}
	if made != 1 || len(c.read.list) > 11 {
		t.Errorf("a large piece was made %d times, and is kept beside %d others", made, len(c.read.list)-1)
	}
}

// TestLongLines: a line that is much longer than a READ is not decoded for each READ, while
// others read others.
func TestLongLines(t *testing.T) {
	var list []memlog.Entry
	for i := range 3 {
		list = append(list, memlog.Entry{Term: 1, Index: uint64(i + 1), Data: strings.Repeat(fmt.Sprint(i), largeEntry), File: fmt.Sprint(i)})
	}
	log, d := memlog.New("/var/lib/memory", list), newCountingDecoder()
	tree := New(log, d)
	var readers sync.WaitGroup
	for i := range list {
		readers.Go(func() {
			name := fmt.Sprint("jsonl/", i, linesSuffix)
			n, a, err := tree.walk("test", name, true)
			if err != nil {
				t.Error(err)
				return
			}
			var got []byte
			for off := int64(0); off < a.Size; off += pieceBytes {
				p := make([]byte, pieceBytes)
				k, _ := tree.ReadAt(n, p, off)
				got = append(got, p[:k]...)
			}
			if want := wantLines(t, log, log.Files()[i], d.Decoder); !bytes.Equal(got, want) {
				t.Errorf("%s: %d bytes, want %d", name, len(got), len(want))
			}
		})
	}
	readers.Wait()
	if n := d.asked.Load(); n > 2*int64(len(list)) {
		t.Errorf("%d entries were decoded, %d times", len(list), n)
	}
}

// failingSource is a log file of which the payloads of some entries cannot be read.
type failingSource struct {
	walcore.Source
	index uint64
	err   error
}

func (s failingSource) ReadPayload(e walcore.Entry, p []byte, off int64) error {
	if e.Index%5 == s.index {
		return s.err
	}
	return s.Source.ReadPayload(e, p, off)
}

// TestLinesOfUnreadable: an entry that cannot be read has no line, as dump prints none. If
// that may pass, there is no saying what the lines are.
func TestLinesOfUnreadable(t *testing.T) {
	for _, err := range []error{walcore.ErrDamaged, walcore.ErrNoKey, walcore.ErrKey, walcore.ErrDataKey} {
		log := manyLines(10)
		f := log.Files()[0]
		tree := New(log, newCountingDecoder())
		f.Source = failingSource{f.Source, 3, fmt.Errorf("somewhere: %w", err)}
		got := read(t, tree, "jsonl/a.jsonl")
		if n := bytes.Count(got, []byte("\n")); n != 8 || bytes.Contains(got, []byte(`{"index":3,`)) {
			t.Errorf("%v: %d lines: %s", err, n, got)
		}
	}
	for _, err := range []error{walcore.ErrChanged, errors.New("too many open files")} {
		log := manyLines(10)
		f := log.Files()[0]
		tree := New(log, newCountingDecoder())
		f.Source = failingSource{f.Source, 3, err}
		wantError(t, tree, "jsonl/a.jsonl", err)
	}
}

// TestLinesWithoutKey: without the key there are no lines, and stat and read agree.
func TestLinesWithoutKey(t *testing.T) {
	tree := openDir(t, fixture.Dir(t, "sealed128"), nil)
	if got := read(t, tree, "jsonl/00001.wal.jsonl"); len(got) > 0 {
		t.Errorf("%s", got)
	}
}

// fickleDecoder says something else each time.
type fickleDecoder struct{ countingDecoder }

func (d *fickleDecoder) AppendCompact(dst []byte, e payload.Entry) ([]byte, error) {
	return fmt.Appendf(dst, "%05d", d.asked.Add(1)), nil
}

// TestLinesThatChange: lines that are not those of which the size was told are no bytes of
// the file.
func TestLinesThatChange(t *testing.T) {
	tree := New(manyLines(10), &fickleDecoder{})
	n, a, err := tree.walk("test", "jsonl/a.jsonl", true)
	fixture.Must(t, err)
	tree.decoding.lines.packed = pieceList{}
	if k, err := tree.ReadAt(n, make([]byte, a.Size), 0); k > 0 || !errors.Is(err, walcore.ErrChanged) {
		t.Errorf("%d bytes, %v", k, err)
	}
	if _, err := tree.ReadAt(n, make([]byte, a.Size), 0); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("then: %v, want that the node is gone", err)
	}
	read(t, tree, "jsonl/a.jsonl") // it is another file now
}

// TestLinesFileWithoutNode: a log file whose id has no room in a node is not listed, and a
// look-up never leads to another one.
func TestLinesFileWithoutNode(t *testing.T) {
	log := memlog.Sample("/var/lib/memory")
	files := log.Files()
	files[1].ID = files[0].ID + maxFileID + 1
	tree := New(log, nil)
	list, err := fs.ReadDir(tree, "jsonl")
	if err != nil || len(list) != 1 || list[0].Name() != files[0].Name+linesSuffix {
		t.Errorf("jsonl/ lists %v, %v", list, err)
	}
	wantError(t, tree, "jsonl/"+files[1].Name+linesSuffix, walcore.ErrDamaged)
}
