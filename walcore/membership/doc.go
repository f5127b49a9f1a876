// Package membership says who the members of a Raft group are, as one node's
// directory has it: it begins with the snapshot's conf state, and applies the
// committed configuration changes after it (package confstate does that).
//
//	members, err := membership.Replay(log)
//
// A change above the commit index may still be replaced by another leader's, and
// is left out. History tells all changes one by one, and which of them are committed. The package asks no other node and no network: what this node has
// not heard of is not in the answer.
package membership
