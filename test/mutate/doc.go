// Package mutate tests the checker: it makes tens of thousands of damaged
// directories from sound ones, and knows what it did to each. So it can judge what
// the reader, and opening for writing, make of them:
//
//   - nothing panics, hangs, or takes memory for a length that the bytes claim;
//   - an entry that is given has the index, term, type and data that it had, except
//     where the format makes the damage undetectable;
//   - no entry of the log is taken for one that was replaced;
//   - every damage to slots, lengths, offsets and metadata that the format lets
//     anybody see is among the problems;
//   - opening for writing loses no entry that could be read before, and changes
//     nothing where it refuses.
//
// RATES.md has the share of damages that were found, by their kind, and says which
// kinds cannot be found and why.
//
// A mutant is a [Base], a [Kind] and a number, from which all its bytes follow: its
// recipe, BASE/KIND/NUMBER@SEED, makes it again alone.
//
//	go test ./test/mutate -run TestMutants -seed 7 -mutants 50000
//	go test ./test/mutate -run TestMutants -recipe 'plain/slot offset: bit flip/12@7' -v
package mutate
