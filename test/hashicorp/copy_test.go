//go:build linux

package hashicorp

import (
	"crypto/sha256"
	"io"
	"testing"
	"time"

	"github.com/hashicorp/raft"
	"github.com/walfs/walfs/test/atwork"
	"github.com/walfs/walfs/test/fixture"
)

// copyAtWork copies the directory of a running node, and gives the copy's home.
func (m *member) copyAtWork(t *testing.T) (home string) {
	t.Helper()
	home = t.TempDir()
	atwork.Walfs(t, "copy", m.dir(), dataOf(home))
	return home
}

// checkCopy starts a node on a copy, alone. The application has the state then that follows
// from what walfs reads from the copy, and HashiCorp's own code reads the same.
func (m *member) checkCopy(t *testing.T, home string) {
	t.Helper()
	dir := dataOf(home)
	log := atwork.Dump(t, dir)
	for _, e := range log {
		m.Seen.Add(t, "a copy", e)
	}
	before := readTruth(t, dir, m.store)
	atwork.Same(t, "a copy", log, before.log)

	var want [sha256.Size]byte
	if before.newest().Index > 0 {
		copy(want[:], atwork.Walfs(t, "cat", dir, "snapshots/latest/data"))
	}
	for _, e := range log {
		if e.Index > before.newest().Index && e.Type == raft.LogCommand.String() {
			want = add(want, e.Sum)
		}
	}
	if got := startAlone(t, home, m.store); got != want {
		t.Fatalf("a node started on a copy with %x, want %x", got, want)
	}
}

// startAlone makes a directory that of a cluster of one, starts its node, and gives the state
// of the application once it leads.
func startAlone(t *testing.T, home, name string) [sha256.Size]byte {
	t.Helper()
	s, err := openKeeping(home, name)
	fixture.Must(t, err)
	defer s.Close()
	snapshots, err := raft.NewFileSnapshotStore(dataOf(home), 2, io.Discard)
	fixture.Must(t, err)
	address, transport := raft.NewInmemTransport("")
	conf := config(string(address))
	conf.HeartbeatTimeout, conf.ElectionTimeout, conf.LeaderLeaseTimeout = 20*time.Millisecond, 20*time.Millisecond, 20*time.Millisecond
	alone := configuration([]string{string(address)})
	fixture.Must(t, raft.RecoverCluster(conf, &machine{}, s, s, snapshots, transport, alone))
	app := &machine{}
	leads := make(chan bool, 1)
	conf.NotifyCh = leads
	r, err := raft.NewRaft(conf, app, s, s, snapshots, transport)
	fixture.Must(t, err)
	defer func() { fixture.Must(t, r.Shutdown().Error()) }()
	<-leads
	fixture.Must(t, r.Barrier(time.Minute).Error())
	return app.sum
}
