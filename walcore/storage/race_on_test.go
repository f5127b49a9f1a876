//go:build race

package storage

// raceEnabled: processes start slowly, and the race detector finds nothing in
// the hundredth that it has not found in the tenth.
const raceEnabled = true
