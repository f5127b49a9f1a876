// Package hashicorp runs a cluster of HashiCorp's library under load, kills its nodes again and
// again, and reads their directories with walfs all the while: TestCluster. What walfs gives
// must be what HashiCorp's own code reads. Its stores alone are written to as fast as can be.
//
//	go test ./...                      nodes are killed 3 times
//	WALFS_TEST_FULL=1 go test ./...    50 times
//
// It is a module of its own, so that walfs does not need HashiCorp's.
package hashicorp
