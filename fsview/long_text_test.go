//go:build unix

package fsview

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/memlog"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
)

// counting counts how often each large entry is decoded, and how many are at once.
type counting struct {
	payload.Decoder
	mu      sync.Mutex
	decoded map[uint64]int // by index
	now     atomic.Int32
	most    int32  // guarded by mu
	wait    func() // before an entry is decoded
}

func (c *counting) AppendJSON(dst []byte, e payload.Entry) ([]byte, error) {
	if len(e.Data) > largeEntry {
		c.mu.Lock()
		c.decoded[e.Index]++
		c.most = max(c.most, c.now.Add(1))
		c.mu.Unlock()
		defer c.now.Add(-1)
		c.wait()
	}
	return c.Decoder.AppendJSON(dst, e)
}

// most is how often an entry was decoded at most.
func (c *counting) mostOften() (most int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range c.decoded {
		most = max(most, n)
	}
	return most
}

// treeOf is the tree of a log with these payloads, whose decoder counts.
func treeOf(payloads ...[]byte) (*Tree, *counting) {
	var entries []memlog.Entry
	for i, data := range payloads {
		entries = append(entries, memlog.Entry{Term: 1, Index: uint64(i + 1), Data: string(data), File: "log"})
	}
	c := &counting{Decoder: payload.NewDgraph(payload.Alpha, payload.Options{}), decoded: map[uint64]int{}, wait: func() {}}
	return New(memlog.New("log", entries), c), c
}

// wantText is the text of a payload.
func wantText(index uint64, data []byte) []byte {
	text, _ := payload.NewDgraph(payload.Alpha, payload.Options{}).AppendJSON(nil, payload.Entry{Term: 1, Index: index, Data: data})
	return text
}

func decodedNode(t *testing.T, tree *Tree, index int) (Node, Attr) {
	t.Helper()
	n, a, err := tree.walk("test", fmt.Sprintf("decoded/%d.json", index), true)
	fixture.Must(t, err)
	return n, a
}

// TestLongTextIsMadeOnce: however many read two long texts in turns, each is made once.
func TestLongTextIsMadeOnce(t *testing.T) {
	fixture.NotForRace(t)
	mib := fixture.Size(1, 8)
	payloads := [][]byte{fixture.Mutation(1, mib<<20), fixture.Mutation(mib*4000, 100)}
	want := [][]byte{wantText(1, payloads[0]), wantText(2, payloads[1])}
	for _, readers := range []int{2, 64} {
		tree, counts := treeOf(payloads...)
		buf := make([]byte, 128<<10)
		for off := 0; off < max(len(want[0]), len(want[1])); off += len(buf) {
			for i := range readers {
				text := want[i%2]
				n, a := decodedNode(t, tree, i%2+1)
				if a.Size != int64(len(text)) {
					t.Fatalf("size %d, want %d", a.Size, len(text))
				}
				k, err := tree.ReadAt(n, buf, int64(off))
				if !bytes.Equal(buf[:k], text[min(off, len(text)):min(off+len(buf), len(text))]) || err != nil && err != io.EOF {
					t.Fatalf("%d bytes at %d: %v", k, off, err)
				}
			}
		}
		if n := counts.mostOften(); n != 1 {
			t.Errorf("%d readers: a text was made %d times", readers, n)
		}
	}
}

// TestLongTextsAreMadeOneAtATime: who asks for a text that is being made waits for it, and
// for one of another entry, too.
func TestLongTextsAreMadeOneAtATime(t *testing.T) {
	var payloads, want [][]byte
	for i := range 4 {
		payloads = append(payloads, fixture.Mutation(1, 2*largeEntry))
		want = append(want, wantText(uint64(i+1), payloads[i]))
	}
	tree, counts := treeOf(payloads...)
	var wg, started sync.WaitGroup
	started.Add(64)
	counts.wait = started.Wait
	for i := range 64 {
		wg.Go(func() {
			started.Done()
			name := fmt.Sprintf("decoded/%d.json", i%4+1)
			if got, err := fs.ReadFile(tree, name); err != nil || !bytes.Equal(got, want[i%4]) {
				t.Errorf("%s: %d bytes (%v)", name, len(got), err)
			}
		})
	}
	wg.Wait()
	if n := counts.mostOften(); n != 1 || counts.most != 1 {
		t.Errorf("a text was made %d times, %d at once", n, counts.most)
	}
}

