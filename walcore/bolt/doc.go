// Package bolt reads a bbolt database without its lock, while somebody else writes to it.
//
// A database is a tree of pages that are never changed in place: a transaction writes new
// pages, and then one of the two meta pages, which names the new root. The pages that it made
// useless are used again by the next transaction at the earliest. So what was read of the
// newest transaction is right if, afterwards, it still is the newest; and if it is not, nothing
// is known of it.
package bolt
