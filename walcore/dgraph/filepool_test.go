//go:build unix

package dgraph

import (
	"errors"
	"io/fs"
	"path/filepath"
	"reflect"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/raftdir"
	"github.com/walfs/walfs/walcore"
)

// fewAtATime is a directory of wal.meta and twelve log files in memory, of which no more
// than most can be open at the same time.
func fewAtATime(t *testing.T, most int) (*limitedMemory, *filePool) {
	t.Helper()
	onceManyFiles.Do(func() {
		dir := filepath.Join(t.TempDir(), "w")
		w := raftdir.Create(dir, raftdir.Options{Slots: 3})
		w.Append(35)
		w.CommitTo(30)
		w.Close()
		manyInMemory.take(t, dir)
	})
	m := &limitedMemory{most: most}
	m.attr, m.files = manyInMemory.attr, map[string]*memoryFile{}
	for name, f := range manyInMemory.files {
		copied := *f
		m.files[name] = &copied
	}
	return m, newFilePool(most)
}

var (
	onceManyFiles sync.Once
	manyInMemory  memory
)

// closeFirst reads log files until the first one is closed to make room.
func closeFirst(t *testing.T, r *Reader) {
	t.Helper()
	for _, n := range r.Native()[1:] {
		_, err := n.ReadAt(make([]byte, 1), 0)
		fixture.Must(t, err)
	}
	if findNative(r.native, "00001.wal").f.(*pooledFile).open != nil {
		t.Fatal("00001.wal is still open")
	}
}

// limitedMemory is a directory in memory with a limit of open files, as a process has one.
type limitedMemory struct {
	memory
	most int
	now  atomic.Int32
	ever atomic.Int32 // how many were open at the same time
}

func (m *limitedMemory) OpenAgain() (directory, error) { return m, nil }

func (m *limitedMemory) Open(name string) (file, error) {
	n := m.now.Add(1)
	if int(n) > m.most {
		m.now.Add(-1)
		return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.EMFILE}
	}
	for ever := m.ever.Load(); n > ever && !m.ever.CompareAndSwap(ever, n); ever = m.ever.Load() {
	}
	m.mu.Lock() // the pool opens files at the same time
	defer m.mu.Unlock()
	f := m.files[name]
	if f == nil {
		m.now.Add(-1)
		return nil, fs.ErrNotExist
	}
	return &limitedFile{openMemory{memoryFile: f, in: &m.memory}, m}, nil
}

type limitedFile struct {
	openMemory
	in *limitedMemory
}

func (f *limitedFile) Close() error {
	if f.closed {
		return fs.ErrClosed
	}
	f.closed = true
	f.in.now.Add(-1)
	return nil
}

func openPooled(t *testing.T, m directory, p *filePool) *Reader {
	t.Helper()
	r, err := openReader(pooledDirectory{m, p}, "w", ReaderOptions{})
	fixture.Must(t, err)
	t.Cleanup(func() { r.Close() })
	return r
}

// TestFewDescriptors: with few descriptors a reader gives what it gives with many. The
// pool takes no more than it may, and does with fewer where there are fewer.
func TestFewDescriptors(t *testing.T) {
	m, p := fewAtATime(t, 1000)
	want := outcomeOf(openPooled(t, m, p))
	if len(want.payloads) != 35 || len(want.problems) > 0 || m.ever.Load() != 13 {
		t.Fatalf("with enough: %d payloads, problems %v, %d files open", len(want.payloads), want.problems, m.ever.Load())
	}
	for _, test := range []struct{ pool, limit int }{{5, 1000}, {1, 1000}, {1000, 7}, {1000, 1}} {
		m, p = fewAtATime(t, test.limit)
		p.most = test.pool
		r := openPooled(t, m, p)
		if got := outcomeOf(r); !reflect.DeepEqual(got, want) {
			t.Errorf("%+v: %d payloads, want %d; problems %v, %v", test, len(got.payloads), len(want.payloads), got.problems, got.err)
		}
		if most := min(test.pool, test.limit); int(m.ever.Load()) != most {
			t.Errorf("%+v: %d files were open at the same time", test, m.ever.Load())
		}
		next, err := r.refresh()
		if err != nil || next != r {
			t.Errorf("%+v: nothing has changed, and there is another reader: %v", test, err)
		}
		fixture.Must(t, r.Close())
		if now := m.now.Load(); now != 0 || p.open != 0 || p.listed.Len() != 0 {
			t.Errorf("%+v: %d files are left open; the pool has %d, %d of them listed", test, now, p.open, p.listed.Len())
		}
	}
}

