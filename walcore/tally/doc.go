// Package tally keeps what the payloads of a log add up to, while the log grows.
//
//	c := tally.New()
//	for newest, err := range walcore.Watch(ctx, log) {
//		…
//		t, err := c.Update(ctx, newest, decoder, nil)
//		…
//		fmt.Println(t.Table(stats.Kind).Rows())
//	}
//
// Entries are counted in parts: runs of entries of one log file. A part keeps its sums. When
// the log has changed, the parts whose entries are the same stay, and only the entries of the
// others are read: those that were appended, and those of parts in which an entry was replaced
// or dropped. What all parts add up to is added up again from their sums, which reads nothing.
//
// A [Counter] belongs to one goroutine. A [Tally] that it gives does not change, and any
// goroutine may use it.
//
// Memory is bounded whatever the log holds: by the sums of some hundred thousand values, which
// parts share when there are more; by the newest 1,048,576 transactions, twice 48 bytes each;
// and by some hundred bytes a log file.
package tally
