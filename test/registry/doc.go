// Package registry compares walcore/format's reading and writing of KEYREGISTRY with
// Badger's own code. It is a module of its own, so that walfs does not need Badger.
package registry
