//go:build linux

package hashicorp

import (
	"os"
	"testing"

	"github.com/walfs/walfs/test/child"
)

// These make this test binary a node, or the writer of a store: one program is linked, not
// three.
const (
	nodeVariable  = "WALFS_TEST_NODE"
	storeVariable = "WALFS_TEST_STORE"
)

func TestMain(m *testing.M) {
	if os.Getenv(nodeVariable) != "" {
		os.Exit(nodeMain(os.Args[1:]))
	}
	if name := os.Getenv(storeVariable); name != "" {
		os.Exit(writeMain(name))
	}
	child.LookerMain()
	os.Exit(child.Main(m))
}
