// Package diff compares the logs of one Raft group's nodes. Raft promises that
// entries of the same index and term are the same, and that a committed entry is
// the same on every node. Compare finds where that does not hold. A follower that
// only lags behind, and entries whose payload was emptied, break no promise and
// are listed apart.
//
//	report, err := diff.Compare(ctx, logs, nil)
//	if !report.Alike() { … }
//
// The package changes nothing, and does not say which of two logs is right.
package diff
