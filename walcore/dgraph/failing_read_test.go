//go:build unix

package dgraph

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/walfs/walfs/test/child"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/nativelog"
	"github.com/walfs/walfs/test/raftdir"
	"github.com/walfs/walfs/walcore"
)

// change is a step in a directory's life.
type change func()

// lives are directories and what happens to them while they are followed.
func lives(t *testing.T) map[string]func(dir string) (ReaderOptions, []change) {
	key := []byte("0123456789abcdef")
	written := func(o raftdir.Options) func(dir string) (ReaderOptions, []change) {
		return func(dir string) (ReaderOptions, []change) {
			o.Slots = 4
			w := raftdir.Create(dir, o)
			t.Cleanup(w.Close)
			return ReaderOptions{Key: o.Key}, []change{
				func() { w.Append(6); w.CommitTo(3) },
				func() { w.Append(1) },
				func() { w.Rewind(5); w.Append(6) },
				func() { w.CommitTo(8); w.Empty(7) },
				func() { w.Snapshot(7) },
			}
		}
	}
	return map[string]func(dir string) (ReaderOptions, []change){
		"plain":     written(raftdir.Options{}),
		"encrypted": written(raftdir.Options{Key: key, KeepKeyID: true, NewDataKey: 1}),
		"with checksums": func(dir string) (ReaderOptions, []change) {
			s, err := OpenWriter(dir, WriterOptions{Create: true, Checksums: true})
			fixture.Must(t, err)
			t.Cleanup(func() { s.Close() })
			return ReaderOptions{}, []change{
				func() { fixture.Must(t, s.Save(nil, entriesFrom(1, 5), nil)) },
				func() { fixture.Must(t, s.Save(nil, entriesFrom(4, 3), nil)); fixture.Must(t, s.SetCheckpoint(2)) },
			}
		},
	}
}

// moment is a directory in memory at one moment, and all that it gives.
type moment struct {
	memory
	whole outcome
}

// outcome is what a reader gives of a directory.
type outcome struct {
	entries  map[uint64]walcore.Entry // without their files
	payloads map[uint64][]byte
	problems []walcore.Problem
	hard     walcore.HardState
	err      error // the first one that an entry's payload gives
}

func outcomeOf(r *Reader) outcome {
	o := outcome{entries: map[uint64]walcore.Entry{}, payloads: map[uint64][]byte{}}
	var s walcore.Scanner
	for e := range r.Entries(0) {
		data, err := e.Data()
		scanned, scanErr := s.Data(&e)
		if err == nil && scanErr == nil && !bytes.Equal(data, scanned) {
			err = fmt.Errorf("entry %d: the scanner reads other bytes", e.Index)
		}
		if o.err = errors.Join(o.err, err, scanErr); err == nil {
			o.payloads[e.Index] = data
		}
		e.File = nil
		o.entries[e.Index] = e
	}
	o.problems = r.Problems()
	if hs := r.Meta().HardState; hs != nil {
		o.hard = *hs
	}
	return o
}

// less reports whether o gives less than want: it fails the test where it gives
// anything else.
func (o outcome) less(t *testing.T, want outcome) bool {
	t.Helper()
	for index, e := range o.entries {
		if e != want.entries[index] {
			t.Fatalf("entry %+v, want %+v", e, want.entries[index])
		}
	}
	for index, data := range o.payloads {
		if !bytes.Equal(data, want.payloads[index]) {
			t.Fatalf("entry %d: other bytes than those that were written", index)
		}
	}
	if o.hard != (walcore.HardState{}) && o.hard != want.hard {
		t.Fatalf("hard state %+v, want %+v", o.hard, want.hard)
	}
	return len(o.payloads) < len(want.payloads) || o.hard != want.hard
}

