//go:build linux

package hashicorp

import (
	"os"
	"testing"

	"github.com/walfs/walfs/test/child"
)

// These make this test binary a node, the writer of a store, or a part of a benchmark: one
// program is linked, not four.
const (
	nodeVariable  = "WALFS_TEST_NODE"
	storeVariable = "WALFS_TEST_STORE"
	benchVariable = "WALFS_BENCH_STORE"
)

func TestMain(m *testing.M) {
	if os.Getenv(nodeVariable) != "" {
		os.Exit(nodeMain(os.Args[1:]))
	}
	if name := os.Getenv(storeVariable); name != "" {
		os.Exit(writeMain(name))
	}
	if what := os.Getenv(benchVariable); what != "" {
		os.Exit(benchMain(what, os.Args[1:]))
	}
	child.LookerMain()
	os.Exit(child.Main(m))
}
