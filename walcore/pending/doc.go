// Package pending tells which transactions of a log are not decided: begun by an entry
// with edges, and neither committed nor aborted by one behind it.
//
//	var p pending.Txns
//	for e := range log.Entries(1) {
//		…
//		decoder.Facts(&facts, payload.EntryOf(&e, data))
//		p.Add(&facts, e.Index)
//	}
//	for _, txn := range p.List() { … }
//
// Only an Alpha's log has entries that begin a transaction. Such a transaction holds
// the log back: an Alpha makes no snapshot behind its first entry.
package pending