// TestFewDescriptorsAtOnce: many goroutines read through a pool of one or two files.
func TestFewDescriptorsAtOnce(t *testing.T) {
	for _, most := range []int{1, 2} {
		m, p := fewAtATime(t, most)
		r := openPooled(t, m, p)
		var wait sync.WaitGroup
		for k := range 8 {
			wait.Go(func() {
				for e := range r.Entries(uint64(k * 4)) {
					if _, err := e.Data(); err != nil {
						t.Errorf("entry %d: %v", e.Index, err)
						return
					}
				}
			})
		}
		wait.Wait()
	}
}

// TestNoDescriptor: where no file can be opened, that is no damage.
func TestNoDescriptor(t *testing.T) {
	m, p := fewAtATime(t, 0)
	r, err := openReader(pooledDirectory{m, p}, "w", ReaderOptions{})
	if r != nil || !errors.Is(err, syscall.EMFILE) || errors.Is(err, walcore.ErrDamaged) {
		t.Fatalf("without descriptors: a reader (%t), %v", r != nil, err)
	}

	// Somebody else takes them all, after the directory was opened.
	m, p = fewAtATime(t, 3)
	r = openPooled(t, m, p)
	want := outcomeOf(openPooled(t, m, p))
	first, err := r.Entry(1)
	fixture.Must(t, err)
	closeFirst(t, r)
	m.most = 0
	if _, err := first.Data(); !errors.Is(err, syscall.EMFILE) {
		t.Errorf("reading an entry without descriptors: %v", err)
	}
	r.Problems() // whatever it says now
	if _, err := r.refresh(); !errors.Is(err, syscall.EMFILE) {
		t.Errorf("refreshing without descriptors: %v", err)
	}
	m.most = 3
	next, err := r.refresh()
	fixture.Must(t, err)
	if got := outcomeOf(next); !reflect.DeepEqual(got, want) {
		t.Errorf("with descriptors again: %d payloads, want %d; problems %v, %v", len(got.payloads), len(want.payloads), got.problems, got.err)
	}
}

// TestReplacedWhileClosed: a file that was closed to make room is not opened again if
// another one has its name, be it with the same inode number.
func TestReplacedWhileClosed(t *testing.T) {
	for name, replace := range map[string]func(f *memoryFile) *memoryFile{
		"deleted":                  func(*memoryFile) *memoryFile { return nil },
		"another inode":            func(f *memoryFile) *memoryFile { f.attr.Inode += 1 << 32; return f },
		"another file system":      func(f *memoryFile) *memoryFile { f.attr.Dev++; return f },
		"the inode number of it":   func(f *memoryFile) *memoryFile { f.attr.Born = f.attr.Born.Add(time.Second); return f },
		"written to, which is all": func(f *memoryFile) *memoryFile { f.attr.Mtime = f.attr.Mtime.Add(time.Second); return f },
	} {
		t.Run(name, func(t *testing.T) {
			m, p := fewAtATime(t, 3)
			for _, f := range m.files {
				f.attr.Born = f.attr.Mtime.Add(-time.Minute)
			}
			r := openPooled(t, m, p)
			e, err := r.Entry(1)
			fixture.Must(t, err)
			closeFirst(t, r)
			n := *findNative(r.native, "00001.wal")
			copied := *m.files["00001.wal"]
			if f := replace(&copied); f != nil {
				m.files["00001.wal"] = f
			} else {
				delete(m.files, "00001.wal")
			}
			_, err = e.Data()
			_, statErr := n.f.Stat()
			if name == "written to, which is all" {
				if err != nil || statErr != nil {
					t.Errorf("the same file: %v, %v", err, statErr)
				}
				return
			}
			if !errors.Is(err, walcore.ErrChanged) || errors.Is(err, fs.ErrNotExist) || statErr == nil {
				t.Errorf("reading gives %v, Stat %v; want that it has changed", err, statErr)
			}
		})
	}
}

// TestSameFile: without creation times only the inode tells files apart.
func TestSameFile(t *testing.T) {
	at := func(born, mtime int64) walcore.Attr {
		return walcore.Attr{Dev: 1, Inode: 2, Born: time.Unix(born, 0), Mtime: time.Unix(mtime, 0)}
	}
	for _, test := range []struct {
		a, b walcore.Attr
		same bool
	}{
		{at(1, 5), at(1, 9), true},
		{at(1, 5), at(2, 9), false},
		{at(5, 5), at(9, 9), true}, // none is kept
		{at(5, 5), at(6, 9), false},
		{at(1, 5), walcore.Attr{Dev: 1, Inode: 3, Born: time.Unix(1, 0)}, false},
	} {
		if got := sameFile(test.a, test.b); got != test.same {
			t.Errorf("%v, %v: the same file %t", test.a, test.b, got)
		}
	}
}
