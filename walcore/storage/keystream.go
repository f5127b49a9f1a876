package storage

import "github.com/walfs/walfs/walcore/format"

// behindCiphertext is the first offset, from end on, with nothing but zeros
// behind it. An encrypted payload that was dropped, by a rewrite or a crash, has
// left its bytes there. The key stream depends on the offset: were another
// payload encrypted in the same place, the two together would give away the XOR
// of what they say.
func (g *segment) behindCiphertext(end int64) (int64, error) {
	free := end
	buf := make([]byte, 64<<10)
	for at := end; ; {
		from, to, found, err := g.f.NextData(at)
		if err != nil || !found {
			return free, err
		}
		for at = max(from, at); at < to; at += int64(len(buf)) {
			b := buf[:min(int64(len(buf)), to-at)]
			if _, err := g.f.ReadAt(b, at); err != nil {
				return 0, g.fileErr(err)
			}
			for i := len(b) - 1; i >= 0; i-- {
				if b[i] != 0 {
					// The last encrypted byte can be 0 itself.
					free = at + int64(i) + 1 + format.RewriteMargin
					break
				}
			}
		}
		at = to
	}
}
