package main

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/walfs/walfs/test/child"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/raftdir"
	"github.com/walfs/walfs/walcore/explain"
)

// explainGolden is what explain prints of a directory.
type explainGolden struct {
	name string
	dir  func(t *testing.T) string
	key  string // the fixture whose key is given
	code int
}

// TestExplainFixtures compares what explain says of each fixture with a page that somebody
// has read. After a change of what it says:
//
//	WALFS_TEST_FULL=1 go test ./cmd/walfs -run TestExplain -rewrite
//
// and read them again.
func TestExplainFixtures(t *testing.T) {
	fixture.NotForRace(t)
	names := fixture.All()
	if fixture.Full() && fixture.Has("sealed-erased") && !child.Race {
		names = append(slices.Clone(names), "sealed-erased")
	}
	for _, name := range names {
		unpacked := func(t *testing.T) string { return fixture.Dir(t, name) }
		g := explainGolden{name: name, dir: unpacked, key: name}
		if name == "sealed-erased" {
			g.code = exitDamage
		}
		t.Run(name, g.test)
		if fixture.Key(name) != nil && g.code == 0 {
			t.Run(name+"-without-key", explainGolden{name: name + "-without-key", dir: unpacked, code: exitKey}.test)
		}
	}
}

func (g explainGolden) test(t *testing.T) {
	t.Parallel()
	dir := g.dir(t)
	setTimes(t, dir)
	args := []string{"explain", dir}
	if g.key != "" {
		if key := keyFile(t, g.key); key != "" {
			args = append(args, "--key-file", key)
		}
	}
	g.compare(t, ".txt", args)
	g.compare(t, ".json", append(args, "--json"))
}

func (g explainGolden) compare(t *testing.T, ext string, args []string) {
	t.Helper()
	r := walfs(t, args...)
	if r.code != g.code || r.stderr != "" {
		t.Errorf("exit code %d, want %d\n%s", r.code, g.code, r.stderr)
	}
	file := filepath.Join("testdata", "explain", g.name+ext)
	if *rewrite {
		fixture.Must(t, os.MkdirAll(filepath.Dir(file), 0o755))
		fixture.Must(t, os.WriteFile(file, []byte(r.stdout), 0o644))
	}
	want, err := os.ReadFile(file)
	fixture.Must(t, err)
	if !bytes.Equal(want, []byte(r.stdout)) {
		t.Errorf("explain says\n%s\n%s has\n%s", r.stdout, file, want)
	}
}

// setTimes gives all files a time before that of their creation, as copies have. Explain
// goes by the time then.
func setTimes(t *testing.T, dir string) {
	t.Helper()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	list, err := os.ReadDir(dir)
	fixture.Must(t, err)
	for _, f := range list {
		fixture.Must(t, os.Chtimes(filepath.Join(dir, f.Name()), at, at))
	}
}

// TestExplainWhileWritten: whatever a node writes meanwhile, what is said is right about
// one moment: all that is committed is there, and nothing is damaged.
//
// It compacts far more often than a node does.
func TestExplainWhileWritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "w")
	w := raftdir.Create(dir, raftdir.Options{Slots: 500})
	w.Append(700)
	w.CommitTo(w.Last)
	rounds, stopped := make(chan struct{}), make(chan struct{})
	go func() { // as much in a round as is written while one looks, and no more
		defer close(stopped)
		rng := rand.New(rand.NewPCG(1, 2))
		for range rounds {
			for range 100 {
				if w.Last > w.Commit && rng.IntN(50) == 0 {
					w.Rewind(w.Commit + uint64(rng.Int64N(int64(w.Last-w.Commit))))
				}
				w.Append(1 + rng.IntN(8))
				w.CommitTo(max(w.Commit, w.Last-min(w.Last, uint64(rng.IntN(40)))))
				if len(w.Files()) > 6 {
					w.Snapshot(w.Commit - 1000)
				}
			}
		}
	}()
	var read readFlags
	for range fixture.Size(20, 60) {
		rounds <- struct{}{}
		log, err := read.open(dir)
		fixture.Must(t, err)
		r, err := explained(t.Context(), log)
		fixture.Must(t, err)
		want := int64(r.Replay.Applied.Last - r.Replay.Applied.First + 1)
		if r.Missing || r.Replay.Entries != want || r.Unreadable != (explain.Unreadable{}) || len(r.Problems) > 0 {
			t.Errorf("commit %d, snapshot %d: %+v, %+v, %v", r.HardState.Commit, r.Snapshot.Index, r.Replay, r.Unreadable, r.Problems)
		}
	}
	close(rounds)
	<-stopped
	w.Close()
}
