package dgraph

import (
	"fmt"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// ErasedKey is what was found out about a log file whose key header was erased: a
// rewrite that reached back into it did that. Payloads from before that are encrypted
// as the header said; a node that was started again has written plain ones behind them.
type ErasedKey struct {
	Header format.KeyHeader // the one that was erased; with key id 0 nothing is encrypted
	// Encrypted is how many slots, from slot 0 on, have encrypted payloads. Those from
	// Plain on have plain ones. Of the slots between the two it is not known.
	Encrypted, Plain int
}

// chooseErased chooses the cipher of a file whose key header was erased. ok is false
// if nothing was found out about it.
func (r *Reader) chooseErased(l *LogFile) (ok bool) {
	k, ok := r.follower.opts.Erased[l.Name]
	if !ok {
		return false
	}
	l.erased = &k
	if k.Header.KeyID == 0 {
		return true
	}
	l.Header, l.KeyID, l.Encrypted = k.Header, k.Header.KeyID, true
	l.cipher, l.cipherErr = r.keys.block(k.Header.KeyID)
	return true
}

// decrypts reports whether a slot's payload is encrypted. It fails where that is not
// known.
func (l *LogFile) decrypts(slot int) (bool, error) {
	switch {
	case l.cipherErr != nil:
		return false, l.cipherErr
	case l.erased == nil, slot < l.erased.Encrypted:
		return l.cipher != nil, nil
	case slot >= l.erased.Plain:
		return false, nil
	}
	return false, fmt.Errorf("it is not known whether the payload is encrypted: %w", walcore.ErrDataKey)
}
