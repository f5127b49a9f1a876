package diff

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
)

// window is how much of a payload that is too large to be held is read at once.
const window = 1 << 20

// isLarge reports whether an entry's payload is compared window by window: a damaged
// length can claim as much as its log file has.
func isLarge(e *walcore.Entry) bool { return e.Size > payload.MaxData }

// samePrefix is how many bytes at their start the payloads of a and b have in common,
// and whether they are all. What cannot be read counts as the same, and as unreadable.
func (r *Report) samePrefix(a, b *log) (n int, same bool) {
	if !isLarge(&a.entry) && !isLarge(&b.entry) {
		if bytes.Equal(a.data, b.data) {
			return len(a.data), true
		}
		return commonBytes(a.data, b.data), false
	}
	size := min(a.entry.Size, b.entry.Size)
	p, q := make([]byte, window), make([]byte, window)
	for at := int64(0); at < size; at += window {
		p, q := p[:min(window, size-at)], q[:min(window, size-at)]
		for _, part := range []struct {
			l *log
			p []byte
		}{{a, p}, {b, q}} {
			if _, err := part.l.entry.ReadAt(part.p, at); err != nil && err != io.EOF {
				part.l.err = err
				r.Unreadable++
				return int(at), true
			}
		}
		if !bytes.Equal(p, q) {
			return int(at) + commonBytes(p, q), false
		}
	}
	return int(size), a.entry.Size == b.entry.Size
}

func commonBytes(a, b []byte) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

// sum is the SHA-256 of the entry's payload in hex.
func (l *log) sum() (string, error) {
	h := sha256.New()
	h.Write(l.data)
	if isLarge(&l.entry) {
		if _, err := io.CopyBuffer(h, io.NewSectionReader(&l.entry, 0, l.entry.Size), make([]byte, window)); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
