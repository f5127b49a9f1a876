// Package confstate applies configuration changes. It begins with the conf state
// of a snapshot, or with none, is given the changes that were committed after it,
// and gives the conf state that Raft has then.
//
//	r, err := confstate.From(snapshot.Metadata.ConfState)
//	…
//	err = r.Apply(raftpb.EntryConfChange, index, data)
//	…
//	members := r.ConfState()
//
// The rules are raft's own, from its package confchange. A conf state belongs to
// an index: it says who votes and who learns once the entry there is applied.
//
// The package reads no directory and no log, so that readers and writers can both
// use it. Which changes are committed is for the caller to know.
package confstate
