//go:build unix

package check_test

import (
	"context"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/raftdir"
	"github.com/walfs/walfs/walcore/check"
	"github.com/walfs/walfs/walcore/dgraph"
)

// TestWhileWritten: a directory in which a node appends, rewrites what was not committed,
// starts new files and removes old ones is sound, whenever it is checked. Once the writer
// has stopped, the report is as of the end.
func TestWhileWritten(t *testing.T) {
	for name, key := range map[string][]byte{"plain": nil, "encrypted": []byte("0123456789abcdef")} {
		t.Run(name, func(t *testing.T) {
			w := raftdir.Create(filepath.Join(t.TempDir(), "w"), raftdir.Options{Slots: 300, Key: key, KeepKeyID: true})
			defer w.Close()
			w.Append(500)
			ctx, stop := context.WithCancel(t.Context())
			var writing sync.WaitGroup
			writing.Go(func() { churn(ctx, w) })
			defer writing.Wait()
			defer stop()
			changed := 0
			for range fixture.Size(25, 100) {
				r, err := dgraph.OpenReader(w.Dir(), dgraph.ReaderOptions{Key: key})
				fixture.Must(t, err)
				report, err := check.Run(ctx, r, check.Options{})
				fixture.Must(t, err)
				if !report.Sound || report.Checked != "everything" || len(report.Notes) > 0 {
					t.Fatalf("%s\n%s\n%s", report.Verdict, short(report.Problems), short(report.Notes))
				}
				if report.LastIndex == nil {
					t.Fatalf("the last index is not known: %+v", report)
				}
				if last, _ := r.LastIndex(); *report.LastIndex != last {
					changed++
				}
			}
			stop()
			writing.Wait()
			if report := run(t, openKey(t, w.Dir(), key)); *report.LastIndex != w.Last || *report.Commit != w.Commit {
				t.Errorf("at the end %+v, the writer is at %d, commit %d", report, w.Last, w.Commit)
			}
			t.Logf("%d checks looked again at what had changed meanwhile", changed)
		})
	}
}

// churn does what a node does, until ctx ends.
func churn(ctx context.Context, w *raftdir.Writer) {
	rng := rand.New(rand.NewPCG(1, 2))
	for ctx.Err() == nil {
		if w.Last > w.Commit && rng.IntN(10) == 0 {
			w.Rewind(w.Commit + uint64(rng.Int64N(int64(w.Last-w.Commit))))
		}
		w.Append(1 + rng.IntN(8))
		w.CommitTo(max(w.Commit, w.Last-min(w.Last, uint64(rng.IntN(400)))))
		if len(w.Files()) > 4 {
			w.Snapshot(w.Commit)
		}
	}
}
