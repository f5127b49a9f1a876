package dgraph

import (
	"errors"

	"github.com/walfs/walfs/walcore"
)

// Gap fails with ErrDamaged if entries were once where now none from first to
// last is whole. A loop over Entries passes over them; who must not miss any asks
// about the indexes between two that it got.
func (l *log) Gap(first, last uint64) error {
	if first = max(first, 1); first > last {
		return nil
	}
	// Behind the end and before the beginning, only what is next to the log is
	// known to have been in it.
	for _, index := range []uint64{first, last} {
		if _, err := l.Entry(index); errors.Is(err, walcore.ErrDamaged) {
			return err
		}
	}
	return nil
}
