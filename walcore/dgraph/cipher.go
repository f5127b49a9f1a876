package dgraph

import (
	"errors"
	"fmt"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// openKeys reads KEYREGISTRY. It fails with ErrKey.
func (r *reading) openKeys() error {
	n := findNative(r.native, format.KeyRegistryName)
	if n == nil {
		r.keys = &keyRing{}
		if r.reported(format.KeyRegistryName) {
			r.keys = unreadableRing()
		}
		return nil
	}
	if before := findNative(r.previous.native, format.KeyRegistryName); before != nil && before.Attr == n.Attr && !r.previous.keys.unreadable {
		r.keys = r.previous.keys
		r.problems = append(r.problems, r.keys.problems...)
		return nil
	}
	raw := make([]byte, min(n.Attr.Size, format.MaxRegistry))
	if err := readFull(n.f, raw, 0); err != nil {
		r.report(format.KeyRegistryName, walcore.KindUnreadable, "cannot be read: %v", err)
		r.keys = unreadableRing()
		return nil
	}
	ring, problems, err := openKeyRing(raw, r.follower.opts.Key)
	if err != nil {
		return err
	}
	ring.problems = problems
	r.problems = append(r.problems, problems...)
	r.keys = ring
	return nil
}

// chooseCipher finds out how a file's payloads are decrypted, if they are.
func (r *Reader) chooseCipher(l *LogFile) {
	report := func(kind walcore.Kind, message string) {
		l.problems.addAlways(walcore.FileProblem(l.Name, kind, message).At(format.KeyHeaderAt))
	}
	switch h := l.Header; {
	case h.KeyID == 0 && r.chooseErased(l):
	case l.Len() == 0 || l.Attr.Size < format.PayloadAt: // there are no payloads
	case h.KeyID == 0 && h.BaseIV == [8]byte{} && !r.keys.there:
	case h.KeyID == 0 && r.follower.opts.Plain:
	case h.KeyID == 0:
		l.cipherErr = fmt.Errorf("key id 0 in a directory with a %s, the file is plain or a rewrite has erased its key id: %w; "+
			"--plain shows its payloads as they are", format.KeyRegistryName, walcore.ErrDataKey)
		report(walcore.KindKeyErased, "key id 0, but the directory has a "+format.KeyRegistryName+": the file is plain, or a rewrite has erased "+
			"its key id; --plain shows its payloads as they are")
	case h.BaseIV == [8]byte{}:
		l.cipherErr = fmt.Errorf("key id %d and a base IV of zeros: %w", h.KeyID, walcore.ErrDataKey)
		report(walcore.KindKeyErased, fmt.Sprintf("key id %d and a base IV of zeros, which no writer makes: the IV is erased", h.KeyID))
	default:
		l.cipher, l.cipherErr = r.keys.block(h.KeyID)
		switch {
		case errors.Is(l.cipherErr, walcore.ErrNoKey):
			report(walcore.KindNoKey, "the payloads are encrypted: give the node's key with --key-file")
		case l.cipherErr != nil:
			report(walcore.KindDataKey, fmt.Sprintf("the payloads are encrypted: %v", l.cipherErr))
		}
	}
}
