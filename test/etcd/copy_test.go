//go:build linux

package etcd

import (
	"slices"
	"testing"

	"github.com/walfs/walfs/test/atwork"
)

// copyAtWork copies the directory of a running node, and gives the copy's home.
func copyAtWork(t *testing.T, dir string) (home string) {
	t.Helper()
	home = t.TempDir()
	atwork.Walfs(t, "copy", dir, dataOf(home))
	return home
}

// checkCopy starts etcd on a copy. It goes on behind the entries that walfs and etcd's own
// code read from the copy alike.
func checkCopy(t *testing.T, s atwork.Seen, home string) {
	t.Helper()
	before := readStart(t, home)
	log := atwork.Dump(t, dataOf(home))
	for _, e := range log {
		s.Add(t, "a copy", e)
	}
	atwork.Same(t, "a copy behind its snapshot", log[len(log)-len(before.restart):], before.restart)
	startNode(t, home).Stop()
	after := atwork.Dump(t, dataOf(home))
	k := slices.Index(log, after[0])
	if k < 0 || len(after) <= len(log)-k {
		t.Fatalf("etcd has written nothing behind a copy's last entry")
	}
	atwork.Same(t, "etcd, started on a copy", after[:len(log)-k], log[k:])
}
