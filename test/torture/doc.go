// Package torture mounts a directory that a writer keeps rewriting, has eight
// processes read the mount by every view, and compares every byte they get.
//
//	go test ./test/torture                                         three seconds in all
//	WALFS_TEST_FULL=1 go test ./test/torture                       70 seconds, in CI
//	WALFS_TEST_FULL=1 go test ./test/torture -for 10m -timeout 30m by hand
//	go test ./test/torture -for 10m -timeout 30m -run TestTorture/plain-rate
//
// The time is shared by the runs: a plain directory and an encrypted one, each with
// a writer at full speed, which replaces the whole log every second or so, and
// with one at a rate, which leaves readers the time to see each state; one whose
// log files grow and end by size, which takes 3 GB; and two of walcore.DiskStorage.
// At the small size (see fixture.Full) three of the seven take part; with the
// race detector, an eighth alone. Readers that have seen too little by then are
// waited for, however long that takes.
//
// A payload is derived from index and term (see package raftdir), and a file
// says both: its name the index, its time the term. So a reader can tell, of
// whatever it has open, what it must read: the whole payload, or an error.
//
// The mount's descriptors are counted: in the end they must be as many as those
// of another mount of the same directory that has just begun.
package torture
