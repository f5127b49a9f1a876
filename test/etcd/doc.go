// Package etcd runs a real etcd under load, kills it again and again, and reads its directory
// with walfs all the while. What walfs gives must be what etcd's own code reads.
//
//	go test ./...                      the node is killed 3 times
//	WALFS_TEST_FULL=1 go test ./...    50 times, and etcd-dump-logs is built and compared
//
// It is a module of its own: etcd's server brings a hundred modules with it.
package etcd
