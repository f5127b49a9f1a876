// Package crashfs is a vfs.Dir for tests of what a power loss leaves. It passes
// everything on to a real directory, remembers what was flushed and what was not,
// and gives the states in which a power loss could leave the disk.
//
//	dir, err := crashfs.Wrap(real, 512)
//	…
//	dir.OnStep(func() {
//		dir.States(100, random, func(s crashfs.State) { s.Write(…); … })
//	})
//
// It takes the worst case: each block that was written and not flushed is on disk
// or is not, whatever happened to the other blocks. The same holds for a file's
// new size, and for every name that was created, renamed or removed since the
// directory was flushed.
//
// A block is on disk as a whole or not at all: there are no half-written blocks.
// There is no full disk, and no memory mapping.
package crashfs
