// Package stats adds up the entries of a log: how many there are and how many bytes
// they have, by what they say and by where they lie.
//
//	byKind := stats.NewTable(stats.Kind, snapshot)
//	for e := range log.Entries(1) {
//		…
//		decoder.Facts(&facts, payload.EntryOf(&e, data))
//		byKind.Add(&e, &facts)
//	}
//	rows, rest := byKind.Top(10)
//
// An entry is dead if its index is at or below the snapshot's: a node does not read it
// any more.
//
// A Table takes bounded memory, whatever the entries hold.
package stats
