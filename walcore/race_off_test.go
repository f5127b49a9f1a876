//go:build !race

package walcore

const raceEnabled = false
