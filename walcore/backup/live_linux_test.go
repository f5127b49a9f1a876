package backup_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/raftdir"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/backup"
)

// TestCompact: log files that end before the snapshot are not copied. With Compact, no file
// is of which the snapshot stands for all entries.
func TestCompact(t *testing.T) {
	for _, test := range []struct {
		snapshot       uint64
		plain, compact []string
	}{
		{150, []string{"00002.wal", "00003.wal", "wal.meta"}, []string{"00002.wal", "00003.wal", "wal.meta"}},
		{200, []string{"00002.wal", "00003.wal", "wal.meta"}, []string{"00003.wal", "wal.meta"}},
		{250, []string{"00003.wal", "wal.meta"}, []string{"wal.meta"}},
	} {
		w := raftdir.Create(filepath.Join(t.TempDir(), "w"), raftdir.Options{Slots: 100})
		w.Append(250)
		w.CommitTo(250)
		w.SnapshotOnly(test.snapshot)
		w.Close()
		for _, way := range ways {
			for _, compact := range []bool{false, true} {
				out, c, err := way.copy(t, t.Context(), open(t, w.Dir(), nil), backup.Options{Compact: compact})
				fixture.Must(t, err)
				fixture.Must(t, c.Log.Close())
				want := test.plain
				if compact {
					want = test.compact
				}
				if !slices.Equal(c.Files, want) {
					t.Errorf("%s, compact %t: %v, want %v", way.name, compact, c.Files, want)
				}
				checkNode(t, out, nil, c)
			}
		}
	}
}

// change is what a node does to its log of 34 entries in files of 12, with commit index 20,
// while that is copied.
type change struct {
	name string
	do   func(w *raftdir.Writer)
}

var changes = []change{
	{"appends", func(w *raftdir.Writer) { w.Append(1); w.CommitTo(w.Last) }},
	{"rotates", func(w *raftdir.Writer) { w.Append(5); w.CommitTo(w.Last) }},
	{"rewrites", func(w *raftdir.Writer) { w.Rewind(w.Commit); w.Append(8); w.CommitTo(w.Commit + 5) }},
	{"rewrites into an earlier file", func(w *raftdir.Writer) { w.Rewind(22); w.Append(9); w.CommitTo(30) }},
	{"compacts", func(w *raftdir.Writer) { w.CommitTo(34); w.Checkpoint(32); w.Snapshot(29); w.Append(3) }},
	{"empties", func(w *raftdir.Writer) { w.Empty(20) }},
}

// large is a log that takes several steps to copy.
func large(t *testing.T, o raftdir.Options) *raftdir.Writer {
	o.Slots, o.KeepKeyID, o.Large = 12, true, true
	w := raftdir.Create(filepath.Join(t.TempDir(), "w"), o)
	t.Cleanup(w.Close)
	w.Append(34)
	w.CommitTo(20)
	return w
}

// TestChangesWhileCopying lets the node change the log once, after the first, the second,
// … step of a copy. The copy is whole, of before or after. A stream fails if something of
// it is destroyed.
func TestChangesWhileCopying(t *testing.T) {
	for _, key := range fixture.Size([]string{""}, []string{"", "0123456789abcdef"}) {
		for _, way := range ways {
			for _, c := range changes {
				t.Run(way.name+"/"+c.name+"/key "+key, func(t *testing.T) {
					for step := fixture.Size(4, 1); step <= fixture.Size(4, 25); step += 12 {
						changeAt(t, way, c, key, step)
					}
				})
			}
		}
	}
}

// changeAt changes the log after a step, if there are so many.
func changeAt(t *testing.T, way way, c change, key string, step int) {
	w := large(t, raftdir.Options{Key: []byte(key)})
	steps := 0
	o := backup.Options{Progress: func(done, total int64) {
		if done > total {
			t.Errorf("%d of %d bytes", done, total)
		}
		if steps++; steps == step {
			c.do(w)
		}
	}}
	out, made, err := way.copy(t, t.Context(), open(t, w.Dir(), nil), o)
	if way.name == "stream" && errors.Is(err, walcore.ErrChanged) && c.name != "appends" && c.name != "rotates" {
		return
	}
	fixture.Must(t, err)
	fixture.Must(t, made.Log.Close())
	r := open(t, out, []byte(key))
	defer r.Close()
	for _, p := range r.Problems() {
		t.Error(p)
	}
	for e := range r.Entries(0) {
		data, err := e.Data()
		fixture.Must(t, err)
		if string(data) != string(raftdir.Payload(e.Index, e.Term)) && (len(data) > 0 || e.Index >= 20) {
			t.Fatalf("step %d: entry %d of term %d is wrong", step, e.Index, e.Term)
		}
	}
	checkNode(t, out, []byte(key), made)
	fixture.Must(t, os.RemoveAll(out))
}

// TestInterrupted: a copy that is interrupted leaves nothing.
func TestInterrupted(t *testing.T) {
	w := large(t, raftdir.Options{})
	for _, step := range []int{1, 2, 9} {
		for name, to := range map[string]func(context.Context, walcore.Log, string, backup.Options) (*backup.Copy, error){
			"out": backup.ToFolder, "out.tar": backup.ToTar,
		} {
			temp := t.TempDir()
			ctx, cancel := context.WithCancel(t.Context())
			o := backup.Options{Progress: func(int64, int64) {
				if step--; step == 0 {
					cancel()
				}
			}}
			if _, err := to(ctx, open(t, w.Dir(), nil), filepath.Join(temp, name), o); !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", name, err)
			}
			cancel()
			wantNames(t, temp)
			step = 1
		}
	}
}
