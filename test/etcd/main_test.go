//go:build linux

package etcd

import (
	"os"
	"testing"

	"github.com/walfs/walfs/test/child"
)

// nodeVariable makes this test binary an etcd: one program is linked, not two.
const nodeVariable = "WALFS_TEST_ETCD"

func TestMain(m *testing.M) {
	if os.Getenv(nodeVariable) != "" {
		os.Exit(nodeMain(os.Args[1]))
	}
	child.LookerMain()
	os.Exit(child.Main(m))
}
