//go:build linux

package etcd

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/walfs/walfs/test/child"
	"github.com/walfs/walfs/test/fixture"
	"go.etcd.io/etcd/client/pkg/v3/fileutil"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3client"
	"go.etcd.io/etcd/server/v3/storage/wal"
)

// A node's directory is data in its home. The segments that it has purged are in kept.
func dataOf(home string) string { return filepath.Join(home, "data") }
func walOf(home string) string  { return filepath.Join(home, "data", "member", "wal") }
func snapOf(home string) string { return filepath.Join(home, "data", "member", "snap") }
func keptOf(home string) string { return filepath.Join(home, "kept") }

// A segment has room for some 200 entries, so that the node is always about to begin one.
const (
	segmentBytes   = 64 << 10
	maxSegments    = 5
	snapshotCount  = 250
	entriesASecond = 1500
)

// startNode starts etcd as a child, with load, and waits until it has a leader.
func startNode(t *testing.T, home string) *child.Process {
	t.Helper()
	self, err := os.Executable()
	fixture.Must(t, err)
	os.Setenv(nodeVariable, "1")
	defer os.Unsetenv(nodeVariable)
	said := &child.Output{}
	node := child.Start(t, said, self, home)
	child.Await(t, "etcd", func() bool {
		if node.Ended() {
			t.Fatalf("etcd has ended: %s", node.Said())
		}
		return said.String() == "ready\n"
	})
	return node
}

// nodeMain is etcd. SIGTERM ends it as it should end.
func nodeMain(home string) int {
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	if err := runNode(stop, home); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func runNode(stop context.Context, home string) error {
	wal.SegmentSizeBytes = segmentBytes
	cfg := embed.NewConfig()
	cfg.Dir = dataOf(home)
	cfg.LogLevel = "error"
	cfg.SnapshotCount, cfg.SnapshotCatchUpEntries = snapshotCount, 50
	// It looks for what to purge every 30 seconds, which is too long for a test: see purge.
	cfg.MaxWalFiles, cfg.MaxSnapFiles = 0, 0
	// SIGKILL loses nothing that was written. A slow disk would only make the test long.
	cfg.UnsafeNoFsync = true
	free := []url.URL{{Scheme: "http", Host: "127.0.0.1:0"}}
	cfg.ListenPeerUrls, cfg.ListenClientUrls = free, free
	e, err := embed.StartEtcd(cfg)
	if err != nil {
		return err
	}
	defer e.Close()
	select {
	case <-e.Server.ReadyNotify():
	case err := <-e.Err():
		return err
	}
	fmt.Println("ready")

	ctx, fail := context.WithCancelCause(stop)
	var all sync.WaitGroup
	run := func(what func(context.Context) error) {
		all.Go(func() {
			if err := what(ctx); err != nil && ctx.Err() == nil {
				fail(err)
			}
		})
	}
	client := v3client.New(e.Server)
	// Several at once: etcd writes what comes together in one go.
	tick := time.NewTicker(time.Second / entriesASecond)
	defer tick.Stop()
	for range 4 {
		run(func(ctx context.Context) error { return load(ctx, client, tick.C) })
	}
	run(func(ctx context.Context) error { return purge(ctx, home) })
	all.Wait()
	if stop.Err() != nil {
		return nil
	}
	return context.Cause(ctx)
}

// load makes requests of all sorts, one a tick.
func load(ctx context.Context, c *clientv3.Client, tick <-chan time.Time) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick:
		}
		if err := request(ctx, c); err != nil {
			return err
		}
	}
}

func request(ctx context.Context, c *clientv3.Client) error {
	key := fmt.Sprintf("/registry/pods/ns%d/pod-%d", rand.IntN(5), rand.IntN(50))
	switch n := rand.IntN(2000); {
	case n == 0:
		_, err := c.Put(ctx, key, randomBytes(segmentBytes*3/2)) // an entry larger than a segment
		return err
	case n < 40:
		_, err := c.Put(ctx, key, randomBytes(rand.IntN(8<<10)))
		return err
	case n < 200:
		_, err := c.Delete(ctx, key, clientv3.WithPrefix())
		return err
	case n < 400:
		_, err := c.Txn(ctx).If(clientv3.Compare(clientv3.Version(key), ">", 0)).
			Then(clientv3.OpDelete(key), clientv3.OpPut(key+"/was", "here")).
			Else(clientv3.OpPut(key, randomBytes(100))).Commit()
		return err
	case n < 440:
		lease, err := c.Grant(ctx, 3600)
		if err != nil {
			return err
		}
		if _, err := c.Put(ctx, key, "leased", clientv3.WithLease(lease.ID)); err != nil {
			return err
		}
		if n%2 == 0 {
			_, err = c.Revoke(ctx, lease.ID)
		}
		return err
	case n < 442:
		now, err := c.Get(ctx, key)
		if err != nil {
			return err
		}
		// Somebody else may have compacted more: that is an entry too.
		c.Compact(ctx, now.Header.Revision)
		return nil
	default:
		_, err := c.Put(ctx, key, randomBytes(rand.IntN(400)))
		return err
	}
}

func randomBytes(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	return string(b)
}

// purge removes the oldest files as etcd does: segments that it can lock, which etcd itself
// does not hold any more, and snapshots. It first copies segments to kept, for the test to
// compare with.
func purge(ctx context.Context, home string) error {
	for {
		for _, segment := range oldest(filepath.Join(walOf(home), "*.wal"), maxSegments) {
			lock, err := fileutil.TryLockFile(segment, os.O_WRONLY, 0o600)
			if errors.Is(err, fileutil.ErrLocked) {
				break
			}
			if err != nil {
				return err
			}
			if err := copyFile(segment, keptOf(home)); err != nil {
				return err
			}
			if err := errors.Join(os.Remove(segment), lock.Close()); err != nil {
				return err
			}
		}
		for _, snapshot := range oldest(filepath.Join(snapOf(home), "*.snap"), embed.DefaultMaxSnapshots) {
			if err := os.Remove(snapshot); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// oldest lists the files that are more than most.
func oldest(pattern string, most int) []string {
	paths, err := filepath.Glob(pattern)
	if err != nil {
		panic(err) // the pattern is wrong
	}
	return paths[:max(0, len(paths)-most)]
}

// copyFile copies a file into a folder. A node that is killed meanwhile leaves a part of it,
// and the file itself, of which it makes another copy later.
func copyFile(path, folder string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, filepath.Base(path)), b, 0o600)
}
