//go:build !race

package e2e

// raceEnabled makes the program under test be built with the race detector.
const raceEnabled = false
