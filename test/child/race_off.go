//go:build !race

package child

// Race says that what is built has the race detector.
const Race = false
