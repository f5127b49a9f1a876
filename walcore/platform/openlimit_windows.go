package platform

// OpenLimit is how many files this process may have open. Windows has no limit that a
// log comes near.
func OpenLimit() int { return 1 << 20 }
