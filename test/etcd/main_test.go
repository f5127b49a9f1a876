//go:build linux

package etcd

import (
	"os"
	"testing"

	"github.com/walfs/walfs/test/child"
)

// These make this test binary an etcd, or the writer of a log: one program is linked, not three.
const (
	nodeVariable  = "WALFS_TEST_ETCD"
	writeVariable = "WALFS_WRITE_ETCD"
)

func TestMain(m *testing.M) {
	if os.Getenv(nodeVariable) != "" {
		os.Exit(nodeMain(os.Args[1]))
	}
	if os.Getenv(writeVariable) != "" {
		os.Exit(writeMain(os.Args[1], os.Args[2]))
	}
	child.LookerMain()
	os.Exit(child.Main(m))
}
