package main

import (
	"encoding/base64"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/nativelog"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/format"
	"github.com/walfs/walfs/walcore/payload"
)

// heapMeter measures the heap: the bytes that are still in use once the garbage
// collector has run. They are the same on any machine; what the process has got
// from the machine is not.
type heapMeter struct{ calls, every, most int }

// measure does so once every so many calls.
func (h *heapMeter) measure() {
	if h.calls++; h.calls%h.every != 0 {
		return
	}
	runtime.GC()
	runtime.GC() // a sync.Pool keeps its content for one more
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	h.most = max(h.most, int(m.HeapAlloc))
}

// Write makes it dump's stdout.
func (h *heapMeter) Write(p []byte) (int, error) {
	h.measure()
	return len(p), nil
}

// TestDumpMemory: dump takes hardly more memory for a log that is many times as
// long: at most a quarter of a MiB for each further log file, whose slots have 1 MiB.
func TestDumpMemory(t *testing.T) {
	fixture.NotForRace(t)
	files := fixture.Size(4, 11)
	most := func(entries int) int {
		dir := filepath.Join(t.TempDir(), "w")
		err := nativelog.Write(dir, nativelog.Meta{Term: 1, Commit: uint64(entries)}, func(yield func(nativelog.Entry) bool) {
			data := make([]byte, 100)
			for i := range entries {
				if !yield(nativelog.Entry{Term: 1, Index: uint64(i + 1), Data: data[:i%len(data)]}) {
					return
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		r, err := dgraph.OpenReader(dir, dgraph.ReaderOptions{})
		if err != nil {
			t.Fatal(err)
		}
		out := &heapMeter{every: 8}
		o := dumpOptions{format: "json", follow: true, filter: filterOf(t, fmt.Sprintf("--to %d", entries))}
		if err := newDumper(&o, r, payload.NewDgraph(payload.Alpha, payload.Options{}), out).run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if out.most == 0 {
			t.Fatalf("%d writes only", out.calls)
		}
		return out.most
	}
	short, long := most(format.SlotsPerFile), most(files*format.SlotsPerFile)
	t.Logf("%d bytes for a file, %d for %d files", short, long, files)
	if long > short+(files-1)<<18 {
		t.Errorf("%d bytes in use for a log of %d files, %d for one of one", long, files, short)
	}
}

// manyLines is append's stdin: so many lines, each an entry of 64 KiB.
type manyLines struct {
	*heapMeter
	entries, given int
	data           string
	rest           *strings.Reader
}

func (a *manyLines) Read(p []byte) (int, error) {
	if a.rest.Len() == 0 {
		if a.given == a.entries {
			return 0, io.EOF
		}
		a.measure()
		a.given++
		a.rest.Reset(fmt.Sprintf(`{"index":%d,"term":1,"type":0,"data":"%s"}`+"\n", a.given, a.data))
	}
	return a.rest.Read(p)
}

// TestAppendMemory: append holds a batch, however many entries come.
func TestAppendMemory(t *testing.T) {
	const size = 64 << 10
	most := func(entries int) int {
		in := &manyLines{heapMeter: &heapMeter{every: 16}, entries: entries, rest: strings.NewReader(""),
			data: base64.StdEncoding.EncodeToString(make([]byte, size))}
		var out strings.Builder
		dir := filepath.Join(t.TempDir(), "w")
		ok(t, "create", dir)
		if err := runAppend(t.Context(), appendOptions{}, []string{dir}, in, &out); err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("appended %d entries, 1 to %[1]d", entries); !strings.Contains(out.String(), want) {
			t.Fatalf("%q, want %q", out.String(), want)
		}
		return in.most
	}
	const batch = batchBytes / size
	many := fixture.Size(4, 24) // batches
	one, all := most(batch), most(many*batch)
	t.Logf("%d bytes for a batch, %d for %d", one, all, many)
	if all > one+2*batchBytes {
		t.Errorf("%d bytes in use for %d batches, %d for one", all, many, one)
	}
}
