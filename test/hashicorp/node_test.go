//go:build linux

package hashicorp

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/raft"
	"github.com/walfs/walfs/test/atwork"
	"github.com/walfs/walfs/test/child"
	"github.com/walfs/walfs/test/fixture"
)

// A node's directory is data in its home. What it has removed of its log is in kept.
func dataOf(home string) string { return filepath.Join(home, "data") }
func keptOf(home string) string { return filepath.Join(home, "kept") }

// A snapshot comes, and the log is compacted, some times a second; a segment has room for some
// hundred entries.
const (
	snapshotThreshold = 250
	trailingLogs      = 150
	entriesASecond    = 1000
)

// startNode starts a node as a child. addresses are all nodes', its own is that of number k.
// It prints "leader" or "follower" whenever it becomes one.
func startNode(t *testing.T, home, store string, k int, addresses []string) (node *child.Process, said *child.Output) {
	t.Helper()
	self, err := os.Executable()
	fixture.Must(t, err)
	os.Setenv(nodeVariable, "1")
	defer os.Unsetenv(nodeVariable)
	said = &child.Output{}
	node = child.Start(t, said, self, home, store, addresses[k], strings.Join(addresses, ","))
	child.Await(t, "a node", func() bool {
		if node.Ended() {
			t.Fatalf("a node has ended: %s", node.Said())
		}
		return strings.HasPrefix(said.String(), "ready\n")
	})
	return node, said
}

// nodeMain is a node. SIGTERM ends it as it should end.
func nodeMain(args []string) int {
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	if err := runNode(stop, args[0], args[1], args[2], strings.Split(args[3], ",")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func runNode(stop context.Context, home, name, address string, all []string) (err error) {
	s, err := openKeeping(home, name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	snapshots, err := raft.NewFileSnapshotStore(dataOf(home), 2, os.Stderr)
	if err != nil {
		return err
	}
	transport, err := raft.NewTCPTransport(address, nil, 3, time.Second, os.Stderr)
	if err != nil {
		return err
	}
	defer transport.Close()
	conf := config(address)
	conf.SnapshotInterval, conf.SnapshotThreshold, conf.TrailingLogs = 100*time.Millisecond, snapshotThreshold, trailingLogs
	leads := make(chan bool, 1)
	conf.NotifyCh = leads
	if err := raft.BootstrapCluster(conf, s, s, snapshots, transport, configuration(all)); err != nil && err != raft.ErrCantBootstrap {
		return err
	}
	r, err := raft.NewRaft(conf, &machine{}, s, s, snapshots, transport)
	if err != nil {
		return err
	}
	fmt.Println("ready")
	go func() {
		for leader := range leads {
			fmt.Println(map[bool]string{true: "leader", false: "follower"}[leader])
		}
	}()
	var loads sync.WaitGroup
	tick := time.NewTicker(time.Second / entriesASecond)
	defer tick.Stop()
	for range 8 { // several at once, which it writes in one go
		loads.Go(func() { load(stop, r, tick.C) })
	}
	loads.Wait()
	return r.Shutdown().Error()
}

func config(address string) *raft.Config {
	conf := raft.DefaultConfig()
	conf.LocalID = raft.ServerID("node " + address)
	conf.HeartbeatTimeout, conf.ElectionTimeout, conf.LeaderLeaseTimeout = 400*time.Millisecond, 400*time.Millisecond, 200*time.Millisecond
	conf.CommitTimeout = 10 * time.Millisecond
	conf.LogLevel, conf.LogOutput = "ERROR", os.Stderr
	return conf
}

func configuration(addresses []string) (c raft.Configuration) {
	for _, a := range addresses {
		c.Servers = append(c.Servers, raft.Server{ID: raft.ServerID("node " + a), Address: raft.ServerAddress(a)})
	}
	return c
}

// load makes requests of all sorts, one a tick. Only a leader takes them.
func load(ctx context.Context, r *raft.Raft, tick <-chan time.Time) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick:
		}
		if r.State() == raft.Leader {
			request(r)
		}
	}
}