// TestFailingCall lets each call fail that reading and following a directory makes
// of its files, one after the other. Nothing but what was written is ever shown,
// and where anything is not shown, an error or a problem says so.
func TestFailingCall(t *testing.T) {
	for name, life := range lives(t) {
		dir := filepath.Join(t.TempDir(), "w")
		opts, changes := life(dir)
		var states []*moment
		for _, change := range changes {
			change()
			s := &moment{}
			s.take(t, dir)
			r, err := openReader(&s.memory, "w", opts)
			fixture.Must(t, err)
			s.whole = outcomeOf(r)
			fixture.Must(t, r.Close())
			states = append(states, s)
		}
		for _, mode := range []struct {
			name string
			fail func(k int) func(call int, read bool) error
		}{
			{"one call fails", func(k int) func(int, bool) error {
				return func(call int, _ bool) error { return errorIf(call == k, errDisk) }
			}},
			{"all fail from one on", func(k int) func(int, bool) error {
				return func(call int, _ bool) error { return errorIf(call >= k, errDisk) }
			}},
			{"one read is short", func(k int) func(int, bool) error {
				return func(call int, read bool) error { return errorIf(read && call == k, io.EOF) }
			}},
		} {
			t.Run(name+", "+mode.name, func(t *testing.T) {
				t.Parallel()
				k, step := 1, 1
				if child.Race {
					step = 9
				}
				for followFailing(t, opts, states, mode.fail(k)) >= k {
					k += step
				}
				if k < 50 {
					t.Errorf("there were only %d calls", k-1)
				}
			})
		}
	}
}

func errorIf(yes bool, err error) error {
	if yes {
		return err
	}
	return nil
}

// followFailing opens a directory, and follows it from state to state. It gives
// the number of calls.
func followFailing(t *testing.T, opts ReaderOptions, states []*moment, fail func(call int, read bool) error) int {
	t.Helper()
	m := &memory{fail: fail, open: 1}
	m.become(states[0])
	defer func() {
		if m.open != 0 {
			t.Errorf("%d files are left open", m.open)
		}
	}()
	r, err := openReader(m, "w", opts)
	if err != nil {
		return m.calls
	}
	defer func() { r.Close() }()
	shown := states[0]
	for _, state := range states {
		m.become(state)
		next, err := r.refresh()
		if err == nil {
			r, shown = next, state
		}
		got, want := outcomeOf(r), shown.whole
		if got.less(t, want) && err == nil && got.err == nil && reflect.DeepEqual(got.problems, want.problems) {
			t.Fatalf("call %d: %d of %d payloads, and no word of it", m.calls, len(got.payloads), len(want.payloads))
		}
	}
	return m.calls
}

// become makes m hold what state holds.
func (m *memory) become(state *moment) {
	byInode := map[uint64]*memoryFile{}
	for _, f := range m.files {
		byInode[f.attr.Inode] = f
	}
	m.attr, m.files = state.attr, map[string]*memoryFile{}
	for name, f := range state.files {
		if byInode[f.attr.Inode] == nil {
			byInode[f.attr.Inode] = &memoryFile{}
		}
		*byInode[f.attr.Inode] = *f
		m.files[name] = byInode[f.attr.Inode]
	}
}

// TestFailingWindow: a window that cannot be read gives nothing of the one before
// it, which has entries of the same lengths.
func TestFailingWindow(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "w")
	const n, size = 60, 1000
	fixture.Must(t, nativelog.Write(dir, nativelog.Meta{Term: 1, Commit: n}, func(yield func(nativelog.Entry) bool) {
		for i := uint64(1); i <= n && yield(nativelog.Entry{Term: 1, Index: i, Data: bytes.Repeat([]byte{byte(i)}, size)}); i++ {
		}
	}))
	m := &memory{open: 1}
	m.take(t, dir)
	r, err := openReader(m, "w", ReaderOptions{})
	fixture.Must(t, err)
	defer r.Close()
	entries := slices.Collect(r.Entries(1))
	for k, more := 1, true; more; k++ {
		m.calls, m.fail = 0, func(call int, _ bool) error { return errorIf(call == k, errDisk) }
		var s walcore.Scanner
		for _, e := range slices.Backward(entries) { // each begins a new window
			data, err := s.Data(&e)
			if err == nil && !bytes.Equal(data, bytes.Repeat([]byte{byte(e.Index)}, size)) {
				t.Fatalf("call %d fails: entry %d has other bytes", k, e.Index)
			}
		}
		more = m.calls >= k
	}
	m.fail = nil
}
