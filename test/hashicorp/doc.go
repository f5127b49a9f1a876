// Package hashicorp compares what walcore/hashicorp reads with what HashiCorp's own stores
// read, while these write and after they were killed. It is a module of its own, so that walfs
// does not need them.
package hashicorp