// TestManyLongTexts: texts that are more than the cache holds are made again, but not for
// each read, and the cache keeps its bound.
func TestManyLongTexts(t *testing.T) {
	fixture.NotForRace(t)
	const size, texts = 4 << 20, 14
	much := fixture.Size(readPiece, size)
	data := fixture.Mutation(1, size)
	payloads := make([][]byte, texts)
	for i := range payloads {
		payloads[i] = data
	}
	tree, counts := treeOf(payloads...)
	var files []fs.File
	var want [][]byte
	for i := range texts {
		want = append(want, wantText(uint64(i+1), data))
		f, err := tree.Open(fmt.Sprintf("decoded/%d.json", i+1))
		fixture.Must(t, err)
		files = append(files, f)
	}
	buf := make([]byte, 32<<10)
	for off := 0; off < much; off += len(buf) {
		for i, f := range files {
			if _, err := io.ReadFull(f, buf); err != nil || !bytes.Equal(buf, want[i][off:off+len(buf)]) {
				t.Fatalf("text %d at %d: %v", i+1, off, err)
			}
			if kept := tree.decoding.cache.bytes; kept > maxCached {
				t.Fatalf("%d bytes are kept", kept)
			}
		}
	}
	if n := counts.mostOften(); n > 1+much/readPiece {
		t.Errorf("a text was made %d times for %d bytes of it", n, much)
	}
}

// TestMemoryForLongText: making a text takes the payload, the text, and little more, and
// grows with the payload and not faster.
func TestMemoryForLongText(t *testing.T) {
	fixture.NotForRace(t)
	for _, mib := range fixture.Size([]int{1, 2, 4}, []int{4, 16, 63}) {
		data := fixture.Mutation(1, mib<<20)
		tree, _ := treeOf(data)
		allocated := fixture.Allocated(func() { decodedNode(t, tree, 1) })
		if most := len(data)*9/4 + 256<<10; allocated > most {
			t.Errorf("%d MiB: %d bytes allocated, want at most %d", mib, allocated, most)
		}
	}
}

// TestListingLargeEntries: a list decodes no large entry, and has the sizes that are known.
func TestListingLargeEntries(t *testing.T) {
	data := fixture.Mutation(1, 2*largeEntry)
	tree, counts := treeOf(data, fixture.Mutation(1, 10), data)
	decodedNode(t, tree, 3)
	listed := func() (sizes []int64) {
		fixture.Must(t, tree.List(node(kindFolder, folderDecoded), 0, func(d Dirent) bool {
			size := int64(-1)
			if d.Attr != nil {
				size = d.Attr.Size
			}
			sizes = append(sizes, size)
			return true
		}))
		return sizes
	}
	small, large := int64(len(wantText(2, fixture.Mutation(1, 10)))), int64(len(wantText(3, data)))
	if got, want := fmt.Sprint(listed()), fmt.Sprint([]int64{-1, small, large}); got != want || counts.decoded[1] != 0 {
		t.Errorf("sizes %s, want %s, and it was decoded %d times", got, want, counts.decoded[1])
	}
	list, err := fs.ReadDir(tree, "decoded")
	fixture.Must(t, err)
	for i := range list {
		text := read(t, tree, "decoded/"+list[i].Name())
		if info, err := list[i].Info(); err != nil || info.Size() != int64(len(text)) {
			t.Errorf("%s is listed with %v, has %d (%v)", list[i].Name(), info, len(text), err)
		}
	}
	if got, want := fmt.Sprint(listed()), fmt.Sprint([]int64{large, small, large}); got != want || counts.mostOften() != 1 {
		t.Errorf("sizes %s, want %s, decoded %v", got, want, counts.decoded)
	}
}

