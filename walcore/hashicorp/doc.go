// Package hashicorp reads the Raft directories of HashiCorp's library.
package hashicorp
