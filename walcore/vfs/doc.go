// Package vfs is the part of a file system that a log is written through: one
// directory and the files in it.
//
//	dir, err := vfs.OpenDir(path) // or OpenScratch, which changes nothing on disk
//	…
//	f, err := dir.Create("00001.wal")
//
// A test gives the writer a Dir of its own, which sees every write and flush and
// can make them fail; package crashfs has one.
//
// There are no paths, no folders inside the directory, and no locks: package
// platform has those.
package vfs