// TestSizesAreBounded: sizes are remembered of many texts, not of all.
func TestSizesAreBounded(t *testing.T) {
	var s sizeTable
	for n := range Node(10 * maxSizes) {
		s.put(n, int64(n))
		if size, ok := s.get(n); !ok || size != int64(n) {
			t.Fatalf("%d has %d, %v", n, size, ok)
		}
	}
	if len(s.newer)+len(s.older) > 2*maxSizes {
		t.Errorf("%d sizes are kept", len(s.newer)+len(s.older))
	}
}

// TestStoreText: a cache of the caller's gets a text once, from where it is read on.
func TestStoreText(t *testing.T) {
	fixture.NotForRace(t)
	data := fixture.Mutation(1, 5<<20)
	tree, counts := treeOf(data, data)
	want := wantText(1, data)
	n, a := decodedNode(t, tree, 1)
	other, _ := decodedNode(t, tree, 2)
	store := func(off int64) (got []string) {
		tree.StoreText(n, off, func(off int64, piece []byte) bool {
			if !bytes.Equal(piece, want[off:off+int64(len(piece))]) {
				t.Errorf("other bytes at %d", off)
			}
			got = append(got, fmt.Sprint(off, len(piece)))
			return true
		})
		return got
	}
	for _, test := range []struct {
		off  int64
		want []string
	}{
		{3 << 20, []string{"2097152 2097152", fmt.Sprint("4194304 ", a.Size-4<<20)}},
		{5 << 20, nil},
		{100 << 20, nil},
		{10, []string{"0 2097152"}},
		{0, nil},
	} {
		if got := store(test.off); fmt.Sprint(got) != fmt.Sprint(test.want) {
			t.Errorf("from %d: %v, want %v", test.off, got, test.want)
		}
	}
	// It is the first to go, though the other one was not read for longer.
	tree.ReadAt(n, make([]byte, 1), 0)
	store(0)
	if last := tree.decoding.cache.order.Back().Value.(*cachedText).node; last != n || n == other {
		t.Errorf("node %#x goes first, want %#x", uint64(last), uint64(n))
	}
	if counts.mostOften() != 1 {
		t.Errorf("decoded %v", counts.decoded)
	}
}

// TestTooLarge: what is too large to be decoded has a text that says so, in the size that
// is told.
func TestTooLarge(t *testing.T) {
	fixture.NotForRace(t)
	log := memlog.New("log", []memlog.Entry{{Term: 1, Index: 1, Data: strings.Repeat("x", payload.MaxData+1), File: "log"}})
	*log.Meta().Snapshot = walcore.Snapshot{Index: 1, Term: 1,
		Stored: walcore.Section{Size: payload.MaxData + 10}, Data: walcore.Section{Size: payload.MaxData + 1}}
	tree := New(log, nil)
	for name, want := range map[string]string{
		"decoded/1.json":                "{\n  \"term\": 1,\n  \"index\": 1,\n  \"type\": \"EntryNormal\",\n  \"size\": 67108865,\n  \"not_decoded\": \"more than 64 MiB: walfs cat DIR entries/1 gives the bytes\"\n}\n",
		"snapshots/latest/decoded.json": "{\n  \"size\": 67108865,\n  \"not_decoded\": \"more than 64 MiB: walfs cat DIR snapshots/latest/data gives the bytes\"\n}\n",
	} {
		var text []byte
		allocated := fixture.Allocated(func() { text = read(t, tree, name) })
		if string(text) != want || allocated > 1<<20 {
			t.Errorf("%s, with %d bytes allocated: %s", name, allocated, text)
		}
	}
}
