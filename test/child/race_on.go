//go:build race

package child

// Race says whether tests are built with the race detector.
const Race = true
