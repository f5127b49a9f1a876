// Package registry holds walcore/format's KEYREGISTRY against Badger's own code.
// It is a module of its own, so that walfs does not need Badger.
package registry
