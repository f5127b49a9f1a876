//go:build unix

package dgraph

import (
	"fmt"
	"testing"
	"time"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/nativelog"
	"github.com/walfs/walfs/walcore"
)

// idleLog is a directory in memory of n log files of an entry each. Nothing in it
// changes unless a test does that.
func idleLog(t *testing.T, n int) *lookedAtMemory {
	t.Helper()
	m := &lookedAtMemory{looked: map[string]int{}}
	dir := t.TempDir() + "/w"
	fixture.Must(t, nativelog.Write(dir, nativelog.Meta{RaftID: 1, GroupID: 1, Term: 1, Commit: 1}, func(yield func(nativelog.Entry) bool) {
		yield(nativelog.Entry{Term: 1, Index: 1, Data: []byte("data")})
	}))
	m.take(t, dir)
	first := m.files["00001.wal"]
	for id := 2; id <= n; id++ {
		f := *first
		f.attr.Inode += uint64(id) << 32
		f.bytes = append([]byte(nil), first.bytes[:64]...)
		f.bytes[15] = byte(id) // the slot's index
		f.bytes[14] = byte(id >> 8)
		m.files[fmt.Sprintf("%05d.wal", id)] = &f
	}
	return m
}

// lookedAtMemory counts how often each file was looked at.
type lookedAtMemory struct {
	memory
	looked map[string]int
}

func (m *lookedAtMemory) Open(name string) (file, error) {
	f, err := m.memory.Open(name)
	if err != nil {
		return nil, err
	}
	return lookedAtFile{f, m, name}, nil
}

type lookedAtFile struct {
	file
	in   *lookedAtMemory
	name string
}

func (f lookedAtFile) Stat() (walcore.Attr, error) {
	f.in.mu.Lock()
	f.in.looked[f.name]++
	f.in.mu.Unlock()
	return f.file.Stat()
}

// TestGlance: a glance looks at few files, whatever their number is, and after
// glancesAround of them each was looked at. What changes in an older file is seen by
// then, and by Refresh at once.
func TestGlance(t *testing.T) {
	fixture.NotForRace(t)
	const n = 320
	m := idleLog(t, n)
	r, err := openReader(m, "w", ReaderOptions{})
	fixture.Must(t, err)
	defer func() { r.Close() }()
	if got := walcore.Count(r); got != n {
		t.Fatalf("%d entries, want %d", got, n)
	}
	clear(m.looked)
	for range glancesAround {
		before := m.calls
		next, err := r.glance()
		if err != nil || next != r {
			t.Fatalf("a new reader (%t) where nothing has changed, %v", next != r, err)
		}
		// the folder, wal.meta, the file system, the newest slot; the newest files; the others
		if calls := m.calls - before; calls > 4+activeFiles+n/glancesAround+1 {
			t.Fatalf("a glance at %d files makes %d calls", n, calls)
		}
	}
	for id := 1; id <= n; id++ {
		name := fmt.Sprintf("%05d.wal", id)
		if k := m.looked[name]; k == 0 || k > 1 && id <= n-activeFiles {
			t.Errorf("%s was looked at %d times", name, k)
		}
	}

	for _, test := range []struct {
		name   string
		look   func() (*Reader, error)
		within int
	}{
		{"00001.wal", func() (*Reader, error) { return r.glance() }, glancesAround},
		{"00300.wal", func() (*Reader, error) { return r.glance() }, glancesAround},
		{"00300.wal", func() (*Reader, error) { return r.refresh() }, 1},
		{"00320.wal", func() (*Reader, error) { return r.glance() }, 1},
		{"00317.wal", func() (*Reader, error) { return r.glance() }, 1},
	} {
		for what, change := range map[string]func(a *walcore.Attr){
			"mtime": func(a *walcore.Attr) { a.Mtime = a.Mtime.Add(time.Second) },
			"size":  func(a *walcore.Attr) { a.Size += 4096 },
		} {
			change(&m.files[test.name].attr)
			seen := 0
			for k := 1; k <= test.within && seen == 0; k++ {
				next, err := test.look()
				fixture.Must(t, err)
				if next != r {
					r, seen = next, k
				}
			}
			if seen == 0 {
				t.Errorf("%s: another %s is not seen within %d looks", test.name, what, test.within)
			}
		}
	}
}
