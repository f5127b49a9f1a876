//go:build race

package main

// raceEnabled: memory is several times as much, and all is slow.
const raceEnabled = true
