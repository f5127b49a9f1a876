//go:build unix

package httpfs

import (
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/walfs/walfs/fsview"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/raftdir"
	"github.com/walfs/walfs/walcore/dgraph"
)

// TestLive: while a node writes, and leaders replace what others have written, one ETag is of
// one body, and what a client has is confirmed as long as it is right.
func TestLive(t *testing.T) {
	w := raftdir.Create(filepath.Join(t.TempDir(), "w"), raftdir.Options{Slots: 80})
	t.Cleanup(w.Close)
	w.Append(195)
	w.CommitTo(100)
	r, err := dgraph.OpenReader(w.Dir(), dgraph.ReaderOptions{})
	fixture.Must(t, err)
	live := fsview.NewLive(fsview.New(r, nil))
	ctx, cancel := context.WithCancel(context.Background())
	checkpoints := make(chan string, 100)
	var end sync.WaitGroup
	end.Go(func() {
		live.Follow(ctx, func(_, after *fsview.Tree, _ bool) {
			if b, err := fs.ReadFile(after, "meta/checkpoint_index"); err == nil {
				checkpoints <- string(b)
			}
		})
	})
	t.Cleanup(func() {
		cancel()
		end.Wait()
		live.Close()
	})

	h := New(live, Options{})
	seen := &bodies{byTag: map[string]string{}}
	paths := []string{"/README", "/status.json", "/meta/last_index", "/entries/100", "/entries/190", "/decoded/190.json",
		"/jsonl/00001.wal.jsonl", "/jsonl/00003.wal.jsonl", "/files/00003.wal/190", "/terms/1/190"}
	end.Go(func() { // somebody reads all the time
		for ctx.Err() == nil {
			for _, path := range paths {
				seen.check(t, path, ask(t, h, "GET", path))
			}
		}
	})
	tags := map[string]string{}
	for round := range 4 {
		if round > 0 {
			w.Rewind(180)
			w.Append(15 + round%2)
			// The last thing that the node writes: who has seen that has seen all.
			w.Checkpoint(uint64(round))
			for want := fmt.Sprintln(round); <-checkpoints != want; {
			}
		}
		for _, path := range paths {
			got := ask(t, h, "GET", path)
			seen.check(t, path, got)
			if got.Code != 200 {
				continue
			}
			if body := read(t, live.Tree(), path[1:]); got.Body.String() != body {
				t.Errorf("%s has %d bytes, want %d", path, got.Body.Len(), len(body))
			}
			tag := got.Header().Get("ETag")
			again := ask(t, h, "GET", path, "If-None-Match", tags[path])
			changes := path != "/README" && path != "/entries/100" && path != "/jsonl/00001.wal.jsonl"
			switch {
			case round == 0:
			case tag == tags[path]:
				again.want(t, 304)
				if changes && path != "/meta/last_index" {
					t.Errorf("%s has the ETag that it had before", path)
				}
			case !changes:
				t.Errorf("%s has another ETag, %s, and not %s", path, tag, tags[path])
			default:
				again.want(t, 200)
				ask(t, h, "GET", path, "If-Range", tags[path], "Range", "bytes=1-2").want(t, 200)
			}
			tags[path] = tag
		}
	}
}

// bodies are those that came with an ETag.
type bodies struct {
	mu    sync.Mutex
	byTag map[string]string
}

func (s *bodies) check(t *testing.T, path string, a answer) {
	switch {
	case a.aborted, a.Code == http.StatusServiceUnavailable, a.Code == http.StatusNotFound:
		return // it has changed meanwhile
	case a.Code == http.StatusInternalServerError && strings.Contains(a.Body.String(), "damaged"):
		return // it was being written
	case a.Code != http.StatusOK:
		t.Errorf("%s: %d %.200s", path, a.Code, a.Body)
		return
	}
	key := path + a.Header().Get("ETag")
	s.mu.Lock()
	defer s.mu.Unlock()
	if before, ok := s.byTag[key]; ok && before != a.Body.String() {
		t.Errorf("%s: %s is of two bodies, of %d and %d bytes", path, a.Header().Get("ETag"), len(before), a.Body.Len())
	}
	s.byTag[key] = a.Body.String()
}
