// Package torture mounts a directory that a writer keeps rewriting, has eight
// processes read the mount by every view, and compares every byte they get.
//
//	go test ./test/torture                        ten seconds in all
//	go test ./test/torture -for 10m -timeout 20m  by hand
//
// The time is shared by four runs: a plain directory and a sealed one, each
// with a writer at full speed, which replaces the whole log every second or so,
// and with one at a rate, which leaves readers the time to see each state.
//
// A payload is derived from index and term (see package raftdir), and a file
// says both: its name the index, its time the term. So a reader can tell, of
// whatever it has open, what it must read: the whole payload, or an error.
package torture
