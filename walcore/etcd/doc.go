// Package etcd reads the directory in which etcd keeps its Raft log: the segments in
// member/wal, and the snapshots in member/snap.
package etcd
