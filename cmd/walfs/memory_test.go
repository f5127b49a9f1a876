package main

import (
	"github.com/walfs/walfs/walcore/format"

	"github.com/walfs/walfs/walcore/dgraph"

	"encoding/base64"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/nativelog"
	"github.com/walfs/walfs/walcore/payload"
)

// held counts the bytes that the process still has a use for. They are the same
// on any machine, which what the machine has given it is not.
type held struct{ calls, every, most int }

// count does so at each so manyth call.
func (h *held) count() {
	if h.calls++; h.calls%h.every != 0 {
		return
	}
	runtime.GC()
	runtime.GC() // what a pool keeps goes with the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	h.most = max(h.most, int(m.HeapAlloc))
}

// Write lets dump print to it.
func (h *held) Write(p []byte) (int, error) {
	h.count()
	return len(p), nil
}

// TestDumpHolds: dump holds hardly more of a log that is many times as long.
// When a reader held 1 MiB a log file, that was 10 MiB for eleven.
func TestDumpHolds(t *testing.T) {
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
		out := &held{every: 8}
		o := dumpOptions{format: "json", follow: true, filter: filter{to: uint64(entries)}}
		if err := o.dumping(r, payload.NewDgraph(payload.Alpha, payload.Options{}), out).run(t.Context()); err != nil {
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
		t.Errorf("%d bytes are held for a log of %d files, %d for one of one", long, files, short)
	}
}

// appended gives so many lines of 64 KiB of data, a line a Read.
type appended struct {
	*held
	entries, given int
	data           string
	rest           *strings.Reader
}

func (a *appended) Read(p []byte) (int, error) {
	if a.rest.Len() == 0 {
		if a.given == a.entries {
			return 0, io.EOF
		}
		a.count()
		a.given++
		a.rest.Reset(fmt.Sprintf(`{"index":%d,"term":1,"type":0,"data":"%s"}`+"\n", a.given, a.data))
	}
	return a.rest.Read(p)
}

// TestAppendHolds a batch, however much is appended.
func TestAppendHolds(t *testing.T) {
	const size = 64 << 10
	most := func(entries int) int {
		in := &appended{held: &held{every: 16}, entries: entries, rest: strings.NewReader(""),
			data: base64.StdEncoding.EncodeToString(make([]byte, size))}
		var out strings.Builder
		dir := filepath.Join(t.TempDir(), "w")
		ok(t, "create", dir)
		if err := runAppend(t.Context(), &out, in, appendOptions{}, dir); err != nil {
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
		t.Errorf("%d bytes are held of %d batches, %d of one", all, many, one)
	}
}