// request waits for its end: it may have an error, when there is another leader.
func request(r *raft.Raft) {
	const visitor, nowhere = "a visitor", "127.0.0.1:1"
	switch n := rand.IntN(1000); {
	case n < 4:
		r.Barrier(time.Second).Error()
	case n < 6:
		r.AddNonvoter(visitor, nowhere, 0, time.Second).Error()
	case n < 8:
		r.RemoveServer(visitor, 0, time.Second).Error()
	case n < 20:
		r.Apply(command(rand.IntN(20<<10)), time.Second).Error()
	default:
		r.Apply(command(rand.IntN(400)), time.Second).Error()
	}
}

// command is text.
func command(n int) []byte {
	b := fmt.Appendf(nil, "set key-%d ", rand.IntN(50))
	for range n {
		b = append(b, 'a'+byte(rand.IntN(26)))
	}
	return b
}

// machine is the application: a sum of all commands, one after the other. A snapshot repeats it,
// so that it takes time to write.
type machine struct {
	mu  sync.Mutex // protects sum
	sum [sha256.Size]byte
}

const repeats = 5000

// add gives the sum behind a command, whose own one is given.
func add(sum, command [sha256.Size]byte) [sha256.Size]byte {
	return sha256.Sum256(append(sum[:], command[:]...))
}

func (m *machine) Apply(l *raft.Log) any {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sum = add(m.sum, sha256.Sum256(l.Data))
	return nil
}

func (m *machine) Snapshot() (raft.FSMSnapshot, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return state(m.sum), nil
}

func (m *machine) Restore(from io.ReadCloser) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, err := io.ReadFull(from, m.sum[:])
	return errors.Join(err, from.Close())
}

type state [sha256.Size]byte

func (s state) Persist(sink raft.SnapshotSink) error {
	_, err := sink.Write(bytes.Repeat(s[:], repeats))
	if err != nil {
		return errors.Join(err, sink.Cancel())
	}
	return sink.Close()
}

func (s state) Release() {}

// keeping is a store that keeps what it removes, for the test to compare with.
type keeping struct {
	store
	kept *os.File
}

func openKeeping(home, name string) (k keeping, err error) {
	if err := os.MkdirAll(dataOf(home), 0o700); err != nil {
		return k, err
	}
	if k.store, err = stores[name](dataOf(home)); err != nil {
		return k, err
	}
	k.kept, err = os.OpenFile(keptOf(home), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	return k, err
}

// DeleteRange begins with an end of line: a node that was killed may have left a part of one.
func (k keeping) DeleteRange(first, last uint64) error {
	var lines []byte
	for index := first; index <= last; index++ {
		var l raft.Log
		switch err := k.GetLog(index, &l); {
		case errors.Is(err, raft.ErrLogNotFound):
			continue
		case err != nil:
			return err
		}
		line, err := json.Marshal(entryOf(&l))
		if err != nil {
			return err
		}
		lines = append(append(lines, '\n'), line...)
	}
	if _, err := k.kept.Write(lines); err != nil {
		return err
	}
	return k.store.DeleteRange(first, last)
}

// IsMonotonic is what the store answers, which the library asks.
func (k keeping) IsMonotonic() bool {
	m, ok := k.store.(raft.MonotonicLogStore)
	return ok && m.IsMonotonic()
}

func entryOf(l *raft.Log) atwork.Entry {
	return atwork.Entry{Index: l.Index, Term: l.Term, Type: l.Type.String(), Sum: sha256.Sum256(l.Data)}
}

// readKept gives what a node has removed of its log.
func readKept(t *testing.T, home string) (entries []atwork.Entry) {
	t.Helper()
	b, err := os.ReadFile(keptOf(home))
	fixture.Must(t, err)
	for line := range bytes.Lines(b) {
		var e atwork.Entry
		if json.Unmarshal(line, &e) == nil { // not a part
			entries = append(entries, e)
		}
	}
	return entries
}
