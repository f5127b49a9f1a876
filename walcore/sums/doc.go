/*
Package sums adds a whole log up, or what a filter leaves of it, into the tables of package
stats.

	s, err := sums.Add(ctx, log, sums.Options{By: []stats.By{stats.Kind, stats.File}, Decoder: decoder, Failed: note})
	…
	report := s.Report(10) // its JSON is what walfs stats --json prints

Entries are added in batches, by a few goroutines. Batches are cut by what is in the log
alone and put together in its order: the figures and the order of failures are the same
with any number of them.

# Memory

It is bounded, whatever the log holds: a few batches of at most 16,384 entries, an entry of
[payload.MaxData] for each goroutine, and the tables.
*/
package sums
