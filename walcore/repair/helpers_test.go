//go:build linux

package repair

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore/check"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/storage"
	"go.etcd.io/raft/v3"
)

// wantEntry is what an entry has to be.
type wantEntry struct {
	term, index uint64
	typ         uint32
	size        int64
	sha256      string
}

// wanted are the entries of a fixture, by index.
func wanted(t testing.TB, name string) (*fixture.Manifest, map[uint64]wantEntry) {
	m := fixture.ReadManifest(t, name)
	want := map[uint64]wantEntry{}
	for _, e := range m.Entries {
		want[e.Index] = wantEntry{e.Term, e.Index, uint32(e.Type), e.Size, e.SHA256}
	}
	return m, want
}

// plan plans the repair of a directory.
func plan(t testing.TB, dir string, opts Options) (*Plan, error) {
	t.Helper()
	r, err := dgraph.OpenReader(dir, dgraph.ReaderOptions{Key: opts.Key})
	fixture.Must(t, err)
	t.Cleanup(func() { r.Close() })
	return New(t.Context(), r, opts)
}

// repaired repairs a directory and checks what was written.
func repaired(t testing.TB, dir string, opts Options, want map[uint64]wantEntry) *Plan {
	t.Helper()
	p, err := plan(t, dir, opts)
	if err != nil {
		t.Error(err)
		return nil
	}
	if p.Sound {
		t.Error("it is called sound")
		return nil
	}
	out := filepath.Join(t.TempDir(), "out")
	if err := p.Write(t.Context(), out); err != nil {
		t.Errorf("%v\nproblems %v\nleft out %v", err, p.Problems, p.LeftOut)
		return nil
	}
	checkWritten(t, p, out, want)
	fixture.Must(t, os.RemoveAll(out))
	return p
}

// checkWritten checks a repaired directory with the reader, the storage and a node.
func checkWritten(t testing.TB, p *Plan, out string, want map[uint64]wantEntry) {
	t.Helper()
	r, err := dgraph.OpenReader(out, dgraph.ReaderOptions{Key: p.opts.Key})
	fixture.Must(t, err)
	if problems := r.Problems(); len(problems) > 0 {
		t.Errorf("problems: %v", problems)
	}
	if ignored := r.Meta().Ignored; len(ignored) > 0 {
		t.Errorf("it holds %v", ignored)
	}
	opened, err := dgraph.OpenReader(out, dgraph.ReaderOptions{Key: p.opts.Key})
	fixture.Must(t, err)
	report, err := check.Run(t.Context(), opened, check.Options{})
	fixture.Must(t, err)
	if !report.Sound || !report.Starts {
		t.Errorf("check: %s: %v", report.Verdict, report.Problems)
	}
	next := p.First
	for e := range r.Entries(0) {
		data, err := e.Data()
		fixture.Must(t, err)
		sum := sha256.Sum256(data)
		got := wantEntry{e.Term, e.Index, uint32(e.Type), e.Size, hex.EncodeToString(sum[:])}
		if e.Index != next || got != want[e.Index] {
			t.Fatalf("entry %d, want %d\n%+v, want\n%+v", e.Index, next, got, want[e.Index])
		}
		if hasChecksum(e) != p.Checksums {
			t.Fatalf("entry %d has a checksum: %v", e.Index, hasChecksum(e))
		}
		if e.File.Encrypted != (p.opts.Key != nil) {
			t.Fatalf("%s is encrypted: %v", e.File.Name, e.File.Encrypted)
		}
		next++
	}
	fixture.Must(t, r.Close())
	if next != p.Last+1 {
		t.Errorf("the log ends at %d, want %d", next-1, p.Last)
	}
	startNode(t, out, p)
	if _, err := os.Lstat(unfinished(out)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder of what is unfinished: %v", err)
	}
}

// unfinished is where a repair to out makes what it writes.
func unfinished(out string) string {
	return filepath.Join(filepath.Dir(out), "."+filepath.Base(out)+".walfs-unfinished")
}

// startNode opens the directory and starts a node on it, which has to reach the
// commit index. Configuration changes are not applied: those of fixtures are made up.
func startNode(t testing.TB, dir string, p *Plan) {
	t.Helper()
	s, err := storage.Open(dir, storage.Options{Key: p.opts.Key, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Error(err)
		return
	}
	defer s.Close()
	if problems := s.Problems(); len(problems) > 0 {
		t.Errorf("opening it finds %v", problems)
	}
	if s.State() != p.State {
		t.Errorf("state %+v, want %+v", s.State(), p.State)
	}
	node, err := raft.NewRawNode(&raft.Config{ID: max(p.State.RaftID, 1), Storage: s, ElectionTick: 10, HeartbeatTick: 1,
		MaxSizePerMsg: 1 << 20, MaxInflightMsgs: 16, Logger: &raft.DefaultLogger{Logger: discard}})
	fixture.Must(t, err)
	applied := max(p.First, 1) - 1
	for node.HasReady() {
		rd := node.Ready()
		for _, e := range rd.CommittedEntries {
			if e.GetIndex() != applied+1 {
				t.Fatalf("entry %d is applied after %d", e.GetIndex(), applied)
			}
			applied++
		}
		node.Advance(rd)
	}
	if st := node.BasicStatus(); applied != p.State.Commit || st.HardState.GetTerm() != p.State.Term || st.HardState.GetVote() != p.State.Vote {
		t.Errorf("the node has applied %d and has %v, want %+v", applied, st.HardState, p.State)
	}
}

// refused wants that nothing can be kept, and why.
func refused(t testing.TB, dir string, opts Options, err error) {
	t.Helper()
	p, got := plan(t, dir, opts)
	if !errors.Is(got, err) {
		t.Errorf("%v, %+v; want %v", got, p, err)
	}
}
