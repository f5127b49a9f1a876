// Package torture mounts a directory that a writer rewrites all the time. Eight
// processes read the mount, each in another way, and compare every byte.
//
//	go test ./test/torture                                         three seconds in all
//	WALFS_TEST_FULL=1 go test ./test/torture                       49 seconds, in CI
//	WALFS_TEST_FULL=1 go test ./test/torture -for 10m -timeout 30m by hand
//	go test ./test/torture -for 10m -timeout 30m -run TestTorture/plain-rate
//
// The runs share the time. There are seven:
//
//   - An encrypted directory with a writer at full speed, which replaces the whole log
//     about once a second, and a plain one with 20,000 entries a second.
//   - The same two with 4,000 a second, so that readers see each state.
//   - One with large entries, whose log files become full by size. It takes 3 GB.
//   - Two that storage.DiskStorage writes.
//
// At the small size (see fixture.Full) three of them take place; with the race
// detector, an eighth one and no other. A run goes on until each reader has seen
// enough.
//
// A payload is derived from index and term (see package raftdir). A file in the
// mount says both: its name is the index, its time the term. So a reader knows what
// any file that it has opened must hold: the whole payload, or an error.
//
// The mount's descriptors are counted. At the end there must be no more than a new
// mount of the same directory has.
package torture
