//go:build linux

package repair

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
)

// TestRandomDamage: whatever bytes of slots or wal.meta are changed, repair refuses, or what it writes passes check and starts, and holds entries
// that were there, contiguous from the first one.
func TestRandomDamage(t *testing.T) {
	for _, base := range []struct {
		key      []byte
		snapshot bool
	}{{nil, false}, {nil, true}, {testKey, true}} {
		sound, want := logDir(t, base.key, base.snapshot)
		for seed := range uint64(fixture.Size(4, 60)) {
			t.Run(fmt.Sprintf("encrypted %v snapshot %v seed %d", base.key != nil, base.snapshot, seed), func(t *testing.T) {
				dir := copyOf(t, sound)
				what := damageAtRandom(t, dir, rand.New(rand.NewPCG(seed, 1)))
				p, err := plan(t, dir, Options{Key: base.key})
				if err != nil {
					if !errors.Is(err, walcore.ErrDamaged) && !errors.Is(err, walcore.ErrDataKey) {
						t.Errorf("%s: %v", what, err)
					}
					return
				}
				out := filepath.Join(t.TempDir(), "out")
				if err := p.Write(t.Context(), out); err != nil {
					t.Errorf("%s: %v", what, err)
				} else if !p.Sound {
					checkWritten(t, p, out, want)
				}
				if t.Failed() {
					t.Log(what)
				}
			})
		}
	}
}

// damageAtRandom changes a few places, and says which.
func damageAtRandom(t *testing.T, dir string, r *rand.Rand) (what string) {
	names, err := filepath.Glob(filepath.Join(dir, "*.[wm]*"))
	fixture.Must(t, err)
	for range 1 + r.IntN(3) {
		f := fixture.Edit(t, names[r.IntN(len(names))])
		at, b := int64(0), []byte{byte(r.IntN(256))}
		switch {
		case filepath.Base(f.Path) == "wal.meta":
			at = []int64{0, 8, 16, 512, 1024, 1032, 1040}[r.IntN(7)] + int64(r.IntN(12))
		case r.IntN(4) == 0:
			at, b = int64(r.IntN(2))*4096, make([]byte, 32*(1+r.IntN(64))) // stale or lost slots
		default:
			at = int64(r.IntN(slotsPerFile * 32))
		}
		st, err := os.Stat(f.Path)
		fixture.Must(t, err)
		if at+int64(len(b)) <= st.Size() {
			what += fmt.Sprintf("%s at %d: %x; ", filepath.Base(f.Path), at, b[:min(len(b), 4)])
			f.Write(at, b)
		}
	}
	return what
}
